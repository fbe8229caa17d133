package role

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/cmd/sekisho/internal/resetfile"
	"sekisho/enforcer"
	"sekisho/ingest"
	"sekisho/schemas"
	"sekisho/sinks/clickhouse"
	"sekisho/stream"
)

// Subjects answers what users, or operators for them, may ask about their data:
// to have all of it, or to have it erased. Every request is in the audit log
// before it is answered.
type Subjects struct {
	cluster   *stream.Cluster
	store     *clickhouse.Store
	table     func() *enforcer.Table
	keys      *enforcer.Keys
	registry  *enforcer.Resets
	tickets   *ingest.Tickets
	withdrawn *enforcer.Withdrawn
	resets    *stream.Resets
	receipts  *stream.Receipts
}

// NewSubjects prepares to answer. What follows the resets is another's part; see
// [clickhouse.NewGate].
func NewSubjects(c *config.Config, cluster *stream.Cluster, store *clickhouse.Store, table func() *enforcer.Table,
	withdrawn *enforcer.Withdrawn, resets *stream.Resets,
) (*Subjects, error) {
	keys, registry, err := Secrets(c.Keys)
	if err != nil {
		return nil, err
	}
	tickets, err := ingest.NewTickets([]byte(c.Keys.Registry.Reveal()))
	if err != nil {
		return nil, err
	}
	return &Subjects{
		cluster: cluster, store: store, table: table, keys: keys, registry: registry, tickets: tickets,
		withdrawn: withdrawn, resets: resets, receipts: stream.NewReceipts(cluster),
	}, nil
}

// exported is what is said of one identifier, before its events.
type exported struct {
	Kind string `json:"kind"`
	// Reset: it was reset, so nothing may be tied to it any more.
	Reset    bool              `json:"reset"`
	Consents []schemas.Receipt `json:"consents"`
}

var errNoActor = errors.New("say who asks: the audit log must tell")

// Export writes everything that is stored under the identifiers, as JSON: an
// array with an object for each. The receipts of consent come first, then the
// events, as they are read.
func (s *Subjects) Export(ctx context.Context, actor string, identifiers []resetfile.Identifier, to io.Writer) error {
	if err := CheckKeys(ctx, s.cluster, s.registry, s.keys); err != nil {
		return fmt.Errorf("cannot export: %w", err)
	}
	if err := s.audit(ctx, actor, "export", identifiers, ""); err != nil {
		return err
	}
	if err := s.resets.Barrier(ctx); err != nil {
		return err
	}
	for i, identifier := range identifiers {
		opening := ",\n"
		if i == 0 {
			opening = "[\n"
		}
		if _, err := io.WriteString(to, opening); err != nil {
			return err
		}
		if err := s.export(ctx, identifier, to); err != nil {
			return err
		}
	}
	_, err := io.WriteString(to, "\n]\n")
	return err
}

func (s *Subjects) export(ctx context.Context, identifier resetfile.Identifier, to io.Writer) error {
	pseudonyms := s.keys.Pseudonyms(identifier.Field, identifier.Normal)
	x := exported{Kind: identifier.Field.String(), Consents: []schemas.Receipt{}}
	for _, pseudonym := range pseudonyms {
		x.Reset = x.Reset || s.withdrawn.Has(pseudonym)
	}
	if !x.Reset {
		var err error
		if x.Consents, err = s.receipts.Find(ctx, pseudonyms...); err != nil {
			return err
		}
	}
	head, err := json.Marshal(x)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(to, "%s,\"events\":[", head[:len(head)-1]); err != nil {
		return err
	}
	if !x.Reset {
		separator := "\n"
		err = s.store.Export(ctx, identifier.Field, pseudonyms, s.table(), func(e *clickhouse.ExportedEvent) error {
			line, err := json.Marshal(e)
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(to, "%s%s", separator, line)
			separator = ",\n"
			return err
		})
		if err != nil {
			return err
		}
	}
	_, err = io.WriteString(to, "]}")
	return err
}

// Erase resets the identifiers, which has what is stored under them erased, and
// returns the ticket of it.
func (s *Subjects) Erase(ctx context.Context, actor string, identifiers []resetfile.Identifier) (sealed string, k ingest.Ticket, err error) {
	if err := CheckKeys(ctx, s.cluster, s.registry, s.keys); err != nil {
		return "", k, fmt.Errorf("cannot erase: %w", err)
	}
	if err := s.audit(ctx, actor, "erase", identifiers, ""); err != nil {
		return "", k, err
	}
	now := time.Now()
	resets := make([]schemas.Reset, len(identifiers))
	for i, identifier := range identifiers {
		resets[i] = ingest.ResetOf(s.registry, s.keys, identifier.Field, identifier.Normal, now)
	}
	offset, err := s.resets.Append(ctx, resets)
	if err != nil {
		return "", k, err
	}
	k = ingest.Ticket{From: offset, To: offset + int64(len(resets)), At: now}
	sealed = s.tickets.Seal(k)
	// It is accepted whether or not this is noted.
	return sealed, k, s.audit(ctx, actor, "erase", identifiers, sealed)
}

func (s *Subjects) audit(ctx context.Context, actor, action string, identifiers []resetfile.Identifier, ticket string) error {
	if actor == "" {
		return errNoActor
	}
	requests := make([]clickhouse.Request, len(identifiers))
	for i, identifier := range identifiers {
		requests[i] = clickhouse.Request{
			Actor: actor, Action: action, Field: identifier.Field, Hash: s.registry.Hash(identifier.Field, identifier.Normal), Ticket: ticket,
		}
	}
	return s.store.Audit(ctx, requests...)
}
