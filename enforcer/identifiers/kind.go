package identifiers

// Kind is a kind of direct identifier.
type Kind uint8

// The kinds.
const (
	Email Kind = iota
	Phone
	Card     // payment card number, ISO/IEC 7812
	MyNumber // Japanese individual number
	IBAN     // ISO 13616
	IP       // version 4 or 6
	JWT      // RFC 7519, or another compact JWS or JWE
	Secret   // password, API key, session key or other long token
	Visitor  // what another site or a newsletter calls its visitor, in a link
	Click    // click identifier, where it may not pass; see [Addresses]
	NumKinds = iota
)

var (
	kindNames = [NumKinds]string{"email", "phone", "card", "mynumber", "iban", "ip", "jwt", "secret", "visitor", "click"}
	kindNouns = [NumKinds]string{
		"an e-mail address", "a telephone number", "a card number", "a My Number", "an IBAN", "an IP address", "a JWT", "a secret",
		"a visitor's identifier", "a click identifier",
	}
	textMarks = marks("[", "]")
	// Brackets are not allowed in a path or query (RFC 3986, section 3.3).
	urlMarks = marks("%5B", "%5D")
	// No host that anyone registers has these.
	hostMarks = marks("_", "_")
)

func marks(left, right string) (list [NumKinds]string) {
	for k, name := range kindNames {
		list[k] = left + name + right
	}
	return list
}

// String returns the kind's name, as in metrics.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "unknown"
}

// Noun returns what the kind is called in a sentence, with its article.
func (k Kind) Noun() string {
	if int(k) < len(kindNouns) {
		return kindNouns[k]
	}
	return "something unknown"
}

// Mark returns what stands for an identifier of the kind in masked text. In
// an address it is percent-encoded, and has underscores for brackets in the host.
func (k Kind) Mark() string { return "[" + k.String() + "]" }

// Counts says how many identifiers of each kind were masked.
type Counts [NumKinds]uint32

// Total returns how many were masked in all.
func (c *Counts) Total() (n uint32) {
	for _, of := range c {
		n += of
	}
	return n
}
