package audit

import (
	"context"
	"time"

	"sekisho/schemas"
	"sekisho/sinks/clickhouse"
)

// ahead is how far an event's time may be after its receipt, clocks that differ
// included.
const ahead = 25 * time.Hour

// suspects returns the rows of the range, by their time, for which no record has
// been seen. A row has no minute of receipt: it may tell nothing of when an
// anonymised event came. Rows of events that Kafka may no longer have are left
// out.
func (a *auditor) suspects(ctx context.Context) (suspects []clickhouse.StoredEvent, err error) {
	from, to := time.Unix(a.from, 0), time.Unix(a.to, 0)
	if a.since > 0 {
		from = later(from, time.Unix(a.since, 0).Add(ahead))
		from = later(from, time.Now().Add(ahead-a.Cluster.Config().Retention))
	}
	if !from.Before(to) {
		return nil, nil
	}
	err = a.Store.Rows(ctx, from, to, func(e clickhouse.StoredEvent) {
		if a.stranger(&e) != "" {
			suspects = append(suspects, e)
		}
	})
	return suspects, err
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// accuse tells of the rows for which no record has come meanwhile either.
func (a *auditor) accuse(suspects []clickhouse.StoredEvent) {
	for i := range suspects {
		e := &suspects[i]
		if kind := a.stranger(e); kind != "" {
			detail := "ClickHouse has a row of it, and the events topic no record"
			if kind == Doubled {
				detail = "ClickHouse has a row of it at another time than its record's"
			}
			a.name(kind, e.Site, schemas.MinuteOf(e.Time), e.ID, 1, detail+": "+e.Type.String()+" of "+e.Time.UTC().Format(time.RFC3339Nano))
		}
	}
}

// stranger says what is wrong with a row, "" for nothing that is seen here: rows
// beside one another are counted when the event is looked for.
func (a *auditor) stranger(e *clickhouse.StoredEvent) Kind {
	if _, known := a.sites[e.Site]; !known {
		return Unknown
	}
	key := a.key(e)
	if _, known := a.seen.others[key]; known {
		return ""
	}
	at, known := a.seen.events[key]
	switch {
	case !known:
		return Unknown
	case at == anyTime, near(at, e.Time.UnixMilli()):
		return ""
	}
	return Doubled
}

// near reports whether a row of that time is among those that are looked for
// when the event of a record is.
func near(record, row int64) bool {
	const window = 5 * 60 * 1000
	start := record - record%window
	return row >= start-window && row < start+2*window
}
