package mobile

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
)

const sampleID = "6D92078A-8246-4BA4-AE5B-76104861E7DC"

var pattern = regexp.MustCompile(`(?i)^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

func TestParseAdvertisingID(t *testing.T) {
	check := func(in string) {
		t.Helper()
		id, err := ParseAdvertisingID(in)
		if err != nil {
			t.Errorf("ParseAdvertisingID(%q): %v", in, err)
		}
		if got := string(id.AppendIDFA(nil)); got != strings.ToUpper(in) {
			t.Errorf("%q as IDFA is %q", in, got)
		}
		if got := string(id.AppendGAID([]byte("gaid "))); got != "gaid "+strings.ToLower(in) {
			t.Errorf("%q as GAID is %q", in, got)
		}
		if id.IsZero() != (strings.Trim(in, "0-") == "") {
			t.Errorf("%q: zero is %t", in, id.IsZero())
		}
	}
	check(sampleID)
	check(strings.ToLower(sampleID))
	check("6d92078A-8246-4bA4-aE5b-76104861e7Dc")
	check("00000000-0000-0000-0000-000000000000")
	check("00000000-0000-0000-0000-000000000001")
	check("10000000-0000-0000-0000-000000000000")
	check("ffffffff-ffff-ffff-ffff-ffffffffffff")
}

func TestParseAdvertisingIDRefuses(t *testing.T) {
	check := func(in string) {
		t.Helper()
		id, err := ParseAdvertisingID(in)
		if !errors.Is(err, ErrAdvertisingID) || !id.IsZero() {
			t.Errorf("%q is taken", in)
		}
	}
	check("")
	check("6D92078A82464BA4AE5B76104861E7DC")
	check("{" + sampleID + "}")
	check(sampleID + " ")
	check(sampleID[:35])
	check(sampleID[:35] + "G")
	check(sampleID[:35] + "\x00")
	check("6D92078A-8246-4BA4-AE5B+76104861E7DC")
	check("6D92078A8-246-4BA4-AE5B-76104861E7DC")
	check("------------------------------------")
	check("limitadtrackinglimitadtrackinglimit1")
}

// An identifier must not reach a log or an answer through what prints it.
func TestAdvertisingIDDoesNotPrint(t *testing.T) {
	id, err := ParseAdvertisingID(sampleID)
	if err != nil {
		t.Fatal(err)
	}
	marshalled, err := json.Marshal(struct{ ID AdvertisingID }{id})
	if err != nil {
		t.Fatal(err)
	}
	described, err := json.Marshal(id.Describe())
	if err != nil {
		t.Fatal(err)
	}
	for _, printed := range []string{
		id.String(), fmt.Sprint(id), fmt.Sprintf("%v %+v %#v %s %q %x %d", id, id, id, id, id, id, id),
		fmt.Sprintf("%v", struct{ ID AdvertisingID }{id}), string(marshalled), string(described),
	} {
		for _, part := range []string{"6D92", "6d92", "109 146", "109, 146", "0x6d"} {
			if strings.Contains(printed, part) {
				t.Errorf("printed %s", printed)
			}
		}
	}
}

func TestDecodingAllocatesNothing(t *testing.T) {
	check := func(what string, f func()) {
		t.Helper()
		if n := testing.AllocsPerRun(100, f); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
	buffer := make([]byte, 0, advertisingIDLen)
	check("an identifier", func() {
		id, _ := ParseAdvertisingID(sampleID)
		buffer = id.AppendGAID(buffer[:0])
	})
	check("no identifier", func() { _, _ = ParseAdvertisingID("6D92") })
	check("a status", func() { _, _ = DecodeATT("authorized") })
	check("no status", func() { _, _ = DecodeATT("authorised") })
	check("no flag", func() { _, _ = DecodeLimitAdTracking("maybe") })
}

func FuzzParseAdvertisingID(f *testing.F) {
	f.Add(sampleID)
	f.Fuzz(func(t *testing.T, in string) {
		id, err := ParseAdvertisingID(in)
		if (err == nil) != pattern.MatchString(in) {
			t.Fatalf("%q: %v", in, err)
		}
		if err == nil && string(id.AppendIDFA(nil)) != strings.ToUpper(in) {
			t.Errorf("%q becomes %s", in, id.AppendIDFA(nil))
		}
	})
}

func BenchmarkParseAdvertisingID(b *testing.B) {
	b.ReportAllocs()
	buffer := make([]byte, 0, advertisingIDLen)
	for b.Loop() {
		id, err := ParseAdvertisingID(sampleID)
		if err != nil {
			b.Fatal(err)
		}
		buffer = id.AppendGAID(buffer[:0])
	}
}
