package forward

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"sekisho/schemas"
)

// pack makes parcels of the events at the given places, as the recipient may
// have them now. What it may not have any more, what expired and what cannot be
// sent at all is settled by that.
func (d *delivery) pack(ctx context.Context, list []int) (parcels []*parcel, err error) {
	known, err := d.fresh.ensure(ctx)
	if err != nil {
		return nil, err
	}
	v := d.views.Get().(*view)
	defer d.views.Put(v)
	table, now := d.table(), time.Now()
	by := basis{known: known, changes: d.withdrawn.Changes(), table: table, at: now}
	filling := map[string]*parcel{} // by group
	room := 512                     // as much as the event before took, and some
	for _, place := range list {
		seen, err := v.look(d.messages[place].Value, table, d.withdrawn)
		switch {
		case err != nil:
			d.metrics.bad.Inc()
			d.bury(ctx, place, schemas.DeadUndecodable, "undecodable")
			continue
		case seen.event == nil:
			d.metrics.withheld(seen.reason)
			d.done(place)
			continue
		case !seen.event.named():
			d.bury(ctx, place, schemas.DeadRefused, "unknown_key")
			continue
		case d.limits.MaxAge > 0 && seen.event.age(now) > d.limits.MaxAge:
			d.expire(place)
			continue
		}
		id, err := uuid.Parse(seen.event.ID)
		if err == nil && d.isCopy(id, place) {
			d.metrics.copies.Inc()
			d.done(place)
			continue
		}
		body, group, err := d.kind.Project(make([]byte, 0, room), seen.event)
		var refusal Refusal
		var unsendable Unsendable
		switch {
		case errors.Is(err, ErrUnwanted):
			d.metrics.unwanted.Inc()
			d.done(place)
			continue
		case errors.Is(err, ErrWithheld):
			d.metrics.withheld(schemas.ReasonRefused)
			d.done(place)
			continue
		case errors.As(err, &unsendable):
			d.metrics.unsendable(string(unsendable))
			d.done(place)
			continue
		case errors.As(err, &refusal):
			d.bury(ctx, place, schemas.DeadRefused, string(refusal))
			continue
		case err != nil:
			d.bury(ctx, place, schemas.DeadRefused, "not_projected")
			continue
		case d.limits.Bytes > 0 && len(body) > d.limits.Bytes:
			d.bury(ctx, place, schemas.DeadRefused, "too_large")
			continue
		}
		room = len(body) + 64
		p := filling[group]
		if p == nil || len(p.list) >= d.limits.Events || d.limits.Bytes > 0 && p.size+len(body) > d.limits.Bytes {
			p = &parcel{Batch: Batch{Group: group}, by: by}
			filling[group] = p
			parcels = append(parcels, p)
		}
		p.Bodies, p.list, p.ids, p.size = append(p.Bodies, body), append(p.list, place), append(p.ids, id), p.size+len(body)+1
	}
	return parcels, nil
}
