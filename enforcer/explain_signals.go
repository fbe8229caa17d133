package enforcer

import (
	"reflect"

	"sekisho/enforcer/interpret"
	"sekisho/schemas"
)

// ExplainedSignal is one signal that was found, heard by itself.
type ExplainedSignal struct {
	// From is where it was found: a header, a cookie, or a member of the
	// event's consent object.
	From string `json:"from"`
	// Said is what it says, as its decoder describes it.
	Said any `json:"said,omitempty"`
	// Lines is the same in words, for the text form.
	Lines []string `json:"-"`
	// Problem is why it counts as a refusal, or why it says nothing.
	Problem string `json:"problem,omitempty"`
	// Answers for the purposes of which it speaks.
	Answers []ExplainedAnswer `json:"answers"`
	// Vendors has, by recipient, the purposes for which an IAB signal does not
	// permit the recipient's vendor to process.
	Vendors map[string][]string `json:"vendors_refused,omitempty"`
}

// ExplainedAnswer is what a signal says of a purpose.
type ExplainedAnswer struct {
	Purpose schemas.Purpose `json:"purpose"`
	Answer  string          `json:"answer"`
	Reason  schemas.Reason  `json:"reason"`
}

// The answers of signals.
const (
	AnswerGranted  = "granted"
	AnswerRefused  = "refused"
	AnswerOutdated = "outdated" // granted under a policy that has changed since: silence
)

func answerName(a schemas.Answer) string {
	switch a {
	case schemas.Granted:
		return AnswerGranted
	case schemas.Refused:
		return AnswerRefused
	}
	return ""
}

// signalPart is a signal of [schemas.Signals], with the others without which it
// is not understood.
type signalPart struct {
	field   string // of schemas.Signals
	with    []string
	object  string // its name in the event's consent object
	request string // the header or cookie that brings it
	kind    interpret.Kind
	plain   bool // it has no kind: its value says all
}

var signalParts = []signalPart{
	{field: "GPC", object: "gpc", request: "header Sec-GPC", plain: true},
	{field: "DNT", object: "dnt", request: "header DNT", plain: true},
	{field: "TCF", with: []string{"AdditionalConsent", "GDPR"}, object: "tcf", request: "cookie euconsent-v2", kind: interpret.TCF},
	{field: "TCFPublisher", with: []string{"AdditionalConsent"}, request: "cookie eupubconsent-v2", kind: interpret.TCF},
	{field: "TCFHeader", with: []string{"AdditionalConsent"}, request: "header " + TCFHeader, kind: interpret.TCF},
	{field: "AdditionalConsent", object: "additional_consent", request: "cookie addtl_consent", kind: interpret.AdditionalConsent},
	{field: "GPP", with: []string{"GPPSections", "AdditionalConsent"}, object: "gpp", request: "cookie OTGPPConsent", kind: interpret.GPP},
	{field: "GPPSections", object: "gpp_sections", plain: true},
	{field: "USPrivacy", object: "us_privacy", request: "cookie usprivacy", kind: interpret.USPrivacy},
	{field: "GCS", object: "gcs", request: "gcs", kind: interpret.GCS},
	{field: "GCD", object: "gcd", request: "gcd", kind: interpret.GCD},
	{field: "OneTrust", with: []string{"OneTrustClosed"}, object: "onetrust", request: "cookie OptanonConsent", kind: interpret.OneTrust},
	{field: "Cookiebot", object: "cookiebot", request: "cookie CookieConsent", kind: interpret.Cookiebot},
	{field: "Didomi", object: "didomi", request: "cookie didomi_token", kind: interpret.Didomi},
	{field: "CookieYes", request: "cookie cookieyes-consent", kind: interpret.CookieYes},
	{field: "Usercentrics", object: "usercentrics", request: "usercentrics", kind: interpret.Usercentrics},
	{field: "Categories", object: "categories", request: "categories", kind: interpret.Segment},
	{field: "ATT", object: "att", request: "att", kind: interpret.ATT},
	{field: "LimitAdTracking", object: "limit_ad_tracking", request: "limit_ad_tracking", kind: interpret.LimitAdTracking},
}

// explainSignals hears every signal that is there by itself.
func (t *Table) explainSignals(site *Site, e *schemas.Event, r *Request, j *jurisdiction) []ExplainedSignal {
	found := []ExplainedSignal{}
	alone := func(s ExplainedSignal, e *schemas.Event, r *Request) {
		var h hearing
		h.hear(t, site, e, r, j)
		s.hear(t, site, &h)
		if s.Problem == "" && h.answers[schemas.Advertising] == schemas.Refused && h.why[schemas.Advertising] == schemas.ReasonMalformedConsent {
			s.Problem = "a part of it that counts cannot be understood, or it is of a time that has not come"
		}
		found = append(found, s)
	}
	if c := e.Consent; c.Present {
		c.Signals = schemas.Signals{}
		if c != (schemas.Consent{Present: true}) {
			alone(describeObject(&c), &schemas.Event{Consent: c}, &Request{Now: r.Now})
		}
	}
	if r.Consent != "" {
		s := ExplainedSignal{From: "cookie " + ConsentCookie}
		if d, err := DescribeConsentCookie(r.Consent, r.Now); err != nil {
			s.Problem = err.Error()
		} else {
			s.Said, s.Lines = d, d.Lines()
		}
		alone(s, &schemas.Event{}, &Request{Now: r.Now, Consent: r.Consent})
	}
	if name := r.Signals.Unclear; name != "" {
		s := ExplainedSignal{From: "cookie " + name, Problem: "is empty, or came more than once with different values"}
		if name == TCFHeader {
			s.From = "header " + name
		}
		alone(s, &schemas.Event{}, &Request{Now: r.Now, Signals: schemas.Signals{Unclear: name}})
	}
	for _, from := range []struct {
		signals *schemas.Signals
		request bool
	}{{&r.Signals, true}, {&e.Consent.Signals, false}} {
		all := reflect.ValueOf(from.signals).Elem()
		for _, part := range signalParts {
			value := all.FieldByName(part.field).String()
			if value == "" {
				continue
			}
			s := ExplainedSignal{From: "event's consent." + part.object}
			if from.request {
				s.From = part.request
			}
			var one schemas.Signals
			only := reflect.ValueOf(&one).Elem()
			for _, name := range append(part.with, part.field) {
				only.FieldByName(name).SetString(all.FieldByName(name).String())
			}
			switch {
			case part.field == "GPPSections":
				if from.signals.GPP != "" {
					continue // it is heard with the string
				}
				s.Said, s.Problem = value, "says which sections of a GPP string are in force, and there is none"
			case part.plain:
				s.Said, s.Lines = value, []string{plainMeaning(value)}
			default:
				s.describe(part.kind, value, &one, r)
			}
			if f := from.signals; part.field == "AdditionalConsent" && s.Problem == "" && f.TCF+f.TCFPublisher+f.TCFHeader+f.GPP == "" {
				s.Problem = "says nothing without a TC string"
			}
			alone(s, &schemas.Event{}, &Request{Now: r.Now, Signals: one})
		}
	}
	return found
}

func plainMeaning(value string) string {
	if value == "1" {
		return "on"
	}
	return "not 1, which says nothing"
}

func (s *ExplainedSignal) describe(kind interpret.Kind, value string, one *schemas.Signals, r *Request) {
	m, err := interpret.Of(kind, value, r.Now)
	if kind == interpret.OneTrust {
		m, err = interpret.OfOneTrust(value, one.OneTrustClosed)
	}
	switch {
	case err != nil:
		s.Problem = err.Error()
		return
	case m.Malformed != nil:
		s.Problem = m.Malformed.Error()
	case m.Unusable != nil:
		s.Problem = m.Unusable.Error()
	case kind == interpret.TCF && one.GDPR == "0":
		s.Problem = "grants nothing: the event says that the GDPR does not apply"
	}
	s.Said, s.Lines = m.Said, m.Lines()
}

// hear takes over what was heard of the signal alone.
func (s *ExplainedSignal) hear(t *Table, site *Site, h *hearing) {
	s.Answers = []ExplainedAnswer{}
	for p := schemas.Analytics; p < schemas.NumPurposes; p++ {
		switch answer := h.answers[p]; {
		case answer != schemas.Silent:
			s.Answers = append(s.Answers, ExplainedAnswer{p, answerName(answer), h.why[p]})
		case h.outdated.Has(p):
			s.Answers = append(s.Answers, ExplainedAnswer{p, AnswerOutdated, schemas.ReasonOutdatedConsent})
		}
	}
	for i, recipient := range site.recipients {
		if refused := h.vendorRefused[i]; refused != 0 {
			if s.Vendors == nil {
				s.Vendors = make(map[string][]string)
			}
			s.Vendors[t.Recipients[recipient]] = refused.Names()
		}
	}
}

// objectDescription is the answers of the event's own consent object.
type objectDescription struct {
	Answers map[string]string `json:"answers"`
	Policy  string            `json:"policy,omitempty"`
}

func describeObject(c *schemas.Consent) ExplainedSignal {
	s := ExplainedSignal{From: "event's consent"}
	if c.Malformed {
		s.Problem = "not of the form that the event schema gives it"
		return s
	}
	d := objectDescription{Answers: map[string]string{}, Policy: c.Policy}
	for p := schemas.Analytics; p < schemas.NumPurposes; p++ {
		if answer := answerName(c.Answers[p]); answer != "" {
			d.Answers[p.String()] = answer
			s.Lines = append(s.Lines, p.String()+": "+answer)
		}
	}
	if c.Policy != "" {
		s.Lines = append(s.Lines, "under the policy of "+c.Policy)
	}
	s.Said = d
	return s
}
