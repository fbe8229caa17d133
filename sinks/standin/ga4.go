package standin

import (
	"crypto/rsa"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Google is what the stand-in of Google Analytics knows.
type Google struct {
	// Secrets are the API secrets, by measurement id (G-…) or Firebase app id.
	Secrets map[string]string
	// Property whose users can be deleted, and the bearer token that may.
	Property, Token string
	// Account, if set, is the e-mail address of a service account, and AccountKey
	// what it signs with: POST /token gives the token to whoever is it.
	Account    string
	AccountKey *rsa.PublicKey
	// Long accepts values as long as a property of Analytics 360 takes.
	Long bool
}

// StartGoogle starts a stand-in of Google Analytics 4: /mp/collect,
// /debug/mp/collect, /v1alpha/properties/{id}:submitUserDeletion and /token.
func StartGoogle(o Options, g Google) (*Server, error) {
	r := newRecorder("google", &o)
	return start(o, &google{Google: g, recorder: r}, r)
}

type google struct {
	Google
	*recorder
}

func (*google) name() string { return "google" }

func (g *google) take(r *http.Request, body []byte, f Fault) answer {
	switch {
	case r.URL.Path == "/mp/collect":
		return g.collect(r, body, f)
	case r.URL.Path == "/debug/mp/collect":
		return g.debug(r, body)
	case r.URL.Path == "/token":
		return g.token(r, body)
	case strings.HasSuffix(r.URL.Path, ":submitUserDeletion"):
		return g.deletion(r, body, f)
	}
	g.violate(Violation{Rule: "path", Path: r.URL.Path, Message: "there is nothing here"})
	return answer{status: http.StatusNotFound}
}

// collect answers 204 whatever came: what is not right is dropped in silence.
func (g *google) collect(r *http.Request, body []byte, f Fault) answer {
	if r.Method != http.MethodPost {
		g.violate(Violation{Rule: "method", Message: "must be POST"})
		return answer{status: http.StatusMethodNotAllowed}
	}
	done := answer{status: http.StatusNoContent}
	hit := g.check(r, body, false, true)
	g.violate(hit.violations...)
	drop := func(n int) { g.count(func(r *Received) { r.Dropped += uint64(n) }) }
	if known := g.authorized(hit.stream, r.URL.Query().Get("api_secret")); !known || f.Kind == Revoke {
		if !known {
			g.violate(Violation{Rule: "api_secret", Message: "the secret is not the stream's"})
		}
		drop(hit.sent)
		return done
	}
	if hit.broken {
		drop(hit.sent)
		return done
	}
	gone := false
	for _, kind := range []string{"client_id", "app_instance_id", "user_id"} {
		if id, ok := hit.body[kind].(string); ok {
			gone = g.identifier(kind, id) || gone
		}
	}
	events := hit.events
	drop(hit.sent - len(events))
	if f.Kind == Half {
		drop(len(events) - len(events)/2)
		events = events[:len(events)/2]
	}
	for _, event := range events {
		g.keepEvent(hit.client, event, gone)
	}
	return done
}

// keepEvent counts an event. Google itself knows no identifier of events: those
// of a client that are the very same, or whose parameter event_id is, were sent
// twice.
func (g *google) keepEvent(client string, event object, gone bool) {
	name, _ := event["name"].(string)
	g.event(name)
	if params, ok := event["params"].(object); ok {
		for _, kind := range []string{"session_id", "transaction_id", "event_id"} {
			if id, ok := params[kind].(string); ok {
				g.identifier(kind, id)
			}
		}
	}
	text, _ := json.Marshal(event) // members ordered by name
	if params, ok := event["params"].(object); ok && params["event_id"] != nil {
		text, _ = json.Marshal(params["event_id"])
	}
	doubled := g.again(client+"\x00"+string(text), 0)
	g.count(func(r *Received) {
		if doubled {
			r.Doubled++
		}
		if gone {
			r.AfterDeletion++
		}
	})
}

// debug says what collect would keep quiet about. Its events are in no report,
// and neither the secret nor the ids are looked at.
func (g *google) debug(r *http.Request, body []byte) answer {
	query := r.URL.Query().Get("validation_behavior")
	hit := g.check(r, body, query == "ENFORCE_RECOMMENDATIONS", false)
	type message struct {
		FieldPath      string `json:"fieldPath"`
		Description    string `json:"description"`
		ValidationCode string `json:"validationCode"`
	}
	messages := []message{}
	for _, v := range hit.violations {
		messages = append(messages, message{v.Path, v.Message, v.Code})
	}
	return answer{status: http.StatusOK, body: map[string]any{"validationMessages": messages}}
}

// authorized compares secrets in constant time; a stream that is not known has
// none.
func (g *google) authorized(stream, secret string) bool {
	want, ok := g.Secrets[stream]
	return ok && subtle.ConstantTimeCompare([]byte(want), []byte(secret)) == 1
}

var deletionPath = regexp.MustCompile(`^/v1alpha/properties/([0-9]+):submitUserDeletion$`)

// deletionKinds are what a user may be named by, and what the hits call it.
var deletionKinds = map[string]string{
	"userId": "user_id", "clientId": "client_id", "appInstanceId": "app_instance_id", "userProvidedData": "user_provided_data",
}

// deletion is the Admin API's submitUserDeletion.
func (g *google) deletion(r *http.Request, body []byte, f Fault) answer {
	bearer, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if f.Kind == Revoke || g.Token == "" || subtle.ConstantTimeCompare([]byte(bearer), []byte(g.Token)) != 1 {
		return googleError(http.StatusUnauthorized, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
	}
	property := deletionPath.FindStringSubmatch(r.URL.Path)
	if r.Method != http.MethodPost || property == nil || property[1] != g.Property {
		g.violate(Violation{Rule: "property", Path: r.URL.Path, Message: "not a property that the token may change"})
		return googleError(http.StatusForbidden, "PERMISSION_DENIED", "The caller does not have permission")
	}
	value, _, err := parse(body)
	members, ok := value.(object)
	if err != nil || !ok || len(members) != 1 {
		g.violate(Violation{Rule: "deletion", Message: "must be an object with one of userId, clientId, appInstanceId, userProvidedData"})
		return googleError(http.StatusBadRequest, "INVALID_ARGUMENT", "Request contains an invalid argument.")
	}
	for name, v := range members {
		id, _ := v.(string)
		kind, known := deletionKinds[name]
		if !known || id == "" {
			g.violate(Violation{Rule: "deletion", Path: name, Message: "not a way to name a user, or empty"})
			return googleError(http.StatusBadRequest, "INVALID_ARGUMENT", "Request contains an invalid argument.")
		}
		g.recorder.deletion(kind, id)
	}
	return answer{status: http.StatusOK, body: map[string]string{"deletionRequestTime": g.now().UTC().Format(time.RFC3339Nano)}}
}

func googleError(code int, status, message string) answer {
	return answer{status: code, body: map[string]any{"error": map[string]any{"code": code, "message": message, "status": status}}}
}

// streamOf returns the stream that a hit names, and whether it is an app's.
func streamOf(r *http.Request) (stream string, app bool, problem string) {
	query := r.URL.Query()
	id, firebase := query.Get("measurement_id"), query.Get("firebase_app_id")
	switch {
	case id != "" && firebase != "":
		return "", false, "measurement_id and firebase_app_id exclude each other"
	case firebase != "":
		return firebase, true, ""
	case !measurementID.MatchString(id):
		return id, false, "measurement_id must be G- and letters and digits"
	}
	return id, false, ""
}

var measurementID = regexp.MustCompile(`^G-[A-Z0-9]+$`)

func isReserved(name string, app bool) bool {
	if slices.Contains(reservedEvents, name) {
		return true
	}
	return app && (slices.Contains(reservedAppEvents, name) || slices.ContainsFunc(reservedAppPrefixes, func(p string) bool { return strings.HasPrefix(name, p) }))
}

// Names that the documents reserve.
var (
	reservedEvents = []string{
		"ad_impression", "app_remove", "app_store_refund", "app_store_subscription_cancel", "app_store_subscription_renew",
		"error", "first_open", "first_visit", "in_app_purchase", "session_start", "user_engagement",
	}
	reservedAppEvents = []string{
		"ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure", "app_clear_data",
		"app_exception", "app_install", "app_update", "app_upgrade", "firebase_campaign", "os_update",
	}
	reservedAppPrefixes    = []string{"dynamic_link_", "firebase_in_app_message_", "notification_"}
	reservedUserProperties = []string{"first_open_time", "first_visit_time", "last_deep_link_referrer", "user_id", "first_open_after_install"}
	reservedPrefixes       = []string{"ga_", "google_", "firebase_"}
)
