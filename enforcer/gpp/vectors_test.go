package gpp

import (
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// vector is one string with what the IAB's own library makes of it.
type vector struct {
	Name           string
	GPPString      string
	SectionStrings []string
	Decoded        json.RawMessage
	Expectation    string
}

type vectorFile struct {
	SpecificationExamples []vector
	Malformed             []vector
	Vectors               []vector
	USSectionOffsets      map[string]struct {
		SectionID         ID
		DefaultCoreString string
		Fields            map[string]int
		HasGPCSubsection  bool
	}
}

func vectors(t testing.TB) (f vectorFile) {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func decode(t testing.TB, s string) *String {
	t.Helper()
	g := new(String)
	if err := Decode(g, s); err != nil {
		t.Fatalf("%q: %v", s, err)
	}
	return g
}

// describe returns the description as plain JSON values.
func describe(t testing.TB, g *String) any {
	t.Helper()
	text, err := json.Marshal(g.Describe(describeTCF))
	if err != nil {
		t.Fatal(err)
	}
	return plain(t, text)
}

func plain(t testing.TB, text []byte) (v any) {
	t.Helper()
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectors(t *testing.T) {
	f := vectors(t)
	if len(f.Vectors) != 20 || len(f.SpecificationExamples) != 3 || len(f.Malformed) != 14 {
		t.Fatal("vectors are missing")
	}
	for _, v := range append(f.Vectors, f.SpecificationExamples...) {
		g := decode(t, v.GPPString)
		if v.Decoded == nil {
			continue // the Canadian example, which TestSpecificationExample3 has
		}
		if got, want := describe(t, g), plain(t, v.Decoded); !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %v\nwant %v", v.Name, got, want)
		}
		if v.SectionStrings == nil {
			continue
		}
		var raw []string
		for _, s := range g.Sections() {
			raw = append(raw, s.Raw)
		}
		if strings.Join(raw, "~") != strings.Join(v.SectionStrings, "~") {
			t.Errorf("%s: sections %q, want %q", v.Name, raw, v.SectionStrings)
		}
	}
}

// The specification's third example has a European string as its Canadian
// section. The section is malformed, and the other one is kept.
func TestSpecificationExample3(t *testing.T) {
	g := decode(t, vectors(t).SpecificationExamples[2].GPPString)
	if s := g.Section(TCFCAv1); s == nil || s.Malformed != ErrSectionVersion || !s.OptedOut() {
		t.Errorf("section 5: %+v", s)
	}
	if s := g.Section(USPv1); s == nil || s.Malformed != 0 || s.OptedOut() {
		t.Errorf("section 6: %+v", s)
	}
	if *g.Canada() != (Canada{}) {
		t.Errorf("a malformed section left %+v", g.Canada())
	}
}

func TestVectorsOptedOut(t *testing.T) {
	optedOut := map[string]bool{
		"uspv1_opted_out": true, "usnat_sale_opt_out": true, "usnat_sharing_opt_out": true, "usnat_all_opt_out_gpc1": true,
		"usnat_no_opt_out_but_gpc1": true, "usnat_v2_sensitive_values": true, // a known child without consent
		"usca_sale_opt_out": true, "usca_opt_out_gpc1": true, "usut_opt_out": true, "usct_opt_out": true,
		"usmd_2025_layout": true, "usri_2025_layout": true, "tcf_usnat_usca": true, "states_noncontiguous": true,
	}
	for _, v := range vectors(t).Vectors {
		if got := decode(t, v.GPPString).OptedOut(0); got != optedOut[v.Name] {
			t.Errorf("%s: opted out %v", v.Name, got)
		}
		delete(optedOut, v.Name)
	}
	if len(optedOut) != 0 {
		t.Errorf("not in the vectors: %v", optedOut)
	}
}

func TestMalformedVectors(t *testing.T) {
	byName := map[string]vector{}
	for _, v := range vectors(t).Malformed {
		byName[v.Name] = v
	}
	whole := func(name string, want Error) {
		t.Helper()
		var g String
		if err := Decode(&g, byName[name].GPPString); err != want || !g.OptedOut(0) || len(g.Sections()) != 0 {
			t.Errorf("%s: %v, want %v, and opted out %v", name, err, want, g.OptedOut(0))
		}
		delete(byName, name)
	}
	section := func(name string, want Error) {
		t.Helper()
		g := decode(t, byName[name].GPPString)
		if s := g.Sections(); len(s) != 1 || s[0].Malformed != want || !g.OptedOut(0) {
			t.Errorf("%s: %+v, want %v", name, s, want)
		}
		delete(byName, name)
	}
	whole("empty_string", ErrEmpty)
	whole("header_only_with_section_listed", ErrSectionCount)
	whole("extra_section", ErrSectionCount)
	whole("blank_section", ErrBlankSection)
	whole("bad_header_char", ErrCharacter)
	whole("tc_string_not_gpp", ErrTCString)
	whole("header_wrong_type", ErrTCString)
	whole("header_version_2", ErrVersion)
	section("usp_wrong_length", ErrUSPrivacy)
	section("usp_bad_letter", ErrUSPrivacy)
	section("usp_lowercase", ErrUSPrivacy)
	section("usnat_truncated", ErrTruncated)
	section("usnat_value_3", ErrReservedValue)

	unknown := decode(t, byName["unknown_section_id_60"].GPPString)
	if len(unknown.Sections()) != 0 || unknown.OptedOut(0) {
		t.Errorf("an unknown section was not skipped: %+v", unknown.Sections())
	}
	delete(byName, "unknown_section_id_60")
	if len(byName) != 0 {
		t.Errorf("not tested: %v", byName)
	}
}

// The offsets that the vectors give for each section, one value at a time.
func TestSectionOffsets(t *testing.T) {
	f := vectors(t)
	if len(f.USSectionOffsets) != int(maxID-USPv1) {
		t.Fatal("sections are missing")
	}
	for name, v := range f.USSectionOffsets {
		core, _, _ := strings.Cut(v.DefaultCoreString, ".")
		check := func(raw string) *Section {
			t.Helper()
			s := &Section{ID: v.SectionID, Raw: raw}
			if err := s.decodeUS(); err != 0 {
				t.Fatalf("%s: %q: %v", name, raw, err)
			}
			return s
		}
		check(v.DefaultCoreString)
		if hasGPC := layouts[v.SectionID].subsection == gpcSubsection; v.SectionID.String() != name || hasGPC != v.HasGPCSubsection {
			t.Errorf("%s: is %v, GPC %v", name, v.SectionID, hasGPC)
		}
		for fieldName, offset := range v.Fields {
			bits := bitsOf(core)
			raw := encodeBits(bits[:offset] + "10" + bits[offset+2:])
			for f := range numFields {
				if fieldNames[f] == fieldName && *check(raw).value(f, 0) != DidNotOptOut {
					t.Errorf("%s: %s is not at %d", name, fieldName, offset)
				}
			}
		}
	}
}

func bitsOf(text string) string {
	var b strings.Builder
	for r := (reader{text: text}); r.left() > 0; {
		b.WriteByte('0' + byte(r.take(1)))
	}
	return b.String()
}
