package audit

import (
	"cmp"
	"slices"
	"time"
)

// Kind is a kind of difference.
type Kind string

// The kinds of differences.
const (
	// Missing: an account counts it, and the topic does not have it.
	Missing Kind = "missing"
	// Uncounted: the topic has it, and no account counts it.
	Uncounted Kind = "uncounted"
	// Lost: the sink is past it, and it is not in ClickHouse, for no reason.
	Lost Kind = "lost"
	// Doubled: ClickHouse has it more than once.
	Doubled Kind = "doubled"
	// Unknown: ClickHouse has it, and the topic does not, which has all of that time.
	Unknown Kind = "unknown"
	// Miscounted: ClickHouse counts decisions otherwise than the accounts do.
	Miscounted Kind = "miscounted"
)

// Difference is something that is not accounted for.
type Difference struct {
	Kind Kind   `json:"kind"`
	Site string `json:"site"`
	// Minute is that of receipt; of what no account counts, that of its time.
	Minute time.Time `json:"minute"`
	Event  string    `json:"event,omitempty"` // its id, where it is one event
	Events uint64    `json:"events"`
	Detail string    `json:"detail"`
}

// Counts are numbers of events of a site in a minute of receipt, or of all.
type Counts struct {
	// Received is the sum of the four after it.
	Received   uint64 `json:"received"`
	Allowed    uint64 `json:"allowed"`
	Anonymised uint64 `json:"anonymised"`
	Dropped    uint64 `json:"dropped"`
	Rejected   uint64 `json:"rejected"`
	// Elsewhere are those allowed for third parties and not for the store. Allowed
	// and anonymised are the sum of it and of those after it.
	Elsewhere    uint64 `json:"elsewhere"`
	Stored       uint64 `json:"stored"`
	Pending      uint64 `json:"pending"`       // the sink has not come to it yet
	DeadLettered uint64 `json:"dead_lettered"` // it could not be stored
	Withheld     uint64 `json:"withheld"`      // or erased: reset, or not for the store by today's policy
	Expired      uint64 `json:"expired"`       // past its retention, in ClickHouse or in Kafka
	Repeated     uint64 `json:"repeated"`      // received again, and stored once
}

func (c *Counts) add(o *Counts) {
	c.Received += o.Received
	c.Allowed += o.Allowed
	c.Anonymised += o.Anonymised
	c.Dropped += o.Dropped
	c.Rejected += o.Rejected
	c.Elsewhere += o.Elsewhere
	c.Stored += o.Stored
	c.Pending += o.Pending
	c.DeadLettered += o.DeadLettered
	c.Withheld += o.Withheld
	c.Expired += o.Expired
	c.Repeated += o.Repeated
}

// Row is a site's minute.
type Row struct {
	Site   string    `json:"site"`
	Minute time.Time `json:"minute"`
	Counts
}

// Report is what an audit found.
type Report struct {
	From        time.Time    `json:"from"`
	To          time.Time    `json:"to"`
	Balanced    bool         `json:"balanced"`
	Total       Counts       `json:"total"`
	Rows        []Row        `json:"rows"`
	Differences []Difference `json:"differences"`
	// Expired are events of all time that were too old for a third party when it
	// could be sent them, by recipient. The audit itself does not know them.
	Expired map[string]uint64 `json:"expired,omitempty"`
}

// finish orders and adds up.
func (r *Report) finish(rows map[place]*Counts) {
	for at, c := range rows {
		r.Rows = append(r.Rows, Row{Site: at.site, Minute: time.Unix(at.minute, 0).UTC(), Counts: *c})
		r.Total.add(c)
	}
	slices.SortFunc(r.Rows, func(a, b Row) int {
		return cmp.Or(a.Minute.Compare(b.Minute), cmp.Compare(a.Site, b.Site))
	})
	slices.SortStableFunc(r.Differences, func(a, b Difference) int {
		return cmp.Or(a.Minute.Compare(b.Minute), cmp.Compare(a.Site, b.Site), cmp.Compare(a.Kind, b.Kind))
	})
	r.Balanced = len(r.Differences) == 0
}

// place is a site's minute.
type place struct {
	site   string
	minute int64
}
