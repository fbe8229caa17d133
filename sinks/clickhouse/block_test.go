package clickhouse

import (
	"fmt"
	"strconv"
	"testing"

	"github.com/google/uuid"

	"sekisho/schemas"
)

// Texts with a dictionary come as they are, however many there are of them: their
// numbers have one, two or four bytes. Rows come in the order of the table.
func TestDictionariesOfAnySize(t *testing.T) {
	s := migratedStore(t)
	const old = "old" // of the time when such texts had dictionaries
	if err := s.CreateEvents(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	for _, column := range []string{"utm_term", "utm_medium", "timezone", "language", "policy"} {
		if err := s.conn.Exec(t.Context(), "ALTER TABLE "+s.Table(old)+" MODIFY COLUMN "+column+" LowCardinality(String)"); err != nil {
			t.Fatal(err)
		}
	}
	var e events
	e.reset()
	var chosen []int32
	const n = 1<<16 + 10
	for i := range n {
		r := newRecord(uuid.NewSHA1(uuid.Nil, []byte(strconv.Itoa(i))))
		r.Event.Set(schemas.UTMTerm, fmt.Sprint("term ", i))
		r.Event.Set(schemas.Timezone, fmt.Sprint("zone ", i%1000))
		if i%2 == 0 {
			r.Event.Set(schemas.Language, fmt.Sprint("l", i%256))
			r.Event.Set(schemas.Engagement, strconv.Itoa(i))
		}
		if err := decodeInto(&e, r.AppendJSON(nil)); err != nil {
			t.Fatal(err)
		}
		chosen = append(chosen, int32(i))
	}
	e.sort(chosen)
	sender := newSender(s)
	defer sender.close()
	if err := sender.send(t.Context(), old, uuid.NewString(), "any", &e, chosen, func() error { return nil }); err != nil {
		t.Fatal(err)
	}
	table := s.Table(old)
	for expression, want := range map[string]uint64{
		"count()": n, "countIf(policy != '2026-10-01' OR site != 'shop' OR type != 'pageview')": 0,
		"uniqExact(utm_term)": n, "uniqExact(timezone)": 1000, "uniqExact(language)": 129, "countIf(language = '')": n / 2,
		"countIf(substring(utm_term, 6) != toString(ifNull(engagement_ms, toUInt32OrZero(substring(utm_term, 6)))))":                                  0,
		"countIf(toUInt32OrZero(substring(utm_term, 6)) % 1000 != toUInt32OrZero(substring(timezone, 6)))":                                            0,
		"countIf(language != if(isNull(engagement_ms), '', concat('l', toString(engagement_ms % 256))))":                                              0,
		"countIf(utm_medium != '' OR visitor_id != '' AND length(visitor_id) != 35 OR price IS NOT NULL OR scroll_percent IS NOT NULL OR gaid != '')": 0,
	} {
		if got := ask(t, s, "SELECT "+expression+" FROM "+table); got != want {
			t.Errorf("%s is %d, want %d", expression, got, want)
		}
	}
	sorted := "SELECT count() FROM (SELECT id, lagInFrame(id) OVER (ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS before FROM " + table + ") WHERE before > id"
	if got := ask(t, s, sorted); got != 0 {
		t.Errorf("%d rows are out of order: then ClickHouse has to sort what it is sent", got)
	}
}

// The indexes by which a user's rows are found are there once parts are merged.
func TestMergesMakeTheIndexes(t *testing.T) {
	s := migratedStore(t)
	handle(t, newSink(t, s, topicOf(t, 1)), partitionLog(viewMessages(ids7(t, 100)...)...))
	bytes := "SELECT sum(secondary_indices_compressed_bytes) FROM system.parts WHERE active AND table = 'events' AND database = " + quote(s.config.Database)
	if got := ask(t, s, bytes); got != 0 {
		t.Errorf("an insert made indexes of %d bytes", got)
	}
	if err := s.conn.Exec(t.Context(), "OPTIMIZE TABLE "+s.Table(Events)+" FINAL"); err != nil {
		t.Fatal(err)
	}
	if got := ask(t, s, bytes); got == 0 {
		t.Error("a merge made no indexes")
	}
}
