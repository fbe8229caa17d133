package clickhouse

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// ExportedEvent is what is stored of an event, for the user whose it is.
type ExportedEvent struct {
	Time         time.Time         `json:"time"`
	Site         string            `json:"site"`
	Type         schemas.EventType `json:"type"`
	Purposes     []string          `json:"purposes"`     // that were granted
	Policy       string            `json:"policy"`       // version that decided
	Jurisdiction string            `json:"jurisdiction"` // whose rules were applied
	Reason       schemas.Reason    `json:"reason"`
	// Data has the fields by data category, and under "properties" there what the
	// site itself added. Identifiers are pseudonyms.
	Data map[string]map[string]any `json:"data"`
}

// Export gives take every event that is stored under one of the pseudonyms of an
// identifier, oldest first. The pseudonyms are in no text of a query, so in no
// log of ClickHouse. table says which category a site's property has.
func (s *Store) Export(ctx context.Context, f schemas.Field, pseudonyms []string, table *enforcer.Table, take func(*ExportedEvent) error) error {
	wanted, err := ext.NewTable("pseudonyms", ext.Column("pseudonym", "String"))
	if err != nil {
		return err
	}
	for _, pseudonym := range pseudonyms {
		if err := wanted.Append(pseudonym); err != nil {
			return err
		}
	}
	var where []string
	for field := range enforcer.SameKind(f).Each {
		where = append(where, field.String()+" IN (SELECT pseudonym FROM pseudonyms)")
	}
	ctx, cancel := long(ctx)
	defer cancel()
	rows, err := s.conn.Query(ch.Context(ctx, ch.WithExternalTable(wanted)),
		"SELECT "+columnNames+" FROM "+s.Table(Events)+" WHERE "+strings.Join(where, " OR ")+" ORDER BY time, id")
	if err != nil {
		return fmt.Errorf("cannot read what is stored: %w", err)
	}
	defer rows.Close()
	reader, record := newRowReader(), schemas.Record{}
	for rows.Next() {
		if err := reader.read(rows, &record); err != nil {
			return fmt.Errorf("cannot read what is stored: %w", err)
		}
		if err := take(exportedEvent(&record, table)); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("cannot read what is stored: %w", err)
	}
	return nil
}

// envelope are the fields that a stored event has beside its data.
var envelope = schemas.SetOf(schemas.Site, schemas.Type, schemas.Time)

func exportedEvent(r *schemas.Record, table *enforcer.Table) *ExportedEvent {
	e := &ExportedEvent{
		Time: r.Event.Time.UTC(), Site: r.Event.Get(schemas.Site), Type: r.Event.Type, Purposes: r.Purposes.Names(),
		Policy: r.Policy, Jurisdiction: r.Jurisdiction, Reason: r.Reason, Data: map[string]map[string]any{},
	}
	of := func(category string) map[string]any {
		if e.Data[category] == nil {
			e.Data[category] = map[string]any{}
		}
		return e.Data[category]
	}
	for f := range (r.Event.Fields &^ envelope).Each {
		d := f.Definition()
		if text := r.Event.Get(f); d.Kind.Numeric() {
			of(d.Category.String())[d.Name] = json.Number(text)
		} else {
			of(d.Category.String())[d.Name] = text
		}
	}
	site := table.Site(e.Site)
	for _, p := range r.Event.Properties {
		data := of(site.PropertyCategory(p.Name))
		properties, _ := data["properties"].(map[string]any)
		if properties == nil {
			properties = map[string]any{}
			data["properties"] = properties
		}
		if p.Kind == schemas.PropertyNumber {
			properties[p.Name] = json.Number(p.Text)
		} else {
			properties[p.Name] = p.Text
		}
	}
	return e
}
