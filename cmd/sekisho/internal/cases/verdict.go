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
}

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
		r := RecipientVerdict{Recipient: x.Recipients[i].Recipient, Outcome: x.Recipients[i].Outcome, Reason: x.Recipients[i].Reason}
		for _, f := range x.Recipients[i].Fields {
			if f.Fate == enforcer.FateStripped {
				r.Stripped = append(r.Stripped, f.Field)
			}
		}
		slices.Sort(r.Stripped)
		v.Recipients = append(v.Recipients, r)
	}
	return v, nil
}

func (c *Case) resets() (*enforcer.Resets, error) {
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
