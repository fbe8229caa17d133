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
func (s *session) addReceipts(c *Collector, site *enforcer.Site, r *schemas.Record) {
	carried := r.Event.Fields & receipted
	if s.event.Type != schemas.ConsentGiven || r.Outcome != schemas.Allowed || carried == 0 && s.apart == "" {
		return
	}
	agreed := s.table.Agreed(site, &s.event, &s.request)
	if agreed.Purposes &= r.Purposes; agreed.Purposes == 0 {
		return
	}
	receipt := schemas.Receipt{
		At: s.made.or(s.event.Time), Site: site.Name, Policy: s.table.Version, Agreed: agreed.Policy, Jurisdiction: r.Jurisdiction,
		Purposes: agreed.Purposes, Signals: agreed.Signals,
	}
	for f := range carried.Each {
		receipt.Field, receipt.Pseudonym = f, strings.Clone(r.Event.Get(f))
		s.receipts = append(s.receipts, receipt)
	}
	if s.apart != "" {
		receipt.Field = schemas.VisitorID
		receipt.Pseudonym = string(c.keys.AppendPseudonym(nil, receipt.Field, s.apart))
		s.receipts = append(s.receipts, receipt)
	}
}
