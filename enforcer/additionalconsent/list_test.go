package additionalconsent

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestDecode(t *testing.T) {
	check := func(in string, version int, consented, refused []uint32) {
		t.Helper()
		l, err := Decode(in)
		if err != nil || l.Version() != version {
			t.Errorf("Decode(%q) is of version %d, %v", in, l.Version(), err)
		}
		var all, granted []uint32
		for id, ok := range l.All() {
			all = append(all, id)
			if ok {
				granted = append(granted, id)
			}
		}
		if !slices.Equal(all, slices.Concat(consented, refused)) || !slices.Equal(granted, consented) {
			t.Errorf("Decode(%q) lists %v, consented %v", in, all, granted)
		}
		for id := range uint32(2000) {
			yes, no := slices.Contains(consented, id), slices.Contains(refused, id)
			if l.Consented(id) != yes || l.Disclosed(id) != (yes || no) {
				t.Errorf("Decode(%q): %d consented %t, disclosed %t", in, id, l.Consented(id), l.Disclosed(id))
			}
		}
	}
	ids := func(ids ...uint32) []uint32 { return ids }
	check("1~", 1, nil, nil)
	check("1~12", 1, ids(12), nil)
	check("1~12.35.1007", 1, ids(12, 35, 1007), nil)
	check("1~1.11.111", 1, ids(1, 11, 111), nil)
	check("1~111.11.1", 1, ids(111, 11, 1), nil)
	check("1~89.189.891.1890", 1, ids(89, 189, 891, 1890), nil)
	check("1~189.891", 1, ids(189, 891), nil)
	check("2~1.35.41.101~dv.9.21.81", 2, ids(1, 35, 41, 101), ids(9, 21, 81))
	check("2~~dv.9.21.81", 2, nil, ids(9, 21, 81))
	check("2~1.35~dv.", 2, ids(1, 35), nil)
	check("2~1.35~dv", 2, ids(1, 35), nil)
	check("2~~dv", 2, nil, nil)
	check("2~~dv.", 2, nil, nil)
	check("2~89~dv.1", 2, ids(89), ids(1))
	check("1~7.7", 1, ids(7, 7), nil)
}

func TestDecodeRefuses(t *testing.T) {
	check := func(in string, want error) {
		t.Helper()
		l, err := Decode(in)
		if err != want || l != (List{}) {
			t.Errorf("Decode(%q) = %+v, %v; want %v", in, l, err, want)
		}
	}
	check("", ErrEmpty)
	check("1~"+strings.Repeat("1", MaxLength), ErrTooLong)
	check("1", ErrVersion)
	check("~", ErrVersion)
	check("~1", ErrVersion)
	check("0~1", ErrVersion)
	check("3~1", ErrVersion)
	check("01~1", ErrVersion)
	check("12~1", ErrVersion)
	check(" 1~1", ErrVersion)
	check("1.1", ErrVersion)
	check("CQitFIAQitFIAEsACBENB5FgAP_gAAAAAAYgF5wAQF5gAAAA", ErrVersion)
	check("1~1~", ErrForm)
	check("1~1~dv.2", ErrForm)
	check("2~", ErrForm)
	check("2~1.2", ErrForm)
	check("2~1.2~", ErrForm)
	check("2~1.2~dw.3", ErrForm)
	check("2~1.2~DV.3", ErrForm)
	check("2~1.2~dv3", ErrForm)
	check("2~1.2~3", ErrForm)
	check("2~1.2~.3", ErrForm)
	check("2~1.2~dv~", ErrForm)
	check("2~1.2~dv.3~", ErrID)
	check("2~1.2~dv.~dv.3", ErrID)
	check("1~.", ErrID)
	check("1~1.", ErrID)
	check("1~.1", ErrID)
	check("1~1..2", ErrID)
	check("2~1~dv..", ErrID)
	check("2~1~dv..2", ErrID)
	check("2~1~dv.2.", ErrID)
	check("1~0", ErrID)
	check("1~00", ErrID)
	check("1~012", ErrID)
	check("1~1.0", ErrID)
	check("1~1 .2", ErrID)
	check("1~-1", ErrID)
	check("1~+1", ErrID)
	check("1~1a", ErrID)
	check("1~1,2", ErrID)
	check("1~1\n", ErrID)
	check("1~1\x00", ErrID)
	check("1~١", ErrID)
	check("1~1234567890", ErrID)
	check("1~99999999999999999999", ErrID)
}

func TestContradictionIsNoConsent(t *testing.T) {
	l, err := Decode("2~1.89.2~dv.88.89")
	if err != nil || l.Consented(89) || l.Consented(88) || !l.Consented(1) || !l.Disclosed(89) {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestConsentedToNoProvider(t *testing.T) {
	l, err := Decode("1~999999999.1.42.949")
	if err != nil {
		t.Fatal(err)
	}
	check := func(id uint32, want bool) {
		t.Helper()
		if l.Consented(id) != want || l.Disclosed(id) != want || (List{}).Consented(id) {
			t.Errorf("%d: %t", id, !want)
		}
	}
	check(999999999, true)
	check(949, true)
	check(0, false)
	check(9, false)
	check(94, false)
	check(49, false)
	check(4294967, false)
	check(math.MaxUint32, false)
}

func TestErrors(t *testing.T) {
	seen := map[string]bool{}
	for e := range Error(numErrors) {
		if seen[e.Error()] {
			t.Errorf("%d: %q is said twice", e, e)
		}
		seen[e.Error()] = true
	}
	if got := Error(200).Error(); got != "unknown AC string error 200" {
		t.Error(got)
	}
}

// Of a string that is changed in one byte nothing is made up: it says what
// stands there.
func TestChangedStringsSayWhatTheyAre(t *testing.T) {
	for _, in := range []string{"1~12.35.1007", "2~1.35~dv.9.21", "2~~dv.9", "1~1..2", "2~1.2", "1~012", "3~1.2", "2~1.2~dx.3", "1~1.", "1~1 2"} {
		for i := range len(in) {
			saysWhatItIs(t, in[:i]+in[i+1:])
			for c := range 256 {
				saysWhatItIs(t, in[:i]+string([]byte{byte(c)})+in[i+1:])
				saysWhatItIs(t, in[:i]+string([]byte{byte(c)})+in[i:])
			}
		}
	}
}

// saysWhatItIs writes what was decoded and compares.
func saysWhatItIs(t *testing.T, s string) {
	t.Helper()
	l, err := Decode(s)
	if err != nil {
		if e, ok := err.(Error); !ok || e == 0 || e >= numErrors || l != (List{}) {
			t.Fatalf("%q: %+v, %#v", s, l, err)
		}
		return
	}
	var ids []string
	for id := range l.All() {
		ids = append(ids, strconv.FormatUint(uint64(id), 10))
	}
	first := 0 // how many are in the first list
	if l.consented != "" {
		first = strings.Count(l.consented, ".") + 1
	}
	written := fmt.Sprintf("%d~%s", l.Version(), strings.Join(ids[:first], "."))
	if l.Version() == 2 {
		written += "~dv." + strings.Join(ids[first:], ".")
	}
	if s != written && s+"." != written {
		t.Fatalf("%q was read as %q", s, written)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{"1~12.35.1007", "2~1.35.41.101~dv.9.21.81", "2~~dv.9", "2~1.35~dv.", "2~1~dv", "1~", "1~1..2", "2~5~dv.5"} {
		f.Add(s)
	}
	f.Fuzz(saysWhatItIs)
}

// everyone is a string with n providers, every third of which was refused.
func everyone(n int) string {
	var lists [2][]string
	for i := range n {
		which := 0
		if i%3 == 0 {
			which = 1
		}
		lists[which] = append(lists[which], strconv.Itoa(1+3*i))
	}
	return "2~" + strings.Join(lists[0], ".") + "~dv." + strings.Join(lists[1], ".")
}

func TestAllocatesNothing(t *testing.T) {
	for _, in := range []string{"1~12.35.1007", everyone(1000), "2~1.2", "nonsense"} {
		if n := testing.AllocsPerRun(100, func() {
			l, _ := Decode(in)
			_ = l.Consented(89) || l.Consented(math.MaxUint32) || l.Disclosed(12)
		}); n != 0 {
			t.Errorf("%.20s: %v allocations", in, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{3, 1000} {
		s := everyone(n)
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(s); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkConsented(b *testing.B) {
	run := func(name, s string, id uint32) {
		b.Run(name, func(b *testing.B) {
			l, err := Decode(s)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				l.Consented(id)
			}
		})
	}
	run("3", everyone(3), 4)
	run("1000", everyone(1000), 2999)
	run("many that begin alike", "1~"+strings.Repeat("111.", 4000)+"2", 11)
}
