package enforcer

import (
	"strings"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// Explanation is a decision told to a person: what was heard, what of it
// decided, and what becomes of each field. It holds no identifier, and of the
// event's texts only what is written in their place.
type Explanation struct {
	// Policy is the version of the policy that decided.
	Policy string            `json:"policy"`
	Site   string            `json:"site,omitempty"`
	Type   schemas.EventType `json:"type"`
	// Outcome and Reason are those of the event as a whole.
	Outcome schemas.Outcome `json:"outcome"`
	Reason  schemas.Reason  `json:"reason"`
	// Problem is why the event was not let in at all.
	Problem      *schemas.Invalid      `json:"problem,omitempty"`
	Jurisdiction ExplainedJurisdiction `json:"jurisdiction"`
	Signals      []ExplainedSignal     `json:"signals"`
	Purposes     []ExplainedPurpose    `json:"purposes"`
	Reset        ExplainedReset        `json:"reset"`
	Rule         ExplainedRule         `json:"rule"`
	Recipients   []ExplainedRecipient  `json:"recipients"`
}

// ExplainedJurisdiction is whose rules held, and what they say.
type ExplainedJurisdiction struct {
	Name string `json:"name"`
	// From is what it was found by.
	From string `json:"from"`
	// Silence grants these purposes; the signals refuse those.
	Silence []string `json:"silence_grants"`
	GPC     []string `json:"gpc_refuses"`
	DNT     []string `json:"dnt_refuses"`
}

// ExplainedPurpose is what all signals together came to for a purpose.
type ExplainedPurpose struct {
	Purpose schemas.Purpose `json:"purpose"`
	Granted bool            `json:"granted"`
	Reason  schemas.Reason  `json:"reason"`
	// By is what decided: signals, by where they came from, or a rule.
	By []string `json:"by"`
}

// ExplainedReset is whether the event's identifiers have been reset.
type ExplainedReset struct {
	// Known: there was a registry to look into.
	Known bool `json:"known"`
	// Identifiers that the event carries, and those of them that are reset.
	Identifiers []string `json:"identifiers"`
	Reset       []string `json:"reset"`
}

// ExplainedRule is the policy's rule for the event.
type ExplainedRule struct {
	// Event is the event type or the name of the custom event that has the rule.
	Event          string          `json:"event"`
	Purpose        schemas.Purpose `json:"purpose"`
	WithoutConsent policy.Action   `json:"without_consent"`
}

// Rejected explains an event of the site, or of none, that is not let in.
func (t *Table) Rejected(site string, e *schemas.Event, reason schemas.Reason, problem *schemas.Invalid) Explanation {
	return Explanation{Policy: t.Version, Site: site, Type: e.Type, Outcome: schemas.Rejected, Reason: reason, Problem: problem}
}

// Explain decides about an event as [Table.Decide] does and tells how. The
// event must have its id and time and be normalised; see [Normalise]. Resets
// may be nil.
//
// Each signal is heard once more by itself, by the code that decides, and what
// is written is what a [Projector] writes: the explanation cannot disagree
// with either. It is not for the hot path.
func (t *Table) Explain(site *Site, e *schemas.Event, r *Request, resets *Resets) Explanation {
	var v Verdict
	t.Decide(site, e, r, resets, &v)
	j := &t.jurisdictions[t.jurisdiction(site, e, r)]
	rule, named := site.rule(e)
	x := Explanation{
		Policy: t.Version, Site: site.Name, Type: e.Type, Outcome: v.Outcome, Reason: v.Reason,
		Jurisdiction: ExplainedJurisdiction{
			Name: j.name, From: placedBy(site, e, r),
			Silence: j.granted.Names(), GPC: j.gpc.Names(), DNT: j.dnt.Names(),
		},
		Signals: t.explainSignals(site, e, r, j),
		Reset:   resets.explain(e),
		Rule:    ExplainedRule{Event: e.Type.String(), Purpose: rule.purpose, WithoutConsent: rule.without},
	}
	if named && e.Type == schemas.Custom {
		x.Rule.Event = e.Get(schemas.Name)
	}
	x.explainPurposes(&v, j)
	x.explainRecipients(t, e, &v)
	return x
}

func placedBy(site *Site, e *schemas.Event, r *Request) string {
	switch {
	case r.Place != "":
		return "the place that the edge gives"
	case e.Get(schemas.Region) != "":
		return "the event's region"
	case e.Get(schemas.Country) != "":
		return "the event's country"
	case r.Lookup != "":
		return "the place of the client's address"
	case site.jurisdiction != 0:
		return "the site's own jurisdiction, as no place is known"
	}
	return "no place is known: the strictest rules"
}

// explainPurposes says which of the signals, or else which rule, decided.
func (x *Explanation) explainPurposes(v *Verdict, j *jurisdiction) {
	_, why := v.heard.decide(j)
	for p := schemas.Purpose(0); p < schemas.NumPurposes; p++ {
		ep := ExplainedPurpose{Purpose: p, Granted: v.Purposes.Has(p), Reason: why[p]}
		switch answer := v.heard.answers[p]; {
		case p == schemas.Necessary:
			ep.By = []string{"what is necessary needs no consent"}
		case answer == schemas.Silent && ep.Granted:
			ep.By = []string{"silence, which grants it in " + j.name}
		case answer == schemas.Silent:
			ep.By = append(x.saying(p, AnswerOutdated), "silence, which refuses it in "+j.name)
		default:
			ep.By = x.saying(p, answerName(answer))
		}
		x.Purposes = append(x.Purposes, ep)
	}
}

// saying lists the signals that give the answer for the purpose.
func (x *Explanation) saying(p schemas.Purpose, answer string) (from []string) {
	for _, s := range x.Signals {
		for _, a := range s.Answers {
			if a.Purpose == p && a.Answer == answer {
				from = append(from, s.From)
			}
		}
	}
	return from
}

func (r *Resets) explain(e *schemas.Event) ExplainedReset {
	x := ExplainedReset{Known: r != nil, Identifiers: (e.Fields & schemas.Identifiers).Names(), Reset: []string{}}
	if r == nil {
		return x
	}
	for f := range (e.Fields & schemas.Identifiers).Each {
		if r.set.Contains(r.hasher.Sum(kindOf(f).String(), e.Get(f))) {
			x.Reset = append(x.Reset, f.String())
		}
	}
	return x
}

func list(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}
