package gpp

import (
	"fmt"
	"strings"
	"testing"
)

// fibonacciCode writes a number as the specification tells: the largest weight
// first, from the right.
func fibonacciCode(n int) string {
	weights := []int{1, 2}
	for weights[len(weights)-1] <= n {
		weights = append(weights, weights[len(weights)-1]+weights[len(weights)-2])
	}
	code := ""
	for i := len(weights) - 1; i >= 0; i-- {
		switch {
		case weights[i] <= n:
			n -= weights[i]
			code = "1" + code
		case code != "":
			code = "0" + code
		}
	}
	return code + "1"
}

// codedRanges writes a Range(Fibonacci) of ids that ascend.
func codedRanges(ids ...int) string {
	items, body, before := 0, "", 0
	for i := 0; i < len(ids); items++ {
		first := i
		for i++; i < len(ids) && ids[i] == ids[i-1]+1; i++ {
		}
		group := "0"
		end := ""
		if i-first > 1 {
			group, end = "1", fibonacciCode(i-1-first)
		}
		body += group + fibonacciCode(ids[first]-before) + end
		before = ids[i-1]
	}
	return fmt.Sprintf("%012b", items) + body
}

// fixedRanges writes a Range(Int) of ids that ascend.
func fixedRanges(ids ...int) string {
	items, body := 0, ""
	for i := 0; i < len(ids); items++ {
		first := i
		for i++; i < len(ids) && ids[i] == ids[i-1]+1; i++ {
		}
		if i-first > 1 {
			body += fmt.Sprintf("1%016b%016b", ids[first], ids[i-1])
		} else {
			body += fmt.Sprintf("0%016b", ids[first])
		}
	}
	return fmt.Sprintf("%012b", items) + body
}

func encodeHeader(ids ...int) string {
	return encodeBits("000011 000001" + codedRanges(ids...))
}

// encodeString writes a GPP string of one section.
func encodeString(id ID, section string) string { return encodeHeader(int(id)) + "~" + section }

// encodeUS writes a US section from its fields.
func encodeUS(s *Section, slots []slot) string {
	write := func(slots ...slot) (bits string) {
		for _, slot := range slots {
			for i := range slot.count {
				bits += fmt.Sprintf("%02b", *s.value(slot.field, i))
			}
		}
		return bits
	}
	text := encodeBits(fmt.Sprintf("%06b", s.Version) + write(slots...))
	switch {
	case !s.HasSubsection:
		return text
	case layouts[s.ID].subsection == sensitiveSubsection:
		return text + "." + encodeBits(write(slot{sensitiveDataProcessing, 8}))
	case s.GPC:
		return text + "." + encodeBits("011")
	}
	return text + "." + encodeBits("010")
}

// sameText reports whether two encoded texts differ in nothing but padding.
func sameText(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	if len(as) != len(bs) {
		return false
	}
	for i := range as {
		if strings.TrimRight(as[i], "A") != strings.TrimRight(bs[i], "A") {
			return false
		}
	}
	return true
}

// checkFaithful checks that a string which decoded says what was decoded: a
// plain reading of its header has the same ids, and if the fields of its
// well-formed US sections are encoded again, the same comes out. Nothing was
// overlooked, and nothing was read into it.
func checkFaithful(t testing.TB, text string, g *String) {
	t.Helper()
	header, rest, _ := strings.Cut(text, "~")
	ids, left := referenceIDs(bitsOf(header))
	if strings.Trim(left, "0") != "" {
		t.Fatalf("%q: the header goes on after %v", text, ids)
	}
	var parts []string
	if rest != "" {
		parts = strings.Split(rest, "~")
	}
	if len(parts) != len(ids) {
		t.Fatalf("%q: %d ids and %d sections", text, len(ids), len(parts))
	}
	sections := g.Sections()
	for i, id := range ids {
		if id > int(maxID) || !ID(id).known() {
			continue
		}
		if len(sections) == 0 || sections[0].ID != ID(id) || sections[0].Raw != parts[i] {
			t.Fatalf("%q: section %d is not %q", text, id, parts[i])
		}
		s := &sections[0]
		sections = sections[1:]
		switch {
		case s.Malformed != 0:
			if !s.OptedOut() {
				t.Fatalf("%q: section %d is malformed and not opted out", text, id)
			}
		case s.ID >= USNat:
			again := encodeUS(s, layouts[s.ID].slots)
			if s.ID == USNat && s.Version == 1 && !sameText(again, s.Raw) {
				again = encodeUS(s, nationalV1)
			}
			if !sameText(again, s.Raw) {
				t.Fatalf("%q: section %d was read as %q", text, id, again)
			}
		}
	}
	if len(sections) != 0 {
		t.Fatalf("%q: more sections than ids", text)
	}
}

// referenceIDs reads the ids of a header, bit by bit, and returns what is left.
func referenceIDs(bits string) (ids []int, left string) {
	number := func(width int) (n int) {
		for range width {
			n = 2*n + int(bits[0]-'0')
			bits = bits[1:]
		}
		return n
	}
	code := func() (n int) {
		a, b := 1, 2
		for before := 0; ; a, b = b, a+b {
			bit := number(1)
			if bit == 1 && before == 1 {
				return n
			}
			n += bit * a
			before = bit
		}
	}
	number(12)
	id := 0
	for range number(12) {
		group := number(1)
		id += code()
		ids = append(ids, id)
		if group == 1 {
			for range code() {
				id++
				ids = append(ids, id)
			}
		}
	}
	return ids, bits
}
