package gpp

import "strings"

// MaxLength is the length in characters of the longest string that is
// decoded. A cookie holds 4096, and most URLs not much more.
const MaxLength = 16 << 10

// String is a decoded GPP string. It may be used again for the next one. The
// zero String says nothing, like a string without sections.
type String struct {
	malformed Error
	known     SectionSet
	count     int
	sections  [numSections]Section
	canada    Canada
}

// Decode decodes s into dst, whatever dst held before. It returns an Error if
// the string as a whole is malformed; dst then has no sections and is opted
// out. Sections of an unknown id are skipped, and one that does not decode is
// kept and marked, as [Section] tells.
//
// dst refers to s, which must not change while dst is in use.
func Decode(dst *String, s string) error {
	dst.reset(0)
	if err := dst.decode(s); err != 0 {
		dst.reset(err)
		return err
	}
	return nil
}

func (g *String) reset(why Error) {
	g.malformed, g.known, g.count, g.canada = why, 0, 0, Canada{}
}

// decode reads the header, and each section as soon as its id is known. An id
// takes at least one section from the rest, which bounds the work.
func (g *String) decode(s string) Error {
	switch {
	case s == "":
		return ErrEmpty
	case len(s) > MaxLength:
		return ErrLength
	case s[0] == 'C': // type 2, of a TC string; it may have dots
		return ErrTCString
	case s[0] != 'D': // type 3
		return ErrHeader
	}
	header, rest, more := strings.Cut(s, "~")
	r, err := newReader(header)
	if err != 0 {
		return err
	}
	r.skip(6)
	if r.take(6) != 1 {
		return ErrVersion
	}
	var id uint32
	for items := r.take(12); items > 0; items-- {
		var start, last uint32
		if start, last, err = r.item(coded, id); err != 0 {
			return err
		}
		for id = start; id <= last; id++ {
			var text string
			if !more {
				return ErrSectionCount
			}
			if text, rest, more = strings.Cut(rest, "~"); text == "" {
				return ErrBlankSection
			}
			g.add(id, text)
		}
		id = last
	}
	if err := r.end(); err != 0 {
		return err
	}
	if more {
		return ErrSectionCount
	}
	return 0
}

// add decodes one section. Ids ascend, so that none can come twice.
func (g *String) add(id uint32, text string) {
	if id > uint32(maxID) || !ID(id).known() {
		return
	}
	g.known |= setOf(id)
	s := &g.sections[g.count]
	g.count++
	*s = Section{ID: ID(id), Raw: text}
	var err Error
	switch s.ID {
	case TCFEUv2:
	case TCFCAv1:
		err = g.canada.decode(text)
		s.Version = 1
	case USPv1:
		err = s.decodeUSPrivacy()
	default:
		err = s.decodeUS()
	}
	if err != 0 {
		s.refuse(err)
	}
}

// Sections returns the sections that this package knows, in the order of their
// ids. They are dst's own and change with the next Decode.
func (g *String) Sections() []Section { return g.sections[:g.count] }

// Section returns the section of that id, or nil.
func (g *String) Section(id ID) *Section {
	for i := range g.Sections() {
		if g.sections[i].ID == id {
			return &g.sections[i]
		}
	}
	return nil
}

// Canada returns what section 5 says. Without that section, or if it is
// malformed, there is no consent in it.
func (g *String) Canada() *Canada { return &g.canada }
