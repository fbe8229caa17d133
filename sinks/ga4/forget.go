package ga4

import (
	"context"
	"fmt"
	"net/http"

	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// Forget asks Google to delete every user that an identifier was known to it
// as. Google says when it took the request and not when it is done (up to three
// days for reports, the next deletion cycle for the rest), so that the state is
// asked. An identifier that Google is never sent anything under is done at once. One
// that events can carry and yet be under another name is done in part.
func (k *Kind) Forget(ctx context.Context, send forward.Sender, id *forward.Identity) (schemas.ProgressState, error) {
	users := k.users(id)
	if len(users) == 0 && id.Field != schemas.SessionID {
		return schemas.Done, nil
	}
	if k.config.Deletion.Property == "" || len(users) == 0 {
		return schemas.Unsupported, nil // nobody can be deleted by a session
	}
	for _, user := range users {
		if state, err := k.delete(ctx, send, user); err != nil || state != schemas.Asked {
			return state, err
		}
	}
	web, app := k.kinds()
	if web && !k.reaches(id, schemas.GA, webClients) || app && !k.reaches(id, schemas.AppInstanceID, appClients) {
		return schemas.Partial, nil
	}
	return schemas.Asked, nil
}

// reaches reports whether all events of a kind of stream that carry the identifier are
// under a name made of it: own is what names a client as it came, clients what it is
// made of otherwise; see [Kind.client].
func (k *Kind) reaches(id *forward.Identity, own schemas.Field, clients []schemas.Field) bool {
	switch {
	case id.Field == schemas.UserID && k.config.UserID:
		return true // it is the user id of all events that have it
	case id.Field != own && !has(clients, id.Field):
		return true // none of them is under it, or has it
	case id.Own.Has(own):
		return id.Field == own && !k.config.UserID
	}
	return id.Field == clients[0]
}

// user is one way in which the Admin API names a user.
type user struct{ member, id string }

// users lists what client, app instance and user ids were made of an identifier;
// see [Kind.client].
func (k *Kind) users(id *forward.Identity) (users []user) {
	web, app := k.kinds()
	for _, p := range id.Pseudonyms {
		if web && has(webClients, id.Field) {
			users = append(users, user{"clientId", clientID(p, false)})
		}
		if app && has(appClients, id.Field) {
			users = append(users, user{"appInstanceId", clientID(p, true)})
		}
		if id.Field == schemas.UserID && k.config.UserID || id.Field == schemas.GA && web || id.Field == schemas.AppInstanceID && app {
			users = append(users, user{"userId", p.Hex()})
		}
	}
	return users
}

func has(list []schemas.Field, f schemas.Field) bool {
	for _, one := range list {
		if one == f {
			return true
		}
	}
	return false
}

// kinds reports which kinds of stream there are.
func (k *Kind) kinds() (web, app bool) {
	for _, s := range k.config.Streams {
		web, app = web || s.MeasurementID != "", app || s.FirebaseAppID != ""
	}
	return web, app
}

func (k *Kind) delete(ctx context.Context, send forward.Sender, u user) (schemas.ProgressState, error) {
	d := &k.config.Deletion
	body := append(forward.AppendText([]byte{'{'}, u.member, u.id), '}')
	request, err := post(ctx, d.Endpoint+"/v1alpha/properties/"+d.Property+":submitUserDeletion", body)
	if err != nil {
		return schemas.Failed, err
	}
	bearer, err := k.bearer(ctx, send)
	if err != nil {
		return schemas.Failed, err
	}
	request.Header.Set("Authorization", "Bearer "+bearer)
	r, err := send(request)
	if err != nil {
		return schemas.Failed, fmt.Errorf("cannot ask Google to delete a user: %w", err)
	}
	switch {
	case r.Status == http.StatusOK:
		return schemas.Asked, nil
	case r.Status == http.StatusBadRequest:
		return schemas.Failed, nil // it will never be taken
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden, r.Status == http.StatusNotFound:
		k.tokens.forget()
		return schemas.Failed, fmt.Errorf("cannot ask Google to delete a user: it answers %d; check who may edit deletion.property: %w", r.Status, forward.ErrPaused)
	}
	return schemas.Failed, fmt.Errorf("cannot ask Google to delete a user: it answers %d", r.Status)
}
