package replay

import "time"

// KeepEvery has the replay keep its plan more often.
func (r *Replay) KeepEvery(d time.Duration) { r.keepEvery = d }
