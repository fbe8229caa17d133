package main_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream"
)

// What goes on around the users of the model test, until its context ends.

// pause waits for up to d; false when ctx ended.
func pause(ctx context.Context, random *rand.Rand, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Duration(random.Int64N(int64(d)))):
		return true
	}
}

// command is the binary with what it needs to work on this `sekisho up`.
func (m *model) command(t *testing.T, arguments ...string) *exec.Cmd {
	cmd := exec.Command(binary(t), arguments...)
	log := &output{}
	m.mu.Lock()
	m.logs = append(m.logs, log)
	m.mu.Unlock()
	cmd.Stderr = log
	cmd.Env = append(environment(),
		"SEKISHO_KAFKA_BROKERS="+m.u.Kafka, "SEKISHO_CLICKHOUSE_ADDRESSES="+m.u.ClickHouseNative, "SEKISHO_ADMIN_LISTEN=127.0.0.1:0",
		"SEKISHO_CLICKHOUSE_ERASURE_MAX_WAIT=1s", "SEKISHO_POLICY="+m.u.Policy, "SEKISHO_KEYS_SECRET=file:"+m.u.Dir+"/secret-pseudonyms", "SEKISHO_KEYS_REGISTRY=file:"+m.u.Dir+"/secret-registry")
	return cmd
}

// killSinks has sinks join the group of the one that `up` runs, and leave it in
// all ways there are.
func (m *model) killSinks(ctx context.Context, t *testing.T, random *rand.Rand) {
	for ; ctx.Err() == nil; m.awaitProgress(ctx, random) {
		sink := m.command(t, "sink", "clickhouse")
		if err := sink.Start(); err != nil {
			t.Error(err)
			return
		}
		time.Sleep(time.Second)
		pause(ctx, random, 8*time.Second)
		if random.IntN(4) == 0 {
			_ = sink.Process.Signal(syscall.SIGSTOP)
			pause(ctx, random, 15*time.Second)
			_ = sink.Process.Signal(syscall.SIGCONT)
			pause(ctx, random, time.Second)
		}
		if random.IntN(3) == 0 {
			// Not an interrupt: in the background of a shell that is ignored until the
			// process asks for it, which takes seconds on a busy machine.
			_ = sink.Process.Signal(syscall.SIGTERM)
			// It tells where it hangs.
			defer time.AfterFunc(stopTime, func() { _ = sink.Process.Signal(syscall.SIGQUIT) }).Stop()
		} else {
			_ = sink.Process.Kill()
		}
		// One that cannot finish in time, on a busy machine, was as good as killed.
		err, said := sink.Wait(), fmt.Sprint(sink.Stderr)
		if err != nil && sink.ProcessState.ExitCode() > 0 && !strings.Contains(said, "deadline exceeded") && !strings.Contains(said, "SIGQUIT") {
			t.Errorf("a sink ended with %v:\n%s", err, said)
			return
		}
	}
}

// awaitProgress waits until something was erased after a sink ended: the groups
// take a while to miss a member, and if they always missed one nothing would ever
// get done.
func (m *model) awaitProgress(ctx context.Context, random *rand.Rand) {
	m.mu.Lock()
	before := m.erased
	m.mu.Unlock()
	for pause(ctx, random, 5*time.Second) {
		m.mu.Lock()
		erased := m.erased
		m.mu.Unlock()
		if erased > before {
			return
		}
	}
}

// connect connects to Kafka.
func (m *model) connect() (*stream.Cluster, error) {
	c := stream.DefaultConfig()
	c.Brokers = []string{m.u.Kafka}
	return stream.Connect(c)
}

// someMessages reads a few messages in a row from the events topic, if it can.
func (m *model) someMessages(ctx context.Context, cluster *stream.Cluster, random *rand.Rand, take func(*kafka.Message)) {
	events := cluster.Config().Topics.Events
	spans, err := cluster.Spans(ctx, events)
	if err != nil {
		return
	}
	span := spans[random.IntN(len(spans))]
	if span.Len() == 0 {
		return
	}
	span.From += random.Int64N(span.Len())
	span.To = min(span.To, span.From+1+random.Int64N(10))
	_ = cluster.Read(ctx, events, span, func(m *kafka.Message) error {
		take(m)
		return nil
	})
}

// repeatMessages puts messages on the topic again that were there before, as a
// producer does that saw no acknowledgement, or is late by minutes.
func (m *model) repeatMessages(ctx context.Context, t *testing.T, random *rand.Rand) {
	cluster, err := m.connect()
	if err != nil {
		t.Error(err)
		return
	}
	defer cluster.Close()
	for pause(ctx, random, 300*time.Millisecond) {
		var copies []stream.Entry
		partition := 0
		m.someMessages(ctx, cluster, random, func(m *kafka.Message) {
			partition = m.Partition
			copies = append(copies, stream.Entry{Time: m.Time, Key: m.Key, Value: m.Value, Headers: m.Headers})
		})
		if len(copies) > 0 {
			_, _ = cluster.Append(ctx, cluster.Config().Topics.Events, partition, copies)
		}
	}
}

// eventTables are the tables in which a pseudonym could be.
func (m *model) eventTables(t *testing.T) []string {
	var names []string
	m.query(t, &names, "SELECT groupUniqArray(table) FROM system.columns WHERE database = 'sekisho' AND name = 'app_instance_id'")
	return names
}

// insist asks until it is answered: ClickHouse may be starting again, which it does
// when a connection of somebody who was killed breaks off badly. It asks though the
// test has failed already, since what is not asked looks like 0 rows.
func (m *model) insist(t *testing.T, query string, ask func(driver.Conn) error) {
	var err error
	for deadline := time.Now().Add(waitTime); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if err = ask(m.u.clickHouse(t)); err == nil {
			return
		}
	}
	t.Errorf("cannot query: %v\n%s", err, query)
}

func (m *model) query(t *testing.T, answer any, query string, arguments ...any) {
	m.insist(t, query, func(c driver.Conn) error { return c.QueryRow(t.Context(), query, arguments...).Scan(answer) })
}

func (m *model) count(t *testing.T, query string, arguments ...any) (n uint64) {
	m.query(t, &n, query, arguments...)
	return n
}

// watchRows looks all the time whether something is visible that was erased.
func (m *model) watchRows(ctx context.Context, t *testing.T, random *rand.Rand) {
	for pause(ctx, random, 500*time.Millisecond) {
		m.mu.Lock()
		var erased []string
		for pseudonym, fact := range m.resets {
			if !fact.erased.IsZero() {
				erased = append(erased, pseudonym)
			}
		}
		m.mu.Unlock()
		for _, table := range m.eventTables(t) {
			if n := m.count(t, "SELECT count() FROM "+table+" WHERE has(?, app_instance_id)", erased); n > 0 {
				m.violated("%d rows of what was erased are in table %s", n, table)
			}
			if n := m.count(t, "SELECT count() FROM (SELECT session_id FROM "+table+" WHERE session_id != '' GROUP BY session_id HAVING uniqExact(app_instance_id) > 1)"); n > 0 {
				m.violated("%d sessions in table %s join an identifier with another", n, table)
			}
		}
	}
}

// settle waits until all is stored, and holds the tables against the oracle.
func (m *model) settle(t *testing.T, before uint64) {
	m.settleLetters(t)
	want := map[string]map[uuid.UUID]bool{} // by pseudonym that was not reset
	n := uint64(0)
	for id, k := range m.kept {
		if m.resets[k.pseudonym] != nil {
			continue
		}
		if want[k.pseudonym] == nil {
			want[k.pseudonym] = map[uuid.UUID]bool{}
		}
		want[k.pseudonym][id] = true
		n++
	}
	users := slices.Collect(maps.Keys(want))
	eventually(t, 10*waitTime, fmt.Sprintf("%d events to be stored", n), func() bool {
		return m.count(t, "SELECT uniqExact(id) FROM events WHERE has(?, app_instance_id)", users) >= n
	})
	eventually(t, 10*waitTime, fmt.Sprintf("%d events to be accounted for", m.sent), func() bool {
		return m.count(t, "SELECT sum(received) FROM accounts") >= before+m.sent
	})
	if received := m.count(t, "SELECT sum(received) FROM accounts") - before; received != m.sent {
		m.violated("%d events are accounted for, %d were sent", received, m.sent)
	}
	m.hold(t, "events", want, time.Now())
	for table, begun := range m.tables {
		m.hold(t, table, want, begun)
	}
	m.violationsOfResets(t)
	m.joined(t)
}

// joined wants no message on the events topic to have anything in common with
// one of another identifier: neither the session nor the event.
func (m *model) joined(t *testing.T) {
	cluster, err := m.connect()
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	events := cluster.Config().Topics.Events
	spans, err := cluster.Spans(t.Context(), events)
	if err != nil {
		t.Fatal(err)
	}
	whose := map[string]string{} // by session and by event
	var decoder schemas.RecordDecoder
	var record schemas.Record
	for _, span := range spans {
		err := cluster.Read(t.Context(), events, span, func(message *kafka.Message) error {
			if string(stream.HeaderOf(message.Headers, schemas.HeaderKind)) != schemas.KindEvent || decoder.Decode(message.Value, &record) != nil {
				return nil
			}
			e := &record.Event
			owner := strings.Clone(e.Get(schemas.AppInstanceID))
			for _, f := range []schemas.Field{schemas.SessionID, schemas.ID} {
				if owner == "" || !e.Fields.Has(f) {
					continue
				}
				if before := whose[e.Get(f)]; before != "" && before != owner {
					m.violated("a %s on the topic joins an identifier with another", f)
				}
				whose[strings.Clone(e.Get(f))] = owner
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(whose) < len(m.kept) {
		m.violated("%d events and sessions are on the topic, %d events were let through", len(whose), len(m.kept))
	}
}

// hold wants a table to have every event of users who never reset, once: those
// that were acknowledged before it was rebuilt, and no other than were ever let
// through.
func (m *model) hold(t *testing.T, table string, want map[string]map[uuid.UUID]bool, until time.Time) {
	type row struct {
		ID            uuid.UUID `ch:"id"`
		AppInstanceID string    `ch:"app_instance_id"`
		Copies        uint64    `ch:"copies"`
	}
	var rows []row
	query := "SELECT id, app_instance_id, count() AS copies FROM " + table + " WHERE app_instance_id != '' GROUP BY ALL"
	m.insist(t, query, func(c driver.Conn) error { rows = nil; return c.Select(t.Context(), &rows, query) })
	found := map[uuid.UUID]bool{}
	for _, r := range rows {
		found[r.ID] = true
		if want[r.AppInstanceID] == nil {
			continue // of another run, or reset
		}
		if r.Copies != 1 {
			m.violated("event %s is in table %s %d times", r.ID, table, r.Copies)
		}
		if !want[r.AppInstanceID][r.ID] {
			m.violated("event %s in table %s was never let through", r.ID, table)
		}
	}
	for _, events := range want {
		for id := range events {
			if !found[id] && m.kept[id].at.Before(until) {
				m.violated("event %s is missing in table %s", id, table)
			}
		}
	}
}

// violationsOfResets wants nothing of who reset to be anywhere.
func (m *model) violationsOfResets(t *testing.T) {
	reset := slices.Collect(maps.Keys(m.resets))
	for _, table := range m.eventTables(t) {
		if n := m.count(t, "SELECT count() FROM "+table+" WHERE has(?, app_instance_id)", reset); n > 0 {
			m.violated("%d rows of who reset are in table %s at the end", n, table)
		}
	}
}
