package gpp

import "strconv"

// ID is the id of a section (Sections/Section Information).
type ID uint8

// The sections that this package decodes. All others are skipped, as the
// specification wants: their ids are in the header, and nothing more is known.
const (
	TCFEUv2 ID = 2
	TCFCAv1 ID = 5
	USPv1   ID = 6
	USNat   ID = 7
	USCA    ID = 8
	USVA    ID = 9
	USCO    ID = 10
	USUT    ID = 11
	USCT    ID = 12
	USFL    ID = 13
	USMT    ID = 14
	USOR    ID = 15
	USTX    ID = 16
	USDE    ID = 17
	USIA    ID = 18
	USNE    ID = 19
	USNH    ID = 20
	USNJ    ID = 21
	USTN    ID = 22
	USMN    ID = 23
	USMD    ID = 24
	USIN    ID = 25
	USKY    ID = 26
	USRI    ID = 27
)

const (
	maxID       = USRI
	numSections = 2 + maxID - TCFCAv1
)

// known reports whether this package decodes the section.
func (id ID) known() bool {
	return id == TCFEUv2 || id >= TCFCAv1 && id <= maxID
}

// String returns the section's name in the CMP API, such as usnat.
func (id ID) String() string {
	switch {
	case id == TCFEUv2:
		return "tcfeuv2"
	case id == TCFCAv1:
		return "tcfcav1"
	case id == USPv1:
		return "uspv1"
	case id.known():
		return layouts[id].name
	}
	return "section " + strconv.Itoa(int(id))
}
