package schemas

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzDecode holds the decoder against encoding/json: both take the same bodies
// and read the same texts; and what fits can be written into a record.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(pageview))
	for _, name := range []string{"good", "bad", "exceptions"} {
		for _, s := range samples(f, name) {
			f.Add([]byte(s.Event))
		}
	}
	for _, body := range []string{`[]`, `[{},[{}]]`, "[\"a\x01\\n\"]", `{"\ud83d":"\ud83d\udcda\udcda"}`, `[[[[[[[[[]]]]]]]]]`, `[1e,-0,01]`, "\xff"} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var d Decoder
		var e Event
		before := bytes.Clone(body)
		n, err := d.Parse(body)
		if !bytes.Equal(body, before) {
			t.Fatal("the body was changed")
		}
		if valid := json.Valid(body); err == nil && !valid || err == ErrNotJSON && valid {
			t.Fatalf("%v, encoding/json says %v", err, valid)
		}
		if (err == ErrNotUTF8) == utf8.Valid(body) {
			t.Fatal(err)
		}
		var events []json.RawMessage
		if err == nil && json.Unmarshal(body, &events) != nil {
			events = []json.RawMessage{body}
		}
		if len(events) != n {
			t.Fatalf("%d events, encoding/json says %d", n, len(events))
		}
		for i := range n {
			if d.Event(i, &e) == nil {
				checkEvent(t, &e, events[i])
			}
		}
	})
}

func checkEvent(t *testing.T, e *Event, source []byte) {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(source, &members); err != nil {
		t.Fatal(err)
	}
	for f := range e.Fields.Each {
		if bad := Check(f, e.Get(f)); bad != nil {
			t.Errorf("passed, but: %v", bad)
		}
		if text, ok := members[f.String()].(string); !f.Definition().Kind.Numeric() && (!ok || text != e.Get(f)) {
			t.Errorf("%s: %q, encoding/json says %q", f, e.Get(f), text)
		}
	}
	r := Record{Outcome: Allowed, Event: *e, PropertyCategories: make([]Category, len(e.Properties))}
	r.Event.Consent = Consent{}
	r.Event.Set(ID, "0190163d-8694-739b-aea5-966c26f8ad91")
	if !e.Fields.Has(Time) {
		r.Event.Set(Time, "2026-11-02T09:00:00Z")
		r.Event.Time, _ = ParseTime(r.Event.Get(Time))
	}
	checkRecord(t, &r)
}

// checkRecord writes a record and reads it back.
func checkRecord(t *testing.T, r *Record) {
	t.Helper()
	var d RecordDecoder
	var again Record
	value := r.AppendJSON(nil)
	if !json.Valid(value) {
		t.Fatalf("not JSON: %q", value)
	}
	if err := d.Decode(value, &again); err != nil {
		t.Fatalf("%v: %q", err, value)
	}
	if !equalRecords(r, &again) {
		t.Fatalf("written\n%+v\nread\n%+v", *r, again)
	}
}

// FuzzRecordDecode: what is read as a record can be written again.
func FuzzRecordDecode(f *testing.F) {
	f.Add(record(f).AppendJSON(nil))
	f.Add([]byte(`{"schema":2}`))
	f.Add([]byte(`{"schema":1,"outcome":"anonymised","id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"custom","site":"s","time":"2026-11-02T09:00:00Z",` +
		`"price":1e3,"scroll_percent":1.0,"properties":{"\n":[7,"\ud83d"],"n":[0,-0.5e-7]},"grants":{"":0,"a\u0000":255},"later":[[],{"":null}]}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		var d RecordDecoder
		var r Record
		if d.Decode(value, &r) == nil {
			checkRecord(t, &r)
		}
	})
}

// FuzzAppendString holds the string writer against encoding/json's reader.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain", `"\/`, "\x00\x01\x1f\x7f\u0080\u2028", "\b\f\n\r\t", "本📚\ufffd", "<script>&"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		written := appendString([]byte("x"), s)
		var read string
		if err := json.Unmarshal(written[1:], &read); err != nil || read != s || written[0] != 'x' {
			t.Errorf("%q was written as %s: %v", s, written, err)
		}
	})
}
