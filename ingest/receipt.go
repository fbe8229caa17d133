package ingest

import (
	"context"
	"strings"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// ReceiptLog makes receipts of consent durable.
type ReceiptLog interface {
	Append(ctx context.Context, receipts []schemas.Receipt) error
}

// receipted are the identifiers under which receipts are kept: those by which a
// user can ask for them. A session or a click is none.
var receipted = schemas.Identifiers &^ schemas.SetOf(schemas.SessionID, schemas.FBC, schemas.AdClickID)

// addReceipts notes what was agreed to, for each identifier of the record of a
// consent event. Where silence grants, nobody agreed.
func (s *session) addReceipts(site *enforcer.Site, r *schemas.Record) {
	carried := r.Event.Fields & receipted
	if s.event.Type != schemas.ConsentGiven || r.Outcome != schemas.Allowed || carried == 0 {
		return
	}
	agreed := s.table.Agreed(site, &s.event, &s.request)
	if agreed.Purposes &= r.Purposes; agreed.Purposes == 0 {
		return
	}
	for f := range carried.Each {
		s.receipts = append(s.receipts, schemas.Receipt{
			Field: f, Pseudonym: strings.Clone(r.Event.Get(f)), At: s.event.Time, Site: site.Name,
			Policy: s.table.Version, Agreed: agreed.Policy, Jurisdiction: r.Jurisdiction,
			Purposes: agreed.Purposes, Signals: agreed.Signals,
		})
	}
}
