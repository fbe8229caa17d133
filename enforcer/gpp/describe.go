package gpp

import (
	"bytes"
	"encoding/json"
	"strings"

	"sekisho/enforcer/usprivacy"
)

// Description is a GPP string in words: its sections with all their fields,
// under the names of the CMP API.
type Description struct {
	SectionIDs []int  `json:"sectionIds"`
	Sections   Object `json:"sections"`
}

// Object is a JSON object that keeps the order of its members.
type Object []Member

// Member is a member of an Object.
type Member struct {
	Name  string
	Value any
}

// MarshalJSON writes the members in their order.
func (o Object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		name, err := json.Marshal(m.Name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.Value)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// Describe puts the string in words, for a person. A section that is malformed
// says so instead. The TC string of section 2 is described by tcf, which
// should return a [TCF]; without tcf it is shown as it stands. Describe
// allocates; it is not for the hot path.
func (g *String) Describe(tcf func(tcString string) (any, error)) Description {
	d := Description{SectionIDs: []int{}, Sections: Object{}}
	for i := range g.Sections() {
		s := &g.sections[i]
		d.SectionIDs = append(d.SectionIDs, int(s.ID))
		d.Sections = append(d.Sections, Member{s.ID.String(), g.describe(s, tcf)})
	}
	return d
}

func (g *String) describe(s *Section, tcf func(string) (any, error)) any {
	switch {
	case s.Malformed != 0:
		return malformed(s.Malformed)
	case s.ID == TCFEUv2 && tcf == nil:
		return Object{{"TCString", s.Raw}}
	case s.ID == TCFEUv2:
		d, err := tcf(s.Raw)
		if err != nil {
			return malformed(err)
		}
		return d
	case s.ID == TCFCAv1:
		return g.canada.describe()
	case s.ID == USPv1:
		d, err := usprivacy.Decode(s.Raw)
		if err != nil {
			return malformed(err)
		}
		return d.Describe()
	}
	return s.describe()
}

func malformed(why error) Object { return Object{{"Malformed", why.Error()}} }

// describe describes a US section. Of usnat it shows the lists at the length
// that they were sent in.
func (s *Section) describe() Object {
	l := &layouts[s.ID]
	slots := l.slots
	if core, _, _ := strings.Cut(s.Raw, "."); s.ID == USNat && s.Version == 1 {
		slots, _ = nationalSlots(reader{text: core})
	}
	o := Object{{l.versionName, s.Version}}
	for _, slot := range slots {
		o = append(o, s.member(slot))
	}
	switch {
	case !s.HasSubsection:
	case l.subsection == gpcSubsection:
		o = append(o, Member{"GpcSegmentType", 1}, Member{"Gpc", s.GPC})
	case l.subsection == sensitiveSubsection:
		o = append(o, s.member(slot{sensitiveDataProcessing, 8}))
	}
	return o
}

func (s *Section) member(slot slot) Member {
	name := fieldNames[slot.field]
	if slot.count == 1 {
		return Member{name, *s.value(slot.field, 0)}
	}
	list := make([]int, slot.count)
	for i := range list {
		list[i] = int(*s.value(slot.field, uint8(i)))
	}
	return Member{name, list}
}
