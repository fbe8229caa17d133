package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/uuid"
)

// newBatchID returns a number that no other batch has.
func newBatchID() uint64 { return rand.Uint64() }

// clear ends the mutations of batches before and empties the table erasing.
func (e *Eraser) clear(ctx context.Context) error {
	s := e.store
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	erasing := s.Table("erasing")
	for _, statement := range []string{
		"KILL MUTATION" + s.dialect().OnCluster() + " WHERE NOT is_done AND position(command, " + quote(erasing) + ") > 0",
		"TRUNCATE TABLE " + erasing + s.dialect().OnCluster() + " SYNC",
	} {
		if err := s.conn.Exec(ctx, statement); err != nil {
			return fmt.Errorf("cannot clear the table %s: %w", erasing, err)
		}
	}
	return nil
}

// name puts the batch's pseudonyms into the table erasing, on every server.
func (e *Eraser) name(ctx context.Context, b *batch) error {
	s := e.store
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	rows, err := s.conn.PrepareBatch(ch.Context(ctx, ch.WithQueryID(b.partition.queries()+uuid.NewString())),
		"INSERT INTO "+s.Table("erasing")+" (batch, pseudonym)")
	if err != nil {
		return fmt.Errorf("cannot store what is to be erased: %w", err)
	}
	defer func() { _ = rows.Abort() }() // unless it is sent
	ids := make([]uint64, len(b.pseudonyms))
	for i := range ids {
		ids[i] = b.id
	}
	if err := rows.Column(0).Append(ids); err != nil {
		return fmt.Errorf("cannot store what is to be erased: %w", err)
	}
	if err := rows.Column(1).Append(b.pseudonyms); err != nil {
		return fmt.Errorf("cannot store what is to be erased: %w", err)
	}
	if err := b.partition.awake(); err != nil {
		return err
	}
	if err := rows.Send(); err != nil {
		return fmt.Errorf("cannot store what is to be erased: %w", err)
	}
	return s.sync(ctx, []place{{database: s.config.Database, table: "erasing"}})
}

// sync waits until every replica has what the others have.
func (s *Store) sync(ctx context.Context, places []place) error {
	if s.config.Cluster == "" {
		return nil
	}
	ctx, cancel := long(ctx)
	defer cancel()
	for i := range places {
		if err := s.conn.Exec(ctx, "SYSTEM SYNC REPLICA"+s.dialect().OnCluster()+" "+places[i].name()); err != nil {
			return fmt.Errorf("cannot wait for the replicas of table %s: %w", places[i].name(), err)
		}
	}
	return nil
}

// search counts the rows that bear an erased pseudonym, on all replicas, and
// leaves only the conditions that some row meets.
func (s *Store) search(ctx context.Context, p *place) (rows uint64, err error) {
	var text strings.Builder
	text.WriteString("SELECT toUInt64(countIf(" + p.where() + "))")
	for _, condition := range p.conditions {
		text.WriteString(", toUInt64(countIf(" + condition + "))")
	}
	text.WriteString(" FROM " + s.everywhere(p.name()))
	counts := make([]uint64, 1+len(p.conditions))
	into := make([]any, len(counts))
	for i := range counts {
		into[i] = &counts[i]
	}
	ctx, cancel := long(ctx)
	defer cancel()
	if err := s.conn.QueryRow(ctx, text.String()).Scan(into...); err != nil {
		return 0, fmt.Errorf("cannot search table %s: %w", p.name(), err)
	}
	var met []string
	for i, condition := range p.conditions {
		if counts[i+1] > 0 {
			met = append(met, condition)
		}
	}
	p.conditions = met
	return counts[0], nil
}

// delete deletes the rows from all places, and returns when that is done on all
// replicas.
func (e *Eraser) delete(ctx context.Context, b *batch, places []place) error {
	s := e.store
	for i := range places {
		p := &places[i]
		// Which rows an old pseudonym is in does not depend on the replica: each
		// has the same table erasing.
		settings := ch.Settings{"allow_nondeterministic_mutations": 1, "mutations_sync": 0}
		err := s.conn.Exec(ch.Context(ctx, ch.WithSettings(settings)),
			"ALTER TABLE "+p.name()+s.dialect().OnCluster()+" DELETE WHERE "+p.where())
		if err != nil {
			return fmt.Errorf("cannot erase from table %s: %w", p.name(), err)
		}
		e.metrics.mutations.Inc()
	}
	if len(places) == 0 {
		return nil
	}
	if err := e.awaitMutations(ctx, b); err != nil {
		return err
	}
	return s.sync(ctx, places)
}

// awaitMutations returns when the batch's mutations are done. A server that is
// away goes on with them when it is back; one that nobody knows any more will never
// be done.
func (e *Eraser) awaitMutations(ctx context.Context, b *batch) error {
	s := e.store
	lost := time.Time{}
	for {
		var known, left uint64
		var parts int64
		var failure string
		err := s.conn.QueryRow(ctx, `
			SELECT count(), countIf(NOT is_done), sum(parts_to_do), max(latest_fail_reason)
			FROM `+s.everywhere("system.mutations")+`
			WHERE position(command, $1) > 0`, fmt.Sprintf("batch = %d", b.id)).Scan(&known, &left, &parts, &failure)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err == nil && failure != "":
			return fmt.Errorf("cannot erase: the mutation fails: %s", failure)
		case err == nil && known > 0 && left == 0:
			e.metrics.parts.Store(0)
			return nil
		case err == nil && known > 0:
			lost = time.Time{}
			e.metrics.parts.Store(parts)
		case lost.IsZero():
			lost = time.Now()
		case time.Since(lost) > 2*s.config.Timeout && err != nil:
			return fmt.Errorf("cannot tell whether the rows are deleted: %w", err)
		case time.Since(lost) > 2*s.config.Timeout:
			return errors.New("cannot erase: ClickHouse does not know the mutation any more; it was killed, or lost with the server")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// long lets a query take its time, since it reads whole tables: the client's
// limit holds for a query as a whole where its context has none.
func long(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, 24*time.Hour)
	return ch.Context(ctx, ch.WithSettings(ch.Settings{"max_execution_time": 0})), cancel
}
