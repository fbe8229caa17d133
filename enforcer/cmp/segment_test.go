package cmp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"sekisho/schemas"
)

const segmentSample = `{"C0001":true,"C0002":true,"C0003":false,"C0004":false}`

func decodeSegment(c *Choices, value string) error { return c.DecodeSegment(value) }

func TestSegment(t *testing.T) {
	check := checkSaid(t, decodeSegment)
	check(segmentSample, "explicit +C0001 +C0002 -C0003 -C0004 *")
	check(`{}`, "explicit *")
	check(" {\t\"Advertising\" : true ,\r\n\"a b\":false } ", "explicit +Advertising -a b *")
	check(`{"広告":true,"\u5e83\u544a 2":false,"\ud83d\ude00":true}`, "explicit +広告 -広告 2 +😀 *")
	check(`{"a\"b\\c\/d":true}`, `explicit +a"b\c/d *`)
}

func TestSegmentIsExhaustive(t *testing.T) {
	var c Choices
	if err := c.DecodeSegment(`{"C0002":true}`); err != nil {
		t.Fatal(err)
	}
	check := func(category string, want schemas.Answer) {
		t.Helper()
		if got := c.Answer(category); got != want {
			t.Errorf("%q: %v, want %v", category, got, want)
		}
	}
	check("C0002", schemas.Granted)
	check("C0004", schemas.Refused)
	check("", schemas.Refused)
}

func TestSegmentRefuses(t *testing.T) {
	check := checkRefused(t, decodeSegment)
	check(``, ErrSyntax)
	check(`null`, ErrSyntax)
	check(`true`, ErrSyntax)
	check(`[]`, ErrSyntax)
	check(`"C0001"`, ErrSyntax)
	check(`{"C0001":true`, ErrSyntax)
	check(`{"C0001":true]`, ErrSyntax)
	check(`{"C0001":true,}`, ErrSyntax)
	check(`{,"C0001":true}`, ErrSyntax)
	check(`{"C0001":true "C0002":true}`, ErrSyntax)
	check(`{"C0001":true}}`, ErrSyntax)
	check(`{"C0001":true}{}`, ErrSyntax)
	check(`{"C0001":true} x`, ErrSyntax)
	check("{\"C0001\":true}\x00", ErrSyntax)
	check(`{"C0001":"true"}`, ErrSyntax)
	check(`{"C0001":1}`, ErrSyntax)
	check(`{"C0001":null}`, ErrSyntax)
	check(`{"C0001":truefalse}`, ErrSyntax)
	check(`{"C0001":tru}`, ErrSyntax)
	check(`{"C0001":{"x":true}}`, ErrSyntax)
	check(`{"C0001"}`, ErrSyntax)
	check(`{C0001:true}`, ErrSyntax)
	check(`{'C0001':true}`, ErrSyntax)
	check(`{"":true}`, ErrSyntax)
	check("{\"C\n1\":true}", ErrSyntax)
	check(`{"C\n1":true}`, ErrSyntax)
	check(`{"C\u00001":true}`, ErrSyntax)
	check(`{"C\x01":true}`, ErrSyntax)
	check(`{"C\u00g1":true}`, ErrSyntax)
	check(`{"C\u00`, ErrSyntax)
	check(`{"C\`, ErrSyntax)
	check(`{"\ud83d":true}`, ErrEncoding)
	check(`{"\ude00\ud83d":true}`, ErrEncoding)
	check(`{"\ud83dx":true}`, ErrEncoding)
	check("{\"\xff\":true}", ErrEncoding)
	check(`{"C0001":true,"C0001":true}`, ErrDuplicate)
	check(`{"C0001":false,"C\u0030001":true}`, ErrDuplicate)
	check(`{"`+strings.Repeat("x", maxCategory+1)+`":true}`, ErrSyntax)
	check(strings.Repeat(" ", MaxValue)+`{}`, ErrTooLong)
	check(strings.Repeat(`{"a":`, MaxValue/8), ErrSyntax)
	check(manyPreferences(MaxCategories), nil)
	check(manyPreferences(MaxCategories+1), ErrTooMany)
}

func manyPreferences(n int) string {
	preferences := map[string]bool{}
	for i := range n {
		preferences[fmt.Sprint("category ", i)] = true
	}
	text, _ := json.Marshal(preferences)
	return string(text)
}

func TestSegmentMutations(t *testing.T) {
	entitled := func(mutated, category string) bool {
		var preferences map[string]bool
		return json.Unmarshal([]byte(mutated), &preferences) == nil && preferences[category]
	}
	checkMutations(t, decodeSegment, segmentSample, entitled)
	checkMutations(t, decodeSegment, `{"a\u0062c":false,"\ud83d\ude00":false,"x":true}`, entitled)
}

func TestSegmentAllocatesNothing(t *testing.T) {
	checkAllocations(t, decodeSegment, segmentSample, `{"a\u0062c":false}`, `{"C0001":true,`, `{"C0001":1}`)
}

// A Choices that is used for long does not grow.
func TestChoicesDoNotGrow(t *testing.T) {
	var c Choices
	for range 1000 {
		if err := c.DecodeSegment(`{"a\u0062c":false}`); err != nil {
			t.Fatal(err)
		}
	}
	if cap(c.scratch) > 1000 {
		t.Errorf("the scratch has grown to %d bytes", cap(c.scratch))
	}
}

// What is taken is JSON, and says the same to the standard library.
func FuzzSegment(f *testing.F) {
	f.Add(segmentSample)
	f.Fuzz(func(t *testing.T, value string) {
		c := fuzz(t, decodeSegment, value)
		var preferences map[string]*bool
		err := json.Unmarshal([]byte(value), &preferences)
		if !c.Explicit { // refused
			return
		}
		if err != nil || len(preferences) != c.Len() {
			t.Fatalf("%q: %v; %s", value, err, said(c))
		}
		for category, answer := range c.Each {
			if *preferences[category] != (answer == schemas.Granted) {
				t.Errorf("%q: %q is %v", value, category, answer)
			}
		}
	})
}

func BenchmarkSegment(b *testing.B) { benchmark(b, decodeSegment, segmentSample) }
