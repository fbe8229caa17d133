package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/sinks/audit"
	"sekisho/stream"
)

// TestAudit: with traffic of all kinds every event is accounted for; whatever is
// done to Kafka or ClickHouse behind the gateway's back is named.
func TestAudit(t *testing.T) {
	// Nothing is erased meanwhile, which could take the rows that are tampered with.
	u := startUp(t, t.TempDir(), "--config", write(t, "sekisho.yaml", "clickhouse: {erasure: {max_wait: 1h}}"))
	sent := 0
	post := func(events ...string) {
		t.Helper()
		answer, err := http.Post(u.Collector+"/v1/events", "application/json", strings.NewReader("["+strings.Join(events, ",")+"]"))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		sent += len(events)
	}
	page := func(more string) string {
		return `{"id":"` + uuid.Must(uuid.NewV7()).String() + `","type":"pageview","site":"shop","url":"http://localhost:1/"` + more + `}`
	}
	const yes = `,"consent":{"analytics":true,"advertising":true}`
	for i := range 20 {
		post(page(fmt.Sprintf(`,"visitor_id":"v%d"`, i)+yes), page(""), page(`,"title":1`),
			strings.Replace(page(yes), `"shop"`, `"nowhere"`, 1), `{"type":"ad_click","site":"shop","ad_placement":"top"}`)
	}
	again := page(`,"visitor_id":"again"` + yes)
	post(again, again)
	post(again)
	reset := func(visitor string) {
		t.Helper()
		answer, err := http.Post(u.Collector+"/v1/reset", "application/json", strings.NewReader(`{"visitor_id":"`+visitor+`"}`))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusAccepted {
			t.Fatalf("the reset is answered %s", answer.Status)
		}
	}
	post(page(`,"visitor_id":"gone"` + yes))
	reset("gone")
	post(page(`,"visitor_id":"gone"` + yes))
	// One is reset before the sink has stored it.
	engine := u.engines(t)[0]
	if err := syscall.Kill(engine, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = syscall.Kill(engine, syscall.SIGCONT) })
	post(page(`,"visitor_id":"late"` + yes))
	reset("late")
	if err := syscall.Kill(engine, syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	eventually(t, waitTime, "all accounts", func() bool { return count(t, u, "SELECT sum(received) FROM accounts") == uint64(sent) })

	run := func(want int) (r audit.Report) {
		t.Helper()
		out, problems, code := sekisho(t, nil, "audit", "--data", u.Dir, "--from", "1h", "--json")
		if code != want {
			t.Fatalf("audit ended with %d: %s%s", code, out, problems)
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	var c audit.Counts
	// What is stored is committed a moment later, and pending until then.
	eventually(t, waitTime, "nothing to be pending", func() bool { c = run(0).Total; return c.Pending == 0 })
	if c.Received != uint64(sent) || c.Received != c.Allowed+c.Anonymised+c.Dropped+c.Rejected || c.Rejected != 40 || c.Repeated != 2 ||
		c.Allowed+c.Anonymised != c.Stored+c.Withheld+c.Repeated+c.Elsewhere+c.Pending || c.Stored+c.Withheld != 43 || c.Withheld < 1 {
		t.Errorf("%d events were sent; %+v", sent, c)
	}
	if out, _, code := sekisho(t, nil, "audit", "--data", u.Dir); code != 0 || !strings.Contains(out, "is accounted for") {
		t.Errorf("as text: code %d: %s", code, out)
	}
	if _, problems, code := sekisho(t, nil, "audit", "--data", u.Dir, "--from", "17"); code != 1 || !strings.Contains(problems, "cannot use --from: it must be a time") {
		t.Errorf("an offset: code %d: %s", code, problems)
	}

	differs := func(what string, want audit.Kind, events uint64) {
		t.Helper()
		found := uint64(0)
		for _, d := range run(1).Differences {
			if d.Kind == want {
				found += d.Events
			} else if d.Events != 777 { // which stays
				t.Errorf("%s: %+v", what, d)
			}
		}
		if found != events {
			t.Errorf("%s: %d events are %s, want %d", what, found, want, events)
		}
	}
	exec := func(query string) {
		t.Helper()
		if err := u.clickHouse(t).Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	exec("SYSTEM STOP MERGES events") // they would fold the doubled row
	exec("INSERT INTO events SELECT * FROM events WHERE visitor_id != '' LIMIT 1")
	differs("a row twice", audit.Doubled, 1)
	exec("SYSTEM START MERGES events")
	exec("OPTIMIZE TABLE events FINAL")

	exec("CREATE TABLE kept AS events ENGINE = Memory")
	exec("INSERT INTO kept SELECT * FROM events WHERE outcome = 'anonymised' LIMIT 3")
	exec("ALTER TABLE events DELETE WHERE id IN (SELECT id FROM kept) SETTINGS mutations_sync = 1")
	differs("rows that are gone", audit.Lost, 3)
	exec("INSERT INTO events SELECT * FROM kept")
	run(0)

	exec(`INSERT INTO decisions (topic, incarnation, kafka_partition, minute, site, type, recipient, outcome, reason, count)
		SELECT topic, incarnation, kafka_partition, minute, site, type, recipient, outcome, reason, 777 FROM decisions WHERE recipient = '' AND outcome = 'dropped' LIMIT 1`)
	differs("decisions that nobody took", audit.Miscounted, 777)

	// What gets onto the topic past the collector.
	foreign := func(kind, value string, headers ...kafka.Header) {
		t.Helper()
		w := &kafka.Writer{Addr: kafka.TCP(u.Kafka), Topic: "sekisho.events", BatchTimeout: time.Millisecond, RequiredAcks: kafka.RequireAll}
		defer w.Close()
		headers = append(headers, kafka.Header{Key: schemas.HeaderKind, Value: []byte(kind)}, kafka.Header{Key: schemas.HeaderSchema, Value: []byte("1")})
		if err := w.WriteMessages(t.Context(), kafka.Message{Value: []byte(value), Headers: headers}); err != nil {
			t.Fatal(err)
		}
	}
	id := uuid.New()
	account := schemas.Account{{Minute: schemas.MinuteOf(time.Now()), Site: "shop", Recipient: "store", Outcome: schemas.Allowed}: 2}
	foreign(schemas.KindAccount, string(account.AppendJSON(nil)), kafka.Header{Key: schemas.HeaderBatch, Value: id[:]})
	differs("an account of nothing", audit.Missing, 2)
}

// TestAuditNamesWhatNobodyKnows: rows and records that were put past the collectors,
// each by its id, and nothing else; and what was driven again is known.
func TestAuditNamesWhatNobodyKnows(t *testing.T) {
	u := startUp(t, t.TempDir())
	for i := range 30 {
		answer, err := http.Post(u.Collector+"/v1/events", "application/json", strings.NewReader(fmt.Sprintf(
			`[{"type":"pageview","site":"shop","url":"http://localhost:1/","visitor_id":"v%d","consent":{"analytics":true}},{"type":"pageview","site":"shop","url":"http://localhost:1/"}]`, i)))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	eventually(t, waitTime, "60 rows", func() bool { return count(t, u, "SELECT count() FROM events") == 60 })
	run := func(what string, want ...audit.Difference) {
		t.Helper()
		out, problems, code := sekisho(t, nil, "audit", "--data", u.Dir, "--from", "1h", "--json")
		var r audit.Report
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%s: code %d: %v %s", what, code, err, problems)
		}
		bad := len(r.Differences) != len(want) || (code == 0) != (len(want) == 0)
		for i := range min(len(want), len(r.Differences)) {
			d := r.Differences[i]
			bad = bad || d.Kind != want[i].Kind || d.Event != want[i].Event || d.Site != "shop" || d.Events != 1 || !d.Minute.Equal(want[i].Minute)
		}
		if bad {
			t.Errorf("%s: code %d, %+v, want %+v", what, code, r.Differences, want)
		}
	}
	exec := func(query string) {
		t.Helper()
		if err := u.clickHouse(t).Exec(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	run("nothing")

	// What is erased has an anonymised row of another id in its place.
	answer, err := http.Post(u.Collector+"/v1/reset", "application/json", strings.NewReader(`{"visitor_id":"v0"}`))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	eventually(t, waitTime, "the erasure", func() bool {
		return count(t, u, "SELECT count() FROM events WHERE outcome = 'anonymised'") == 31 && count(t, u, "SELECT count() FROM events") == 60
	})
	run("an event that was erased")

	forged := uuid.NewString()
	minute := time.Now().Add(-20 * time.Minute).UTC().Truncate(time.Minute)
	at := minute.Add(30 * time.Second) // never on the hour, where what is anonymised is
	insert := fmt.Sprintf("INSERT INTO events SELECT * REPLACE(toUUID('%s') AS id, toDateTime64(%d, 3, 'UTC') AS time) FROM events WHERE outcome = '%%s' LIMIT 1", forged, at.Unix())
	for _, outcome := range []string{"allowed", "anonymised"} {
		exec(fmt.Sprintf(insert, outcome))
		run("a row of nobody's, "+outcome, audit.Difference{Kind: audit.Unknown, Event: forged, Minute: minute})
		exec("ALTER TABLE events DELETE WHERE id = '" + forged + "' SETTINGS mutations_sync = 1")
	}
	var id uuid.UUID
	if err := u.clickHouse(t).QueryRow(t.Context(), "SELECT id FROM events WHERE outcome = 'allowed' LIMIT 1").Scan(&id); err != nil {
		t.Fatal(err)
	}
	exec(fmt.Sprintf("INSERT INTO events SELECT * REPLACE(toDateTime64(%d, 3, 'UTC') AS time) FROM events WHERE id = '%s'", at.Unix(), id))
	run("a row again at another time", audit.Difference{Kind: audit.Doubled, Event: id.String(), Minute: minute})
	exec(fmt.Sprintf("ALTER TABLE events DELETE WHERE time = toDateTime64(%d, 3, 'UTC') SETTINGS mutations_sync = 1", at.Unix()))
	run("nothing any more")

	// A record that a sink could not read, and that is driven again.
	c := stream.DefaultConfig()
	c.Brokers = []string{u.Kafka}
	cluster, err := stream.Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	spans, err := cluster.Spans(t.Context(), c.Topics.Events)
	if err != nil {
		t.Fatal(err)
	}
	var original kafka.Message
	for _, span := range spans {
		err := cluster.Read(t.Context(), c.Topics.Events, span, func(m *kafka.Message) error {
			if string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) == schemas.KindEvent && strings.Contains(string(m.Value), `"outcome":"allowed"`) {
				original = *m
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	letter := schemas.DeadLetter{Topic: c.Topics.Events, Partition: original.Partition, Offset: original.Offset, Recipient: "store", Reason: schemas.DeadUndecodable}
	if err := stream.NewDeadLetters(cluster, nil).Append(t.Context(), letter); err != nil {
		t.Fatal(err)
	}
	if out, problems, code := sekisho(t, nil, "dlq", "redrive", "--all", "--data", u.Dir); code != 0 || !strings.Contains(out, ": redriven") {
		t.Fatalf("driven again: code %d, %s%s", code, out, problems)
	}
	run("driven again")

	// A record that nobody counts, with its neighbours in the same partition.
	var known schemas.Record
	if err := new(schemas.RecordDecoder).Decode(original.Value, &known); err != nil {
		t.Fatal(err)
	}
	value := strings.ReplaceAll(string(original.Value), known.Event.Get(schemas.ID), forged)
	entry := stream.Entry{Time: original.Time, Key: original.Key, Value: []byte(value), Headers: original.Headers}
	if _, err := cluster.Append(t.Context(), c.Topics.Events, original.Partition, []stream.Entry{entry}); err != nil {
		t.Fatal(err)
	}
	for range 8 { // into all partitions
		answer, err := http.Post(u.Collector+"/v1/events", "application/json", strings.NewReader(`{"type":"pageview","site":"shop","url":"http://localhost:1/"}`))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	eventually(t, waitTime, "the rows", func() bool { return count(t, u, "SELECT count() FROM events") == 69 })
	run("a record of nobody's", audit.Difference{Kind: audit.Uncounted, Event: forged, Minute: known.Event.Time.UTC().Truncate(time.Minute)})
}
