package stream

import (
	"maps"
	"math/rand/v2"
	"testing"

	"sekisho/schemas"
)

// TestTotals compares sums with those of a map, of decisions that come in the order
// of events, of several kinds, and in none.
func TestTotals(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	var counted totals
	for range 2000 {
		var all []schemas.Decision
		kinds := 1 + random.IntN(4)
		for range random.IntN(40) {
			kind := random.IntN(kinds)
			for recipient := range 1 + random.IntN(4) {
				all = append(all, schemas.Decision{
					Minute: int64(kind), Recipient: []string{"", "google", "meta", "store"}[recipient], Outcome: schemas.Outcome(random.IntN(2)),
				})
			}
		}
		want := schemas.Account{}
		for _, d := range all {
			want[d]++
		}
		if got := counted.of(all); !maps.Equal(got, want) {
			t.Fatalf("the sums of %v are %v, want %v", all, got, want)
		}
	}
}
