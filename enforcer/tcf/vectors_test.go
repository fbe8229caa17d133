package tcf

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"testing"
	"time"
)

// vectors are strings made by the IAB's official library, with what it says of
// them, and strings that are wrong.
type vectorFile struct {
	Vectors []struct {
		Name, TCString, Validity string
		Decoded                  json.RawMessage
		Google755                struct {
			VendorConsent, VendorLI bool
			Disclosed               *bool
		}
	}
	Malformed []struct{ Name, TCString string }
}

func vectors(tb testing.TB) (file vectorFile) {
	tb.Helper()
	data, err := os.ReadFile("testdata/tc.json")
	if err != nil {
		tb.Fatal(err)
	}
	if err := json.Unmarshal(data, &file); err != nil {
		tb.Fatal(err)
	}
	if len(file.Vectors) == 0 || len(file.Malformed) == 0 {
		tb.Fatal("no vectors")
	}
	return file
}

// vector returns the string of that name.
func vector(tb testing.TB, name string) string {
	tb.Helper()
	file := vectors(tb)
	for _, v := range file.Vectors {
		if v.Name == name {
			return v.TCString
		}
	}
	for _, v := range file.Malformed {
		if v.Name == name {
			return v.TCString
		}
	}
	tb.Fatalf("no vector %s", name)
	return ""
}

// today is when the vectors were made.
var today = time.Date(2026, 10, 1, 12, 0, 0, 0, time.UTC)

func TestVectors(t *testing.T) {
	unusable := map[string]error{
		"created_differs_from_lastUpdated":           ErrPolicyVersion,
		"v23_missing_disclosed_created_after_cutoff": ErrUndisclosed,
	}
	var c Consent
	for _, v := range vectors(t).Vectors {
		if err := Decode(&c, v.TCString); err != nil {
			t.Errorf("%s: %v", v.Name, err)
			continue
		}
		sameJSON(t, v.Name, &c, v.Decoded)
		if err := c.Usable(today); err != unusable[v.Name] {
			t.Errorf("%s: usable: %v; it is %s", v.Name, err, v.Validity)
		}
		g := v.Google755
		if c.VendorConsent(755) != g.VendorConsent || c.VendorLegitimateInterest(755) != g.VendorLI {
			t.Errorf("%s: 755 has consent %t, interest %t", v.Name, c.VendorConsent(755), c.VendorLegitimateInterest(755))
		}
		// One vector has false where there is no segment, others null.
		if disclosed := g.Disclosed != nil && *g.Disclosed; c.Disclosed(755) != disclosed {
			t.Errorf("%s: 755 is disclosed: %t", v.Name, c.Disclosed(755))
		}
		if got := contentOf(&c).String(); canonical(got) != canonical(v.TCString) {
			t.Errorf("%s: written again:\n%s", v.Name, got)
		}
	}
}

// sameJSON compares a description with what another decoder says.
func sameJSON(t *testing.T, name string, c *Consent, want []byte) {
	t.Helper()
	got, err := json.Marshal(c.Describe())
	if err != nil {
		t.Fatal(err)
	}
	var a, b map[string]any
	if err := errors.Join(json.Unmarshal(got, &a), json.Unmarshal(want, &b)); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	for key := range b {
		if !reflect.DeepEqual(a[key], b[key]) {
			t.Errorf("%s: %s:\ngot  %v\nwant %v", name, key, a[key], b[key])
		}
		delete(a, key)
	}
	for key := range a {
		t.Errorf("%s: %s should not be there", name, key)
	}
}

func TestMalformed(t *testing.T) {
	// What cannot be decoded, and what can be but grants nothing.
	undecodable := map[string]error{
		"empty":                         ErrEmpty,
		"whitespace":                    ErrVersion,
		"not_base64url":                 ErrAlphabet,
		"standard_base64_plus":          ErrAlphabet,
		"padding_equals":                ErrAlphabet,
		"truncated_in_header":           ErrTruncated,
		"truncated_fixed_only":          ErrTruncated,
		"truncated_in_range":            ErrTruncated,
		"truncated_disclosed":           ErrTruncated,
		"version_1_string":              ErrVersion,
		"version_0":                     ErrVersion,
		"version_3":                     ErrVersion,
		"gpp_string":                    ErrVersion,
		"disclosed_without_core":        ErrVersion,
		"core_twice":                    ErrSegment,
		"language_out_of_range":         ErrLetters,
		"restriction_end_before_start":  ErrRange,
		"vendor_range_end_before_start": ErrRange,
	}
	unusable := map[string]error{
		"unknown_segment_type_5": ErrUndisclosed,
		"policy_3":               ErrPolicyVersion,
		"is_service_specific_0":  ErrGlobalScope,
		"cmp_id_0":               ErrCMP,
		"created_in_future":      ErrFuture,
	}
	usable := map[string]bool{"li_purpose3_set": true, "vendor_id_above_max": true, "bomb_65535_full_ranges": true}
	file := vectors(t)
	if want := len(undecodable) + len(unusable) + len(usable); len(file.Malformed) != want {
		t.Errorf("%d malformed vectors, expectations of %d", len(file.Malformed), want)
	}
	var c Consent
	for _, v := range file.Malformed {
		err := Decode(&c, v.TCString)
		if err != undecodable[v.Name] {
			t.Errorf("%s: decode: %v, want %v", v.Name, err, undecodable[v.Name])
		}
		if err == nil {
			if err := c.Usable(today); err != unusable[v.Name] {
				t.Errorf("%s: usable: %v, want %v", v.Name, err, unusable[v.Name])
			}
		}
		if grantsAnything(&c) && !usable[v.Name] {
			t.Errorf("%s: grants something", v.Name)
		}
	}
}

// greedy asks for everything on every basis.
func greedy(id uint16) []Vendor {
	all := PurposeSet(1<<MaxPurpose - 1)
	return []Vendor{
		{ID: id, Consent: all}, {ID: id, LegitimateInterest: all},
		{ID: id, Consent: all, Flexible: all}, {ID: id, LegitimateInterest: all, Flexible: all},
	}
}

// grantsAnything asks for some vendors of all vectors.
func grantsAnything(c *Consent) bool {
	for _, id := range []uint16{1, 2, 3, 8, 755} {
		for _, v := range greedy(id) {
			for p := Purpose(0); p <= MaxPurpose+1; p++ {
				if c.Permits(&v, p) {
					return true
				}
			}
		}
	}
	return false
}

func TestGrantsDespiteOddities(t *testing.T) {
	google := Vendor{ID: 755, Consent: Purposes(1, 3, 4), LegitimateInterest: Purposes(2, 7, 9, 10), Flexible: Purposes(2, 7, 9, 10)}
	check := func(name string, p Purpose, want bool) {
		t.Helper()
		var c Consent
		if err := errors.Join(Decode(&c, vector(t, name)), c.Usable(today)); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if c.Permits(&google, p) != want {
			t.Errorf("%s: purpose %d is permitted: %t", name, p, !want)
		}
	}
	check("li_purpose3_set", 3, true)        // on consent
	check("vendor_id_above_max", 3, false)   // 755 is in a range, above the highest id
	check("bomb_65535_full_ranges", 3, true) // 755 is one of all ids
	check("google_only_all_purposes", 4, true)
	check("google_only_all_purposes", 7, false) // no legitimate interest
	check("google_only_purpose1", 1, true)
	check("google_only_purpose1", 3, false)
	check("google_nonpersonalised_ads", 1, true)
	check("google_nonpersonalised_ads", 2, true)
	check("google_nonpersonalised_ads", 3, false)
	check("google_nonpersonalised_ads", 7, true)
	check("everyone_but_google", 1, false)
	check("google_consented_not_disclosed", 1, false)
	check("disclosed_empty", 1, false)
	check("purposes_2_to_11_without_1", 1, false)
	check("purpose_one_treatment_no_p1", 1, false)
	check("purpose_one_treatment_no_p1", 3, true)
	check("restriction_type0_google_p3p4", 1, true)
	check("restriction_type0_google_p3p4", 3, false)
	check("restriction_type0_google_p3p4", 4, false)
	check("restriction_type0_google_p3p4", 7, true)
	check("restriction_mixed_types", 2, true)
	check("reject_all_v23", 1, false)
	check("accept_all_v23", 1, true)
	check("real_gvl_accept_all", 10, true)
	check("allowed_vendors_segment", 1, true)
}

// The worked example of the specification.
func TestSpecificationExample(t *testing.T) {
	var c Consent
	if err := Decode(&c, "CQSbk4AQSbk4ANwAAAENAwCgAAAAAAAAAAYgACPAAAAA.IDKQA4AAgAKAGQAygAAA.YAAAAAAAAAAA"); err != nil {
		t.Fatal(err)
	}
	d := c.Describe()
	four := [][2]uint16{{1, 4}}
	shown := [][2]uint16{{1, 5}, {100, 100}, {404, 404}}
	if c.Created() != time.Date(2025, 6, 3, 0, 0, 0, 0, time.UTC) || c.CMP() != 880 || c.VendorListVersion() != 48 ||
		d.ConsentLanguage != "EN" || c.PolicyVersion() != 2 || !d.IsServiceSpecific || c.PublisherCC() != "DE" ||
		len(d.PurposeConsents) != 0 || !reflect.DeepEqual(d.VendorConsents.Ranges, four) ||
		!reflect.DeepEqual(d.DisclosedVendors.Ranges, shown) || d.PublisherTC == nil {
		t.Errorf("%+v", d)
	}
	if err := c.Usable(today); err != ErrPolicyVersion {
		t.Errorf("usable: %v", err)
	}
}
