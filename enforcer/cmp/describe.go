package cmp

import "sekisho/schemas"

// Description is Choices in words, for a person.
type Description struct {
	Platform   string                `json:"platform"`
	Summary    string                `json:"summary"`
	Explicit   bool                  `json:"explicit"`
	GPC        bool                  `json:"gpc"`
	Exhaustive bool                  `json:"exhaustive"`
	Categories []CategoryDescription `json:"categories"`
	TC         string                `json:"tc,omitempty"`
	AC         string                `json:"ac,omitempty"`
}

// CategoryDescription is what was said of one category, in words.
type CategoryDescription struct {
	ID string `json:"id"`
	// Usual is what the platform's default configuration calls it, or "".
	Usual  string `json:"usual,omitempty"`
	Answer string `json:"answer"`
}

// Describe puts the Choices in words. It allocates, copies all texts, and is
// not for the hot path.
func (c *Choices) Describe() Description {
	d := Description{
		Platform:   c.Platform.String(),
		Summary:    c.summary(),
		Explicit:   c.Explicit,
		GPC:        c.GPC,
		Exhaustive: c.Exhaustive,
		Categories: make([]CategoryDescription, 0, c.n),
		TC:         string([]byte(c.TC)),
		AC:         string([]byte(c.AC)),
	}
	for category, answer := range c.Each {
		d.Categories = append(d.Categories, CategoryDescription{
			ID:     string([]byte(category)),
			Usual:  usualName(c.Platform, category),
			Answer: answerName(answer),
		})
	}
	return d
}

func (c *Choices) summary() string {
	granted, refused := 0, 0
	for _, answer := range c.Each {
		switch answer {
		case schemas.Granted:
			granted++
		case schemas.Refused:
			refused++
		}
	}
	switch {
	case c.n == 0 && c.Exhaustive:
		return "the user granted nothing"
	case c.n == 0:
		return "nothing is said of any category"
	case !c.Explicit && refused == 0:
		return "the platform's defaults, not the user's choice: neither consent nor refusal"
	case !c.Explicit:
		return "the platform's defaults, not the user's choice: what is refused is refused, the rest is silence"
	case granted == 0:
		return "the user granted nothing"
	case granted == c.n:
		return "the user granted everything that is named"
	}
	return "the user granted a part"
}

func answerName(a schemas.Answer) string {
	switch a {
	case schemas.Granted:
		return "granted"
	case schemas.Refused:
		return "refused"
	}
	return "granted by default, which counts as silence"
}

// usualName explains the ids that platforms start out with.
func usualName(p Platform, category string) string {
	if p != OneTrust && p != Segment { // whose ids are often OneTrust's
		return ""
	}
	switch category {
	case "C0001":
		return "strictly necessary"
	case "C0002":
		return "performance"
	case "C0003":
		return "functional"
	case "C0004":
		return "targeting"
	case "C0005":
		return "social media"
	}
	return ""
}
