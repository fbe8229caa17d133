package clickhouse

import (
	"context"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// accountsOf are n accounts of one event each.
func accountsOf(n int) []kafka.Message {
	var messages []kafka.Message
	for range n {
		messages = append(messages, accountMessage(uuid.New(), 1))
	}
	return messages
}

func wantReceived(t *testing.T, s *Store, want uint64) {
	t.Helper()
	if got := received(t, s); got != want {
		t.Errorf("%d events are accounted for, want %d", got, want)
	}
}

func TestAccountSums(t *testing.T) {
	s := migratedStore(t)
	account := schemas.Account{}
	minute := schemas.MinuteOf(when)
	for outcome := schemas.Outcome(0); outcome < schemas.NumOutcomes; outcome++ {
		for reason := schemas.Reason(0); reason < schemas.NumReasons; reason++ {
			for _, recipient := range []string{"", "store", "google"} {
				account[schemas.Decision{Minute: minute, Site: "shop", Type: schemas.AdClick, Recipient: recipient, Outcome: outcome, Reason: reason}] = 1 << outcome
				account[schemas.Decision{Minute: minute + 60, Site: "news", Recipient: recipient, Outcome: outcome, Reason: reason}] = 1
			}
		}
	}
	id := uuid.New()
	m := kafka.Message{Value: account.AppendJSON(nil), Headers: append(header(schemas.KindAccount), kafka.Header{Key: schemas.HeaderBatch, Value: id[:]})}
	handle(t, newSink(t, s, topicOf(t, 1)), partitionLog(m))

	for _, site := range []string{"shop", "news"} {
		var received, allowed, anonymised, dropped, rejected uint64
		row := s.conn.QueryRow(t.Context(), "SELECT received, allowed, anonymised, dropped, rejected FROM "+s.Table("accounts")+" WHERE site = $1", site)
		if err := row.Scan(&received, &allowed, &anonymised, &dropped, &rejected); err != nil {
			t.Fatal(err)
		}
		r, want := uint64(schemas.NumReasons), [4]uint64{1, 1, 1, 1}
		if site == "shop" {
			want = [4]uint64{8, 4, 2, 1}
		}
		if got := [4]uint64{allowed, anonymised, dropped, rejected}; got != [4]uint64{want[0] * r, want[1] * r, want[2] * r, want[3] * r} {
			t.Errorf("%s: %v", site, got)
		}
		if received != allowed+anonymised+dropped+rejected {
			t.Errorf("%s: received %d is not the sum", site, received)
		}
	}
	rows, err := s.conn.Query(t.Context(), "SELECT toUnixTimestamp(minute), site, type, recipient, outcome, reason, sum(count) FROM "+s.Table("decisions")+" GROUP BY ALL")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	stored := schemas.Account{}
	for rows.Next() {
		var d schemas.Decision
		var minute uint32
		var kind, outcome, reason string
		var count uint64
		if err := rows.Scan(&minute, &d.Site, &kind, &d.Recipient, &outcome, &reason, &count); err != nil {
			t.Fatal(err)
		}
		d.Minute = int64(minute)
		if err := d.Read([]byte(kind), []byte(outcome), []byte(reason)); err != nil {
			t.Fatal(err)
		}
		stored[d] = count
	}
	if !maps.Equal(stored, account) {
		t.Errorf("stored\n%v\nwant\n%v", stored, account)
	}
}

func TestAccountsAcrossDeliveries(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 1)
	messages := partitionLog(accountsOf(100)...)
	k := newSink(t, s, cluster)
	for run := range slices.Chunk(messages, 30) {
		handle(t, k, run)
	}
	wantReceived(t, s, 100)
	// The same member, and others, are given them again.
	handle(t, k, messages[40:])
	handle(t, newSink(t, s, cluster), messages)
	handle(t, newSink(t, s, cluster), messages[95:])
	wantReceived(t, s, 100)
	// What is new among them counts.
	longer := partitionLog(append(slices.Clone(messages), accountsOf(7)...)...)
	handle(t, newSink(t, s, cluster), longer[90:])
	wantReceived(t, s, 107)
	// Folding changes no count, and does not lose the place.
	if err := s.conn.Exec(t.Context(), "OPTIMIZE TABLE "+s.Table("decisions")+" FINAL"); err != nil {
		t.Fatal(err)
	}
	if n := ask(t, s, "SELECT count() FROM "+s.Table("decisions")); n != 1 {
		t.Errorf("%d rows are left after folding, want 1", n)
	}
	handle(t, newSink(t, s, cluster), longer)
	wantReceived(t, s, 107)
}

// Another member had the partition in between, stored a run, and ended before
// it committed.
func TestAccountsOfAnotherMember(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 1)
	messages := partitionLog(accountsOf(20)...)
	first, other := newSink(t, s, cluster), newSink(t, s, cluster)
	handle(t, first, messages[:10])
	handle(t, other, messages[10:15])
	handle(t, first, messages[10:])
	wantReceived(t, s, 20)
}

// A producer that saw no acknowledgement sends the account again with its batch.
func TestCopiesOfAccounts(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 1)
	original := accountsOf(10)
	messages := partitionLog(slices.Concat(original, original[:5], original)...)
	k := newSink(t, s, cluster)
	handle(t, k, messages[:12]) // two copies in the same run
	handle(t, k, messages[12:18])
	handle(t, newSink(t, s, cluster), messages[18:]) // seen by another member
	wantReceived(t, s, 10)
	if n := k.metrics.repeatedAccounts.Get(); n != 8 {
		t.Errorf("%d repeated accounts are counted, want 8", n)
	}
}

// A batch that Kafka had taken unseen comes out of a collector's spool a day later,
// when memory has forgotten its account: it is found in the table. One that Kafka
// had not taken is counted.
func TestLateCopiesOfAccounts(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 1)
	at := func(id uuid.UUID, ago time.Duration) kafka.Message {
		m := accountMessage(id, 1)
		m.Time = time.Now().Add(-ago).Truncate(time.Minute)
		return m
	}
	first, missed := uuid.New(), uuid.New()
	messages := partitionLog(at(uuid.New(), 24*time.Hour), at(first, 24*time.Hour), at(uuid.New(), 0),
		at(first, 24*time.Hour), at(missed, 24*time.Hour), at(missed, 24*time.Hour), at(first, 24*time.Hour))
	k := newSink(t, s, cluster)
	handle(t, k, messages[:3])
	k.partition(0).ledger.counted = newMemory() // forgotten
	handle(t, k, messages[3:6])
	wantReceived(t, s, 4)
	if n := k.metrics.repeatedAccounts.Get(); n != 2 {
		t.Errorf("%d repeated accounts are counted, want 2", n)
	}
	handle(t, newSink(t, s, cluster), messages[6:]) // another member
	wantReceived(t, s, 4)
}

// Storing the accounts fails after the events are stored.
func TestAccountsFailAfterEvents(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 1)
	var messages []kafka.Message
	for _, m := range viewMessages(ids7(t, 50)...) {
		messages = append(messages, m, accountMessage(uuid.New(), 1))
	}
	messages = partitionLog(messages...)
	rename := func(from, to string) {
		t.Helper()
		if err := s.conn.Exec(t.Context(), "RENAME TABLE "+s.Table(from)+" TO "+s.Table(to)); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	k := newSink(t, s, cluster)
	if err := k.Handle(ctx, 0, messages[:40]); err != nil { // the place is known now
		t.Fatal(err)
	}
	rename("decisions", "hidden")
	if err := k.Handle(ctx, 0, messages[40:80]); err == nil {
		t.Fatal("a run is done whose accounts are not stored")
	}
	rename("hidden", "decisions")
	wantRows(t, s, 40)
	wantReceived(t, s, 20)
	if err := k.Handle(ctx, 0, messages[40:80]); err != nil {
		t.Fatal(err)
	}
	handle(t, newSink(t, s, cluster), messages[60:])
	wantRows(t, s, 50)
	wantReceived(t, s, 50)
}

// The topic was deleted and made again: its offsets begin at 0.
func TestTopicBeginsAnew(t *testing.T) {
	s := migratedStore(t)
	cluster := topicOf(t, 1)
	handle(t, newSink(t, s, cluster), partitionLog(accountsOf(50)...))
	wantReceived(t, s, 50)
	anew := partitionLog(accountsOf(10)...)
	k := newSink(t, s, cluster)
	handle(t, k, anew[:6])
	handle(t, k, anew[6:])
	wantReceived(t, s, 60)
	handle(t, newSink(t, s, cluster), anew) // given again
	wantReceived(t, s, 60)
	longer := partitionLog(append(slices.Clone(anew), accountsOf(60)...)...) // beyond the old end
	handle(t, newSink(t, s, cluster), longer[8:])
	handle(t, newSink(t, s, cluster), longer)
	wantReceived(t, s, 120)
}

// The same while it is read, when it has grown beyond what was counted already:
// the consumer reads it from its beginning within the assignment.
func TestTopicBeginsAnewWhileRead(t *testing.T) {
	s := migratedStore(t)
	k := newSink(t, s, topicOf(t, 1))
	old, anew := partitionLog(accountsOf(20)...), partitionLog(accountsOf(50)...)
	for _, run := range [][]kafka.Message{old[:10], old[10:], anew[:30], anew[30:]} {
		if err := k.Handle(t.Context(), 0, run); err != nil {
			t.Fatal(err)
		}
	}
	wantReceived(t, s, 70)
}

func TestBadAccounts(t *testing.T) {
	s := migratedStore(t)
	check := func(why string, change func(*kafka.Message)) {
		t.Helper()
		k := newSink(t, s, topicOf(t, 1))
		bad := accountMessage(uuid.New(), 1)
		change(&bad)
		before := received(t, s)
		handle(t, k, partitionLog(accountMessage(uuid.New(), 1), bad, accountMessage(uuid.New(), 1)))
		if k.metrics.bad.Get() != 1 || received(t, s) != before+2 {
			t.Errorf("%s: %d bad, %d counted", why, k.metrics.bad.Get(), received(t, s)-before)
		}
	}
	check("no id", func(m *kafka.Message) { m.Headers = header(schemas.KindAccount) })
	check("short id", func(m *kafka.Message) { m.Headers[2].Value = m.Headers[2].Value[:15] })
	check("no JSON", func(m *kafka.Message) { m.Value = []byte("{") })
	check("an impossible minute", func(m *kafka.Message) {
		m.Value = schemas.Account{{Minute: 1 << 33}: 1, {Minute: 60}: 1}.AppendJSON(nil)
	})
}

func TestMemoryForgetsTheOldest(t *testing.T) {
	m := newMemory()
	first, second := uuid.New(), uuid.New()
	m.add(first)
	m.add(second)
	m.add(second)
	for range memorySize - 2 {
		m.add(uuid.New())
	}
	if !m.has(first) || !m.has(second) {
		t.Error("forgotten too early")
	}
	m.add(uuid.New())
	if m.has(first) || !m.has(second) {
		t.Error("not the oldest is forgotten")
	}
	if len(m.ids) != memorySize {
		t.Errorf("it remembers %d", len(m.ids))
	}
}

// A run is fetched bit by bit while the topic grows, so that its first message
// knows of fewer messages than the run has. When it comes again it is no topic
// that began anew.
func TestGrowingTopicIsNotNew(t *testing.T) {
	s, cluster := migratedStore(t), topicOf(t, 1)
	messages := partitionLog(append(viewMessages(ids7(t, 3)...), accountMessage(uuid.New(), 3))...)
	for i := range messages {
		messages[i].HighWaterMark = int64(i + 1)
	}
	handle(t, newSink(t, s, cluster), messages)
	handle(t, newSink(t, s, cluster), messages)
	wantReceived(t, s, 3)
}
