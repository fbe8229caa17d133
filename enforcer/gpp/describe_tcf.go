package gpp

import (
	"encoding/json"
	"time"
)

// TCF is the description of a TC string as section 2, with the names that the
// IAB's own GPP library gives to its fields. Sub-sections that are absent are
// described as empty; no list is nil.
type TCF struct {
	Version                            int
	Created                            string
	LastUpdated                        string
	CmpId                              int
	CmpVersion                         int
	ConsentScreen                      int
	ConsentLanguage                    string
	VendorListVersion                  int
	PolicyVersion                      int
	IsServiceSpecific                  bool
	UseNonStandardStacks               bool
	SpecialFeatureOptins               []bool // 12
	PurposeConsents                    []bool // 24
	PurposeLegitimateInterests         []bool // 24
	PurposeOneTreatment                bool
	PublisherCountryCode               string
	VendorConsents                     Vendors
	VendorLegitimateInterests          Vendors
	PublisherRestrictions              []Restriction
	PublisherPurposesSegmentType       int    // 3
	PublisherConsents                  []bool // 24
	PublisherLegitimateInterests       []bool // 24
	NumCustomPurposes                  int
	PublisherCustomConsents            []bool
	PublisherCustomLegitimateInterests []bool
	VendorsAllowedSegmentType          int // 2
	VendorsAllowed                     Vendors
	VendorsDisclosedSegmentType        int // 1
	VendorsDisclosed                   Vendors
}

// Vendors describes a set of vendor ids, as ranges from and to.
type Vendors struct {
	Count  int      `json:"count"`
	Ranges [][2]int `json:"ranges"`
}

// MarshalJSON writes the set, and an empty one without null.
func (v Vendors) MarshalJSON() ([]byte, error) {
	type plain Vendors
	if v.Ranges == nil {
		v.Ranges = [][2]int{}
	}
	return json.Marshal(plain(v))
}

// Restriction describes a publisher restriction: the purpose, its type, and
// the vendors that it restricts.
type Restriction struct {
	Key  int     `json:"key"`
	Type int     `json:"type"`
	IDs  Vendors `json:"ids"`
}

// Add adds ids, which must ascend from one call to the next.
func (v *Vendors) Add(first, last int) {
	v.Count += last - first + 1
	if n := len(v.Ranges); n > 0 && v.Ranges[n-1][1] == first-1 {
		v.Ranges[n-1][1] = last
		return
	}
	v.Ranges = append(v.Ranges, [2]int{first, last})
}

// Bools describes flags 1 to n.
func Bools(n int, has func(number uint8) bool) []bool {
	list := make([]bool, n)
	for i := range list {
		list[i] = has(uint8(i + 1))
	}
	return list
}

// Timestamp describes a time in UTC, to the millisecond.
func Timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
