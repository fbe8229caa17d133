package schemas

import (
	"runtime"
	"strings"
	"testing"
)

// The parser quotes what it cannot read, at every level of nesting: a body of
// one megabyte once made 150 of garbage.
func TestBadBodyIsCheap(t *testing.T) {
	const size = 1 << 18
	var d Decoder
	check := func(body string) {
		t.Helper()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = d.Parse([]byte(body))
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 3*size {
			t.Errorf("%.60q: %d bytes allocated", body, used)
		}
	}
	for _, head := range []string{"[", `{"a":`} {
		head = strings.Repeat(head, maxDepth-1)
		for _, filler := range []string{"\x01", "\u200b", `\"`, `\u0`, "ull", "ul", " ", "1", "-", "a", "[", "}", `"\x"`} {
			filler = strings.Repeat(filler, size/len(filler))
			check(head + "n" + filler)
			check(head + filler)
			check(head + `"` + filler)
			check(head + `"` + filler + `"`)
			check(head + `"",` + filler)
			check("{}" + filler)
		}
	}
}
