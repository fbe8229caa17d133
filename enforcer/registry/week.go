package registry

import "time"

// A week is when an entry expires, in whole weeks since the epoch: coarse, so that
// it fits beside the hash. Zero is no week, and marks a free slot.
type week uint16

const (
	weekBits = 12
	never    = week(1<<weekBits - 1) // the week after would be in the year 2098
	epoch    = 1577836800            // 2020-01-01T00:00:00Z
	seconds  = 7 * 24 * 60 * 60      // in a week
)

// expiryWeek rounds up, so that nothing expires early.
func expiryWeek(t time.Time) week {
	if t.IsZero() {
		return never
	}
	w := (t.Add(time.Second-1).Unix() - epoch + seconds - 1) / seconds
	return week(min(max(w, 1), int64(never)))
}

// expired tells whether the week is over at the time.
func (w week) expired(now time.Time) bool {
	return w != never && (now.Unix()-epoch)/seconds >= int64(w)
}
