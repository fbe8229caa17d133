package gpp

import (
	"strings"
	"testing"
)

// refusedStrings are strings that are opted out: every vector that is, and for
// every section one that opts out in each of its fields, and malformed ones.
func refusedStrings(t testing.TB) (texts []string) {
	t.Helper()
	add := func(text string) {
		var g String
		_ = Decode(&g, text)
		if g.OptedOut(0) {
			texts = append(texts, text)
		}
	}
	f := vectors(t)
	for _, v := range append(append(f.Vectors, f.Malformed...), f.SpecificationExamples...) {
		add(v.GPPString)
	}
	for id := USNat; id <= maxID; id++ {
		l := &layouts[id]
		s := Section{ID: id, Version: 1}
		if id == USNat {
			s.Version = 2
		}
		for _, slot := range l.slots {
			for i := range slot.count {
				*s.value(slot.field, i) = 2
			}
		}
		for _, slot := range l.slots {
			for i := range slot.count {
				for _, v := range []Value{1, 3} {
					*s.value(slot.field, i) = v
					add(encodeString(id, encodeUS(&s, l.slots)))
				}
				*s.value(slot.field, i) = 2
			}
		}
		if l.subsection == gpcSubsection {
			s.HasSubsection, s.GPC = true, true
			add(encodeString(id, encodeUS(&s, l.slots)))
		}
		good := encodeUS(&s, l.slots)
		add(encodeString(id, good+"."))
		add(encodeString(id, good[:3]))
		add(encodeHeader(6, int(id)) + "~1YYN~" + good[:4])
	}
	for _, usp := range []string{"1YYN", "1yyn", "1ynn", "1Y-N", "1NYY", "1-Y-", "2YNN", "1YN", "1XXX"} {
		add(encodeString(USPv1, usp))
	}
	return texts
}

// No single changed bit turns a refused string into permission, unless what
// comes out is a well-formed string that says so itself.
func TestMutations(t *testing.T) {
	texts := refusedStrings(t)
	if len(texts) < 300 {
		t.Fatalf("only %d strings", len(texts))
	}
	tried, permitted := 0, 0
	var g String
	for _, text := range texts {
		for i := range len(text) {
			for bit := range 8 {
				b := []byte(text)
				b[i] ^= 1 << bit
				mutant := string(b)
				tried++
				if err := Decode(&g, mutant); err != nil {
					if !g.OptedOut(0) {
						t.Fatalf("%q from %q: %v, and yet not opted out", mutant, text, err)
					}
					continue
				}
				checkFaithful(t, mutant, &g)
				if g.OptedOut(0) {
					continue
				}
				permitted++
				for _, s := range g.Sections() {
					if s.Malformed != 0 {
						t.Fatalf("%q from %q: permitted with a malformed section", mutant, text)
					}
				}
			}
		}
	}
	t.Logf("%d strings, %d mutants, %d of them well-formed and not opted out", len(texts), tried, permitted)
}

// Cutting a refused string short does not turn it into permission, except
// where a whole sub-section is cut away.
func TestTruncations(t *testing.T) {
	var g String
	for _, text := range refusedStrings(t) {
		for i := range len(text) {
			if err := Decode(&g, text[:i]); err != nil {
				continue
			}
			checkFaithful(t, text[:i], &g)
			if !g.OptedOut(0) && text[i] != '.' && strings.Trim(text[i:], "A") != "" {
				t.Errorf("%q, from %q, is not opted out", text[:i], text)
			}
		}
	}
}
