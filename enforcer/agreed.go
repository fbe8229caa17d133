package enforcer

import "sekisho/schemas"

// Agreement is what a user agreed to by an event, as opposed to what silence
// grants.
type Agreement struct {
	Purposes schemas.Purposes
	// Policy is the version that was agreed to, "" where no signal says.
	Policy string
	// Signals that granted something, by where they were found.
	Signals []string
}

// Agreed tells what the signals of an event and its request grant by
// themselves. What of it holds is [Table.Decide]'s to say. It is not for the hot
// path.
func (t *Table) Agreed(site *Site, e *schemas.Event, r *Request) (a Agreement) {
	for _, s := range t.explainSignals(site, e, r, &t.jurisdictions[t.jurisdiction(site, e, r)]) {
		granted := false
		for _, answer := range s.Answers {
			if answer.Answer == AnswerGranted {
				a.Purposes |= 1 << answer.Purpose
				granted = true
			}
		}
		if granted {
			a.Signals = append(a.Signals, s.From)
		}
	}
	a.Policy = e.Consent.Policy
	if a.Policy == "" {
		a.Policy, _, _ = parseConsentCookie(r.Consent, r.Now)
	}
	return a
}
