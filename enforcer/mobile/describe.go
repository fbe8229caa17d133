package mobile

// Description is a phone's signal in words, for a person.
type Description struct {
	Signal  string `json:"signal"`
	Value   string `json:"value"`
	Meaning string `json:"meaning"`
}

// Describe puts the status in words.
func (a ATT) Describe() Description {
	d := Description{Signal: "App Tracking Transparency", Value: a.String()}
	switch a {
	case NotDetermined:
		d.Meaning = "the user has not been asked; advertising is refused until they agree"
	case Restricted:
		d.Meaning = "the device does not let the user be asked; advertising is refused"
	case Denied:
		d.Meaning = "the user refused tracking"
	case Authorized:
		d.Meaning = "the user agreed to tracking"
	default:
		d.Meaning = "not a status; advertising is refused"
	}
	return d
}

// Describe puts the flag in words.
func (l LimitAdTracking) Describe() Description {
	if l {
		return Description{Signal: "limit ad tracking", Value: "1", Meaning: "the user limits ad tracking; advertising is refused"}
	}
	return Description{Signal: "limit ad tracking", Value: "0", Meaning: "ad tracking is not limited; this is no consent"}
}

// Describe says whether the identifier is one, without repeating it.
func (id AdvertisingID) Describe() Description {
	if id.IsZero() {
		return Description{Signal: "advertising identifier", Value: "all zeros", Meaning: "the user refused or deleted it; it identifies nobody"}
	}
	return Description{Signal: "advertising identifier", Value: "present", Meaning: "identifies the device to advertisers"}
}
