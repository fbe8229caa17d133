package audit

import (
	"slices"
	"testing"
	"time"
)

// TestBalance: what was put on the topic past the collectors is found out, and not
// what stands beside it.
func TestBalance(t *testing.T) {
	const minute = 1_700_000_040
	at := func(site string, n int64) place { return place{site, minute + 60*n} }
	record := func(site string, offset int64) passed {
		r := passed{offset: offset}
		r.Site, r.Time = site, time.Unix(minute-3600, 0)
		return r
	}
	again := func(r passed) passed { r.again = true; return r }
	unread := func(offset int64) passed { return passed{offset: offset, unread: true, minute: minute} }
	type account = map[place]uint64
	check := func(what string, records []passed, accounts []account, taken map[int64]int64, uncounted []int64, missing account, repeated uint64) {
		t.Helper()
		g := &group{records: records}
		for _, a := range accounts {
			g.count(a)
		}
		b := g.balance()
		for _, r := range b.records {
			if want, ok := taken[r.offset]; !ok || r.minute != minute+60*want || r.Site == "" {
				t.Errorf("%s: offset %d is of %s, minute %d", what, r.offset, r.Site, (r.minute-minute)/60)
			}
		}
		if len(b.records) != len(taken) {
			t.Errorf("%s: %d records, want %d", what, len(b.records), len(taken))
		}
		var left []int64
		for _, r := range b.uncounted {
			left = append(left, r.offset)
		}
		if !slices.Equal(left, uncounted) {
			t.Errorf("%s: uncounted are %v, want %v", what, left, uncounted)
		}
		for _, c := range b.missing {
			if missing[c.place] != c.events {
				t.Errorf("%s: %d of %v are missing", what, c.events, c.place)
			}
		}
		if len(b.missing) != len(missing) {
			t.Errorf("%s: missing are %v, want %v", what, b.missing, missing)
		}
		n := uint64(0)
		for _, c := range b.repeated {
			n += c
		}
		if n != repeated {
			t.Errorf("%s: %d are repeated, want %d", what, n, repeated)
		}
	}
	shop := func(offsets ...int64) (all []passed) {
		for _, o := range offsets {
			all = append(all, record("shop", o))
		}
		return all
	}
	check("a batch", shop(1, 2), []account{{at("shop", 0): 2}}, map[int64]int64{1: 0, 2: 0}, nil, nil, 0)
	check("a minute that ends", shop(1, 2, 3), []account{{at("shop", 1): 2, at("shop", 0): 1}}, map[int64]int64{1: 0, 2: 1, 3: 1}, nil, nil, 0)
	check("a forged record", shop(1, 2, 3), []account{{at("shop", 0): 2}}, map[int64]int64{2: 0, 3: 0}, []int64{1}, nil, 0)
	check("a forged record and nothing after it", shop(1), nil, nil, []int64{1}, nil, 0)
	check("a forged account", shop(1, 2), []account{{at("shop", 3): 2}, {at("shop", 0): 2}},
		map[int64]int64{1: 3, 2: 3}, nil, account{at("shop", 0): 2}, 0)
	check("several accounts", shop(1, 2, 3), []account{{at("shop", 5): 1}, {at("shop", 0): 2}}, map[int64]int64{1: 5, 2: 0, 3: 0}, nil, nil, 0)
	check("two sites", append(shop(1), record("news", 2), record("shop", 3)), []account{{at("shop", 0): 1, at("news", 0): 1}},
		map[int64]int64{2: 0, 3: 0}, []int64{1}, nil, 0)
	check("an event received twice", append(shop(1), again(record("shop", 2))), []account{{at("shop", 0): 2}}, map[int64]int64{1: 0}, nil, nil, 1)
	check("the copy of a batch", []passed{again(record("shop", 1)), again(record("shop", 2))}, nil, nil, nil, nil, 0)
	check("the copy of a batch before another", []passed{again(record("shop", 1)), record("shop", 2)}, []account{{at("shop", 0): 1}}, map[int64]int64{2: 0}, nil, nil, 0)
	check("one that cannot be read", append(shop(1), unread(2)), []account{{at("shop", 0): 2}}, map[int64]int64{1: 0, 2: 0}, nil, nil, 0)
	check("garbage before a batch", append([]passed{unread(1)}, shop(2)...), []account{{at("shop", 0): 1}}, map[int64]int64{2: 0}, []int64{1}, nil, 0)
	check("a record that is missing", shop(1), []account{{at("shop", 0): 3}}, map[int64]int64{1: 0}, nil, account{at("shop", 0): 2}, 0)
}
