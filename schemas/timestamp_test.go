package schemas

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// TestParseTimeAgreesWithTimeParse: what is read by hand is what time.Parse reads, of
// texts that are times, nearly are, or are none by one character.
func TestParseTimeAgreesWithTimeParse(t *testing.T) {
	seed := rand.Uint64()
	w := writer{rand.New(rand.NewPCG(seed, 0))}
	good := 0
	for range 200_000 {
		year := pick(w, w.IntN(10_000), 2000+w.IntN(100), 100*w.IntN(100))
		text := fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d", year, w.IntN(14), w.IntN(33), w.IntN(25), w.IntN(61), w.IntN(61)) +
			pick(w, "", "", ".5", ".050", ".123456789", ".000000001", ".999999999", ".1234567890", ".", ",5") + pick(w, "Z", "Z", "Z", "+00:00", "z", "")
		if w.one(3) {
			i := w.IntN(len(text))
			text = text[:i] + string("0123456789-:.TZ+/ ;"[w.IntN(19)]) + text[i+pick(w, 0, 1, 1, 1):]
		}
		want, err := time.Parse(time.RFC3339Nano, text)
		ok := err == nil && isTimestamp(text)
		got, err := ParseTime(text)
		if (err == nil) != ok || ok && (!got.Equal(want) || got.String() != want.String()) {
			t.Fatalf("seed %d: %q: got %v, %v; want %v, %v", seed, text, got, err, want, ok)
		}
		if ok {
			good++
		}
	}
	if good < 20_000 {
		t.Errorf("seed %d: only %d were times: the test has lost its point", seed, good)
	}
}
