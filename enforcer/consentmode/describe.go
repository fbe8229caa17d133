package consentmode

// Description is a State in words, for a person.
type Description struct {
	InUse   bool              `json:"in_use"`
	Summary string            `json:"summary"`
	Types   []TypeDescription `json:"types"`
}

// TypeDescription is what a State says of one consent type, in words.
type TypeDescription struct {
	Type     string `json:"type"`
	Value    string `json:"value"`
	Default  string `json:"default"`
	Update   string `json:"update"`
	Implicit string `json:"implicit"`
	Meaning  string `json:"meaning"`
}

// Describe puts the State in words. It allocates; it is not for the hot path.
func (s *State) Describe() Description {
	d := Description{InUse: s.InUse(), Types: make([]TypeDescription, NumTypes)}
	var count [numValues]int
	for t, setting := range s {
		count[setting.Value]++
		d.Types[t] = TypeDescription{
			Type:     Type(t).String(),
			Value:    setting.Value.String(),
			Default:  setting.Default.String(),
			Update:   setting.Update.String(),
			Implicit: setting.Implicit.String(),
			Meaning:  setting.meaning(),
		}
	}
	switch {
	case !d.InUse:
		d.Summary = "consent mode is not in use, or nothing was set: neither consent nor refusal"
	case count[Granted] == 0:
		d.Summary = "nothing is granted"
	case count[Denied] == 0:
		d.Summary = "what is set is granted"
	default:
		d.Summary = "partly granted, partly denied"
	}
	return d
}

func (s Setting) meaning() string {
	switch {
	case s.Update == Granted:
		return "granted by an update, usually the user's choice"
	case s.Update == Denied:
		return "denied by an update, usually the user's choice"
	case s.Default == Granted:
		return "granted by the page's default; no choice was made since"
	case s.Default == Denied:
		return "denied by the page's default; no choice was made since"
	case s.Value == Granted:
		return "granted"
	case s.Value == Denied:
		return "denied"
	case s.Implicit == Denied:
		return "not set by the page; denied on Google's side"
	}
	return "not set"
}
