package audit

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/google/uuid"

	"sekisho/schemas"
	"sekisho/sinks/clickhouse"
)

// passed is a record that the store was given.
type passed struct {
	clickhouse.StoredEvent
	partition int
	offset    int64
	again     bool // its event was on the topic before
	unread    bool // it cannot be decoded: nobody knows whose it is
	withheld  bool // as of now the store may not have it as it is
	minute    int64
}

// group is some records and the accounts that follow them on the topic.
type group struct {
	records []passed // in their order
	// counted is what accounts that were not on the topic before count as let
	// through to the store, in their order.
	counted []counted
	closed  bool // an account has come
}

type counted struct {
	place
	events uint64
}

// count adds what an account counts.
func (g *group) count(account map[place]uint64) {
	first := len(g.counted)
	for at, n := range account {
		g.counted = append(g.counted, counted{at, n})
	}
	slices.SortFunc(g.counted[first:], func(x, y counted) int {
		return cmp.Or(cmp.Compare(x.site, y.site), cmp.Compare(x.minute, y.minute))
	})
}

// balanced is what a group comes to.
type balanced struct {
	records   []passed // each with the minute in which it was received
	repeated  map[place]uint64
	missing   []counted // counted, and not there
	uncounted []passed  // there, and not counted; with the minute of their time, where that is known
}

// balance compares what accounts count with the records beside them. A batch is
// appended as a whole: its records, and then their accounts in the same order. So
// a record that was put there in another way stands before those that are
// counted, and an account behind those that count them.
func (g *group) balance() balanced {
	b := balanced{repeated: map[place]uint64{}}
	over := map[string]uint64{} // records of a site that nobody counts
	var unread []passed
	for _, r := range g.records {
		if !r.unread {
			over[r.Site]++
		}
	}
	due := map[string][]counted{}
	for _, c := range g.counted {
		due[c.site] = append(due[c.site], c)
		over[c.site] -= min(over[c.site], c.events)
	}
	for _, r := range g.records {
		if r.unread {
			unread = append(unread, r)
			continue
		}
		if over[r.Site] > 0 {
			over[r.Site]--
			if !r.again { // else the copy of a batch, whose accounts came before, too
				r.minute = schemas.MinuteOf(r.Time)
				b.uncounted = append(b.uncounted, r)
			}
			continue
		}
		at := take(due, r.Site)
		if r.again {
			b.repeated[at]++
			continue
		}
		r.minute = at.minute
		b.records = append(b.records, r)
	}
	sites := slices.Sorted(maps.Keys(due))
	for _, r := range slices.Backward(unread) {
		for len(sites) > 0 && len(due[sites[0]]) == 0 {
			sites = sites[1:]
		}
		if len(sites) == 0 {
			b.uncounted = append(b.uncounted, r)
			continue
		}
		at := take(due, sites[0])
		r.Site, r.minute = at.site, at.minute
		b.records = append(b.records, r)
	}
	for _, site := range sites {
		b.missing = append(b.missing, due[site]...)
	}
	return b
}

// take takes the first event of a site out of what is counted, which there is.
func take(due map[string][]counted, site string) place {
	c := &due[site][0]
	at := c.place
	if c.events--; c.events == 0 {
		due[site] = due[site][1:]
	}
	return at
}

func minuteOf(unix int64) time.Time { return time.Unix(unix, 0).UTC() }

// seen is what was on the topic before.
type seen struct {
	events   map[eventKey]int64 // the event's time in Unix milliseconds, or anyTime
	accounts map[uuid.UUID]struct{}
	// others are what else may have rows: the anonymised forms of events that are
	// withheld, and what was driven again.
	others map[eventKey]struct{}
}

// anyTime: the event came under different times.
const anyTime = math.MinInt64

type eventKey struct {
	site int32 // its place among the sites
	kind schemas.EventType
	id   uuid.UUID
}
