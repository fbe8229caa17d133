package clickhouse

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"sekisho/schemas"
)

// Every field of the model has its column, of the type for its kind, and the
// table has no others than what the sink fills.
func TestColumnsAreTheModel(t *testing.T) {
	s := migratedStore(t)
	rows, err := s.conn.Query(t.Context(), "SELECT name, type FROM system.columns WHERE database = $1 AND table = 'events' AND default_kind != 'ALIAS' ORDER BY position", s.config.Database)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	types, names := map[string]string{}, []string{}
	for rows.Next() {
		var name, kind string
		if err := rows.Scan(&name, &kind); err != nil {
			t.Fatal(err)
		}
		types[name] = kind
		names = append(names, name)
	}
	if got := strings.Join(names, ", "); got != columnNames {
		t.Errorf("the table has\n%s\nand the sink fills\n%s", got, columnNames)
	}
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		got, ok := types[f.String()], false
		switch f.Definition().Kind {
		case schemas.KindUUID:
			ok = got == "UUID"
		case schemas.KindTimestamp:
			ok = got == "DateTime64(3, 'UTC')"
		case schemas.KindInteger:
			ok = got == "Nullable(UInt32)" && f.Definition().Max <= 1<<32-1
		case schemas.KindDecimal:
			ok = got == "Nullable(Decimal(19, 6))" && f.Definition().Max <= 1e12
		case schemas.KindIdentifier, schemas.KindURI:
			ok = got == "String" // of great variety, and identifiers are to be updated
		default:
			want := "String"
			if f == schemas.Site || f == schemas.Type { // of the sorting key
				want = label
			}
			ok = got == want
		}
		if !ok {
			t.Errorf("column %s is %q", f, got)
		}
	}
}

// Nothing that is in the sorting key can be taken out of a row again.
func TestNoIdentifierInSortingKey(t *testing.T) {
	s := migratedStore(t)
	for f := range schemas.Identifiers.Each {
		n := ask(t, s, "SELECT count() FROM system.columns WHERE database = "+quote(s.config.Database)+" AND table = 'events' AND name = "+quote(f.String())+
			" AND (is_in_sorting_key OR is_in_partition_key OR is_in_primary_key)")
		if n != 0 {
			t.Errorf("%s is in a key", f)
		}
	}
}

// fullRecord has every field and property kind.
func fullRecord() *schemas.Record {
	r := newRecord(uuid.MustParse("0190163d-8694-739b-aea5-966c26f8ad91"))
	r.Event.Set(schemas.Type, "conversion")
	r.Purposes = schemas.AllPurposes
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		text := ""
		switch d := f.Definition(); d.Kind {
		case schemas.KindInteger:
			text = strconv.Itoa(int(min(d.Max, 100)))
		case schemas.KindDecimal:
			text = strconv.Itoa(int(f)) + ".000001"
		case schemas.KindURI:
			text = "https://shop.example.jp/" + d.Name + "?q=" + strings.Repeat("x", int(f))
		case schemas.KindName:
			text = d.Name[:min(len(d.Name), int(d.Max))]
		case schemas.KindIdentifier:
			text = "k1." + d.Name
		case schemas.KindText:
			text = `"関所' \ ` + d.Name
		}
		if f != schemas.Site && text != "" {
			r.Event.Set(f, text)
		}
	}
	r.Event.Properties = []schemas.Property{
		{Name: "plan", Text: "gold"}, {Name: "items", Kind: schemas.PropertyNumber, Text: "2.5"}, {Name: "member", Kind: schemas.PropertyBool, Text: "true"},
	}
	r.PropertyCategories = []schemas.Category{schemas.Attribute, schemas.UsageHistory, schemas.Attribute}
	return r
}

// storedRow reads the only row of the events table, all as text.
func storedRow(t *testing.T, s *Store) map[string]string {
	t.Helper()
	row := map[string]string{}
	for _, c := range append(strings.Split(columnNames, ", "), "browser", "os", "device", "host", "path") {
		expression := c
		if strings.HasPrefix(c, "properties") {
			expression = "mapSort(" + c + ")"
		}
		var text string
		if err := s.conn.QueryRow(t.Context(), "SELECT ifNull(toString("+expression+"), 'NULL') FROM "+s.Table("events")).Scan(&text); err != nil {
			t.Fatalf("%s: %v", c, err)
		}
		row[c] = text
	}
	return row
}

func TestRoundTrip(t *testing.T) {
	s := migratedStore(t)
	r := fullRecord()
	handle(t, newSink(t, s, topicOf(t, 1)), partitionLog(eventMessage(r)))
	want := map[string]string{
		"time": "2026-11-02 09:00:00.000", "properties": "{'member':'true','plan':'gold'}", "properties_number": "{'items':2.5}",
		"outcome": "allowed", "reason": "granted", "policy": "2026-10-01", "jurisdiction": "japan",
		"purposes": "['necessary','analytics','advertising','social']",
		"browser":  "other", "os": "", "device": "", "host": "shop.example.jp", "path": "/url",
	}
	got := storedRow(t, s)
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		if !r.Event.Fields.Has(f) {
			t.Errorf("the test's record has no %s", f)
		}
		if want[f.String()] == "" {
			want[f.String()] = r.Event.Get(f)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(got)) {
		if got[name] != want[name] {
			t.Errorf("%s: got %q, want %q", name, got[name], want[name])
		}
	}
}

// An event that has nothing but what it must have, in the memory of a run that had
// everything.
func TestRoundTripOfLittle(t *testing.T) {
	s := migratedStore(t)
	r := newRecord(uuid.MustParse("0190163d-8694-739b-aea5-966c26f8ad91"))
	r.Event.Unset(schemas.URL)
	r.Event.Unset(schemas.VisitorID)
	r.Purposes = 0
	k := newSink(t, s, topicOf(t, 1))
	log := partitionLog(eventMessage(fullRecord()), eventMessage(r))
	for range cap(k.idle) {
		handle(t, k, log[:1])
	}
	if err := s.conn.Exec(t.Context(), "TRUNCATE TABLE "+s.Table(Events)); err != nil {
		t.Fatal(err)
	}
	handle(t, k, log[1:])
	want := map[string]string{
		"id": "0190163d-8694-739b-aea5-966c26f8ad91", "type": "pageview", "site": "shop", "time": "2026-11-02 09:00:00.000",
		"outcome": "allowed", "reason": "granted", "policy": "2026-10-01", "jurisdiction": "japan",
		"purposes": "[]", "properties": "{}", "properties_number": "{}",
	}
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		if f.Definition().Kind.Numeric() {
			want[f.String()] = "NULL"
		}
	}
	for name, got := range storedRow(t, s) {
		if got != want[name] {
			t.Errorf("%s: got %q, want %q", name, got, want[name])
		}
	}
}

// The store is given only the fields and properties of the categories that it
// may have, and only the records that are for it.
func TestStoreGetsWhatItMay(t *testing.T) {
	s := migratedStore(t)
	r := fullRecord()
	allowed := schemas.CategoriesOf(schemas.UsageHistory)
	r.Grants = []schemas.Grant{{Recipient: "google", Categories: schemas.AllCategories}, {Recipient: "store", Categories: allowed}}
	other := newRecord(uuid.New())
	other.Grants = []schemas.Grant{{Recipient: "google", Categories: schemas.AllCategories}}
	handle(t, newSink(t, s, topicOf(t, 1)), partitionLog(eventMessage(r), eventMessage(other)))
	wantRows(t, s, 1)
	got := storedRow(t, s)
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		if has, may := got[f.String()] != "" && got[f.String()] != "NULL", allowed.Has(f.Definition().Category); has != may {
			t.Errorf("%s is stored: %t, want %t", f, has, may)
		}
	}
	if got["properties"] != "{}" || got["properties_number"] != "{'items':2.5}" {
		t.Errorf("properties %s %s", got["properties"], got["properties_number"])
	}
}

func TestUserAgentColumns(t *testing.T) {
	s := migratedStore(t)
	check := func(userAgent, browser, os, device string) {
		t.Helper()
		if err := s.conn.Exec(t.Context(), "TRUNCATE TABLE "+s.Table("events")); err != nil {
			t.Fatal(err)
		}
		if err := s.conn.Exec(t.Context(), "INSERT INTO "+s.Table("events")+" (time, user_agent) VALUES (now(), $1)", userAgent); err != nil {
			t.Fatal(err)
		}
		var got [3]string
		if err := s.conn.QueryRow(t.Context(), "SELECT browser, os, device FROM "+s.Table("events")).Scan(&got[0], &got[1], &got[2]); err != nil {
			t.Fatal(err)
		}
		if want := [3]string{browser, os, device}; got != want {
			t.Errorf("%s: %v, want %v", userAgent, got, want)
		}
	}
	check("", "", "", "")
	check("Chrome 126", "Chrome", "", "")
	check("Safari 17", "Safari", "", "")
	check("other", "other", "", "")
	check("Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36 Edg/126.0", "Edge", "Windows", "desktop")
	check("Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/126.0 Mobile/15E148 Safari/604.1", "Chrome", "iOS", "mobile")
	check("Mozilla/5.0 (Linux; Android 14; SM-X700) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0 Safari/537.36", "Samsung", "Android", "tablet")
	check("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15", "Safari", "macOS", "desktop")
	check("Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0", "Firefox", "Linux", "desktop")
}

func TestMillionths(t *testing.T) {
	check := func(in string, want int64) {
		t.Helper()
		if got := millionths(in); got != want {
			t.Errorf("%s: got %d, want %d", in, got, want)
		}
	}
	check("0", 0)
	check("0.0", 0)
	check("1", 1_000_000)
	check("19.99", 19_990_000)
	check("0.000001", 1)
	check("0.0000005", 1)
	check("0.00000049", 0)
	check("0.9999999", 1_000_000)
	check("1e3", 1_000_000_000)
	check("1.5E2", 150_000_000)
	check("1.1234567e2", 112_345_670)
	check("1.12345678E+2", 112_345_678)
	check("5.551115123125783e-17", 0) // as browsers write 0.1+0.2-0.3
	check("1.2345678901e-3", 1_235)
	check("1e-1000000000", 0)
	check("1000000000000", 1_000_000_000_000_000_000)
	check("123456789012.123456", 123456789012123456) // more than a float64 holds
}

func TestDecimalsAreExact(t *testing.T) {
	s := migratedStore(t)
	for i, text := range []string{"1000000000000", "123456789012.123456", "0.000001", "0"} {
		r := newRecord(uuid.New())
		r.Event.Set(schemas.Price, text)
		handle(t, newSink(t, s, topicOf(t, 1)), partitionLog(eventMessage(r)))
		var got decimal.Decimal
		if err := s.conn.QueryRow(t.Context(), fmt.Sprint("SELECT assumeNotNull(price) FROM ", s.Table("events"), " WHERE id = '", r.Event.Get(schemas.ID), "'")).Scan(&got); err != nil {
			t.Fatal(i, err)
		}
		if got.String() != text {
			t.Errorf("got %s, want %s", got, text)
		}
	}
}

// Times at the ends of what can be stored, and beyond.
func TestTimes(t *testing.T) {
	s := bareStore(t)
	if err := s.Migrate(t.Context(), nil); err != nil { // nothing is deleted for its age
		t.Fatal(err)
	}
	check := func(at string, stored uint64) {
		t.Helper()
		r := newRecord(uuid.New())
		r.Event.Set(schemas.Time, at)
		k := newSink(t, s, topicOf(t, 1))
		handle(t, k, partitionLog(eventMessage(r)))
		if bad := k.metrics.bad.Get(); bad != 1-stored {
			t.Errorf("%s: %d bad records", at, bad)
		}
		if stored == 0 {
			return
		}
		var got time.Time
		if err := s.conn.QueryRow(t.Context(), "SELECT time FROM "+s.Table("events")+" WHERE id = $1", r.Event.Get(schemas.ID)).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if want, _ := schemas.ParseTime(at); !got.Equal(want) {
			t.Errorf("%s: got %s", at, got)
		}
		// It is found again, too.
		again := newSink(t, s, topicOf(t, 1))
		handle(t, again, partitionLog(eventMessage(r)))
		if again.metrics.duplicates.Get() != 1 {
			t.Errorf("%s is not found again", at)
		}
	}
	check("1899-12-31T23:59:59.999Z", 0)
	check("1900-01-01T00:00:00.000Z", 1)
	check("1969-12-31T23:59:59.999Z", 1)
	check("1970-01-01T00:00:00.000Z", 1)
	check("2026-11-02T18:00:00.123+09:00", 1)
	check("2261-12-31T23:59:59.999Z", 1)
	check("2262-01-01T00:00:00.000Z", 0)
	check("9999-01-01T00:00:00.000Z", 0)
}

// Against exact arithmetic, for every number that the model takes; with an exponent,
// as exact as a float64 is.
func FuzzMillionths(f *testing.F) {
	for _, seed := range []string{"0", "19.99", "0.0000005", "1000000000000", "0.9999999", "123456789012.123456", "00.1", "1.", ".5", "1e3", "1.1234567e2", "9.87654321e-5", "-1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
		if strings.ContainsAny(mantissa, "xp_") || len(strings.TrimLeft(exponent, "+-0")) > 2 || schemas.Check(schemas.Price, text) != nil {
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok {
			return
		}
		off := new(big.Rat).Sub(exact, big.NewRat(millionths(text), 1_000_000))
		most := big.NewRat(1, 2_000_000)
		if exponent != "" {
			most.Add(most, new(big.Rat).Mul(exact, big.NewRat(1, 1<<50)))
		}
		if off.Abs(off).Cmp(most) > 0 {
			t.Errorf("%s became %d millionths", text, millionths(text))
		}
	})
}
