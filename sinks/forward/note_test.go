package forward

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"
)

// TestNote: what is noted of a run is read for whoever begins with the same message,
// and for nobody else; beyond what a note can hold nothing is said.
func TestNote(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 200 {
		first := kafka.Message{Offset: r.Int64N(1 << 40), Key: []byte("k"), Value: []byte("v")}
		n, want := note{first: first.Offset}, map[int64]bool{}
		spread := []int64{10, 2000, 2 * maxNoted}[r.IntN(3)]
		for range r.IntN(300) + 1 {
			offset := first.Offset + r.Int64N(spread)
			n.add(offset)
			want[offset] = offset-first.Offset < maxNoted
		}
		text := n.text(&first)
		if len(text) > 4096 {
			t.Fatalf("seed %d: a note of %d bytes", seed, len(text))
		}
		read := readNote(text, &first)
		for offset := first.Offset - 10; offset < first.Offset+spread+10; offset++ {
			if read.has(offset) != want[offset] {
				t.Fatalf("seed %d: offset %d after %d: %v, want %v", seed, offset, first.Offset, read.has(offset), want[offset])
			}
		}
		later := note{first: first.Offset + 5}
		later.addFrom(&read, first.Offset+7)
		for offset := range want {
			if later.has(offset) != (want[offset] && offset >= first.Offset+7) {
				t.Fatalf("seed %d: offset %d is not carried over", seed, offset)
			}
		}
		next, other := first, first
		next.Offset++
		other.Value = []byte("w")
		for _, elsewhere := range []*kafka.Message{&next, &other} {
			if got := readNote(text, elsewhere); len(got.bits) > 0 {
				t.Fatalf("seed %d: a note of another run is read", seed)
			}
		}
	}
}

// TestMark: whatever is left with a commit is read again, and fits.
func TestMark(t *testing.T) {
	first := kafka.Message{Offset: 1 << 62}
	longest := note{first: first.Offset}
	longest.add(first.Offset + maxNoted - 1)
	for _, settled := range []string{"", "7 0123456789abcdef AQ", longest.text(&first)} {
		for _, n := range []int64{0, 1, 1 << 62} {
			for _, m := range []mark{{n, 0, settled}, {0, uint64(n), settled}, {n, uint64(n), settled}} {
				if text := m.text(); readMark(text) != m || len(text) > 4096 {
					t.Errorf("%+v becomes %q (%d bytes) and %+v", m, text, len(text), readMark(text))
				}
			}
		}
	}
}

func FuzzNote(f *testing.F) {
	first := kafka.Message{Offset: 7, Value: []byte("v")}
	n := note{first: 7}
	n.add(9)
	f.Add(n.text(&first))
	f.Add("7 " + digest(&first) + " ====")
	f.Add("7 " + digest(&first) + " " + strings.Repeat("/", 5000))
	f.Add("sent=5 expired=x " + n.text(&first))
	f.Fuzz(func(t *testing.T, text string) {
		if m := readMark(text); readMark(m.text()) != m {
			t.Errorf("%q is read as %+v", text, m)
		}
		if got := readNote(text, &first); got.end() > 7+maxNoted || got.has(6) {
			t.Errorf("%q is read as %+v", text, got)
		}
	})
}
