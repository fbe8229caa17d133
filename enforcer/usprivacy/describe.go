package usprivacy

// Description is a String with the names that the IAB's own library gives to
// its parts.
type Description struct {
	Version     int
	Notice      string
	OptOutSale  string
	LspaCovered string
}

// Describe puts the String in words, for a person. Letters are in upper case,
// whatever was sent.
func (s String) Describe() Description {
	return Description{Version: 1, Notice: s.Notice.String(), OptOutSale: s.OptOutSale.String(), LspaCovered: s.LSPACovered.String()}
}
