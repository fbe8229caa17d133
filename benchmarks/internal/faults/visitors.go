package faults

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"

	"sekisho/schemas"
)

// event is an event on its way.
type event struct {
	id      uuid.UUID
	want    schemas.Outcome
	leaving bool // of a visitor who asks to be forgotten; want says nothing
	reset   bool // sent when that must hold everywhere
	body    map[string]any
}

// visitor is somebody on a site who has said yes, no, or nothing.
type visitor struct {
	id      string
	site    string
	consent map[string]any
	leaving bool
	reset   time.Time // when that was acknowledged
}

var addresses = map[string]string{
	"shop": "https://shop.example.jp", "news": "https://news.example.jp", "travel": "https://travel.example.com",
}

// leavingSite is for visitors who ask to be forgotten: what is stored of them
// changes, so nobody else is there.
const leavingSite = "news"

func newVisitor(r *rand.Rand, canary string) *visitor {
	v := &visitor{id: fmt.Sprintf("%s-%x", canary, r.Uint64()), site: "shop"}
	if r.IntN(3) == 0 {
		v.site = "travel"
	}
	yes := map[string]any{"analytics": true, "advertising": true, "social": true}
	switch dice := r.IntN(10); {
	case dice < 6:
		v.consent = yes
	case dice < 8:
		v.consent = map[string]any{"analytics": false, "advertising": false, "social": false}
	}
	if r.IntN(20) == 0 {
		v.leaving, v.site, v.consent = true, leavingSite, yes
	}
	return v
}

func (v *visitor) agrees() bool { return v.consent != nil && v.consent["analytics"] == true }

// canaries are in every event, where nothing may let them through: as the
// identifier, which becomes a pseudonym; and in the texts of events that are
// dropped or rejected.
func (v *visitor) event(r *rand.Rand, canary string) event {
	e := event{id: uuid.Must(uuid.NewV7()), want: schemas.Allowed, leaving: v.leaving, body: map[string]any{
		"type": "pageview", "site": v.site, "url": addresses[v.site] + "/tea/sencha", "visitor_id": v.id,
	}}
	if r.IntN(4) > 0 { // else the id tells the time
		e.body["time"] = time.Now().UTC().Format(time.RFC3339Nano)
	}
	if r.IntN(8) == 0 { // an id that tells no time
		e.id = uuid.New()
		e.body["time"] = time.Now().UTC().Add(-time.Duration(r.IntN(3600)) * time.Second).Format(time.RFC3339Nano)
	}
	e.body["id"] = e.id.String()
	if v.consent != nil {
		e.body["consent"] = v.consent
	}
	advertisement := r.IntN(3) == 0
	if advertisement {
		e.body["type"], e.body["ad_campaign"], e.body["ad_placement"] = "ad_click", "autumn", "top"
	}
	switch {
	case v.leaving:
		e.reset = !v.reset.IsZero()
	case r.IntN(25) == 0:
		e.want = schemas.Rejected
		e.body["title"], e.body["screen_width"] = canary+" rejected", canary
	case v.agrees():
	case advertisement:
		e.want = schemas.Dropped
		e.body["ad_campaign"], e.body["title"] = canary+" dropped", canary
	default:
		e.want = schemas.Anonymised
		e.body["user_id"] = canary + "-user"
	}
	return e
}
