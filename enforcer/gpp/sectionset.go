package gpp

// SectionSet is a set of section ids: those that a string has, or those that
// are in force for a hit, as gpp_sid says. The zero SectionSet, of gpp_sid,
// says nothing.
type SectionSet uint64

const (
	// NoneInForce says that no section is in force for the hit: gpp_sid=-1.
	NoneInForce SectionSet = 1

	// beyond stands for all ids that have no bit of their own. None of them
	// is known.
	beyond = 63
)

func setOf(id uint32) SectionSet { return 1 << min(id, beyond) }

// Has reports whether the section is in the set.
func (s SectionSet) Has(id ID) bool { return id > 0 && s&setOf(uint32(id)) != 0 }

// maxSectionIDs is the length of the longest list that is read. There are one
// or two ids in it.
const maxSectionIDs = 256

// ParseSectionIDs reads the ids of the sections that are in force: numbers with
// commas between (gpp_sid in a URL) or underscores (IABGPP_GppSID in an app).
// -1 alone is NoneInForce. An empty list, and 0, which the CMP API has while it
// loads, are the zero SectionSet; so is the result with an error.
func ParseSectionIDs(s string) (SectionSet, error) {
	switch {
	case s == "" || s == "0":
		return 0, nil
	case s == "-1":
		return NoneInForce, nil
	case len(s) > maxSectionIDs:
		return 0, ErrSectionIDs
	}
	var set SectionSet
	var id uint32
	digits := 0
	for i := 0; ; i++ {
		switch {
		case i < len(s) && s[i] >= '0' && s[i] <= '9':
			id = min(10*id+uint32(s[i]-'0'), 1<<16)
			digits++
		case digits == 0 || id == 0:
			return 0, ErrSectionIDs
		case i == len(s):
			return set | setOf(id), nil
		case s[i] == ',' || s[i] == '_':
			set |= setOf(id)
			id, digits = 0, 0
		default:
			return 0, ErrSectionIDs
		}
	}
}

// Applicable divides the sections in force into those that can be read here
// and those that are missing: not in the string, or of an unknown id. Sections
// that are not in force say nothing about the hit.
//
// If sids is zero, nobody said what is in force, and all that is here counts.
func (g *String) Applicable(sids SectionSet) (here, missing SectionSet) {
	if sids == 0 {
		return g.known, 0
	}
	sids &^= NoneInForce
	return sids & g.known, sids &^ g.known
}

// OptedOut reports whether any section in force is opted out, as
// [Section.OptedOut] tells, or is missing. A malformed string is opted out
// whatever is in force.
func (g *String) OptedOut(sids SectionSet) bool {
	if g.malformed != 0 {
		return true
	}
	here, missing := g.Applicable(sids)
	for i := range g.Sections() {
		if s := &g.sections[i]; here.Has(s.ID) && s.OptedOut() {
			return true
		}
	}
	return missing != 0
}
