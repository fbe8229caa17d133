package audit

import (
	"cmp"
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
	withheld  bool // as of now it may not have it as it is
	minute    int64
}

// group is some records and the accounts that follow them on the topic.
type group struct {
	// fresh are records of events that were not on the topic before, and again
	// how many of each site were.
	fresh map[string][]passed
	again map[string]uint64
	// unread are records that cannot be decoded: nobody knows whose they are.
	unread []passed
	// counted is what accounts that were not on the topic before count as let
	// through to the store, by site and minute.
	counted map[place]uint64
	closed  bool // an account has come
}

func newGroup() *group {
	return &group{fresh: map[string][]passed{}, again: map[string]uint64{}, counted: map[place]uint64{}}
}

// balanced is what a group comes to.
type balanced struct {
	records     []passed // each with the minute in which it was received
	repeated    map[place]uint64
	differences []Difference
}

// balance compares what accounts count with the records beside them.
func (g *group) balance() balanced {
	b := balanced{repeated: map[place]uint64{}}
	counted := make([]place, 0, len(g.counted))
	for at := range g.counted {
		counted = append(counted, at)
	}
	slices.SortFunc(counted, func(x, y place) int { return cmp.Or(cmp.Compare(x.site, y.site), cmp.Compare(x.minute, y.minute)) })
	last := int64(0)
	for _, at := range counted {
		last = max(last, at.minute)
		n := g.counted[at]
		take := min(n, uint64(len(g.fresh[at.site])))
		b.take(g.fresh[at.site][:take], at)
		g.fresh[at.site] = g.fresh[at.site][take:]
		n -= take
		again := min(n, g.again[at.site])
		g.again[at.site] -= again
		b.repeated[at] += again
		n -= again
		unread := min(n, uint64(len(g.unread)))
		b.take(g.unread[:unread], at)
		g.unread = g.unread[unread:]
		if n -= unread; n > 0 {
			b.differences = append(b.differences, Difference{Kind: Missing, Site: at.site, Minute: minuteOf(at.minute), Events: n,
				Detail: "an account counts them, and the events topic does not have them"})
		}
	}
	for site, left := range g.fresh {
		if len(left) == 0 {
			continue
		}
		minute := last
		if minute == 0 {
			minute = schemas.MinuteOf(left[0].Time)
		}
		b.differences = append(b.differences, Difference{Kind: Uncounted, Site: site, Minute: minuteOf(minute), Events: uint64(len(left)),
			Detail: "no account counts the record at " + where(&left[0]) + andMore(len(left))})
	}
	return b
}

func (b *balanced) take(records []passed, at place) {
	for _, r := range records {
		r.Site, r.minute = at.site, at.minute
		b.records = append(b.records, r)
	}
}

func minuteOf(unix int64) time.Time { return time.Unix(unix, 0).UTC() }

// seen are the ids of events and accounts that were on the topic before.
type seen struct {
	events   map[eventKey]struct{}
	accounts map[uuid.UUID]struct{}
}

type eventKey struct {
	site int32 // its place among the sites
	kind schemas.EventType
	id   uuid.UUID
}
