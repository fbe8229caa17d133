package cases

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"sekisho/enforcer"
	"sekisho/enforcer/registry"
	"sekisho/ingest"
	"sekisho/schemas"
)

// Verdict is what was decided about a case.
type Verdict struct {
	Outcome      schemas.Outcome
	Reason       schemas.Reason
	Jurisdiction string
	Recipients   []RecipientVerdict
}

// RecipientVerdict is what was decided for a recipient.
type RecipientVerdict struct {
	Recipient string
	Outcome   schemas.Outcome
	Reason    schemas.Reason
	Stripped  []string // of an event that it has; sorted

	// flags are the vendors' own that are set, and fields what becomes of each
	// field.
	flags  []string
	fields map[string]fate
}

// fate is what becomes of a field: of what category it is, and what is written.
type fate struct{ category, written string }

// Decide decides about a case under a policy, as a collector would.
func Decide(t *enforcer.Table, c *Case) (v Verdict, err error) {
	resets, err := c.resets()
	if err != nil {
		return v, err
	}
	headers := make(http.Header, len(c.Headers))
	for name, value := range c.Headers {
		headers.Set(name, value)
	}
	x, err := ingest.NewExplainer(ingest.DefaultConfig(), enforcer.New(t, nil, resets)).
		Explain(ingest.Question{Event: c.Event, Headers: headers, Place: c.Place, Now: c.Now})
	if err != nil {
		return v, err
	}
	v = Verdict{Outcome: x.Outcome, Reason: x.Reason, Jurisdiction: x.Jurisdiction.Name}
	for i := range x.Recipients {
		v.Recipients = append(v.Recipients, recipientVerdict(&x.Recipients[i]))
	}
	return v, nil
}

func recipientVerdict(x *enforcer.ExplainedRecipient) RecipientVerdict {
	r := RecipientVerdict{Recipient: x.Recipient, Outcome: x.Outcome, Reason: x.Reason, fields: make(map[string]fate)}
	if f := x.Flags; f != nil {
		for _, flag := range []struct {
			name string
			set  bool
		}{{"ad_user_data", f.AdUserData}, {"ad_personalization", f.AdPersonalisation}, {"limited_data_use", f.LimitedDataUse}} {
			if flag.set {
				r.flags = append(r.flags, flag.name)
			}
		}
	}
	for _, f := range x.Fields {
		switch {
		case f.Fate == enforcer.FateStripped:
			r.Stripped = append(r.Stripped, f.Field)
		case f.Value != "":
			r.fields[f.Field] = fate{f.Category.String(), f.Fate + " as " + f.Value}
		default:
			r.fields[f.Field] = fate{f.Category.String(), f.Fate}
		}
	}
	slices.Sort(r.Stripped)
	return r
}

// resets returns the registry that the case is decided under, nil when it says
// nothing of one.
func (c *Case) resets() (*enforcer.Resets, error) {
	if len(c.Resets) == 0 {
		return nil, nil
	}
	hasher, err := registry.NewHasher(make([]byte, registry.MinSecret))
	if err != nil {
		return nil, fmt.Errorf("cannot make a registry: %w", err)
	}
	resets := enforcer.NewResets(hasher)
	for name, identifier := range c.Resets {
		f, _ := schemas.FieldNamed([]byte(name)) // checked when it was read
		resets.Put(&schemas.Reset{Field: f, Hash: resets.Hash(f, enforcer.NormalIdentifier(f, identifier)), At: time.Now()})
	}
	return resets, nil
}

// recipient returns the verdict for a recipient; it is dropped for one that the
// site does not have.
func (v *Verdict) recipient(name string) RecipientVerdict {
	for _, r := range v.Recipients {
		if r.Recipient == name {
			return r
		}
	}
	return RecipientVerdict{Recipient: name, Outcome: schemas.Dropped, Reason: schemas.ReasonRecipient}
}
