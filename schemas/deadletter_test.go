package schemas

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDeadLetterRoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 2, 18, 0, 0, 123456789, time.FixedZone("", 9*3600))
	stored := at.UTC().Truncate(time.Millisecond)
	for reason := DeadReason(0); reason < NumDeadReasons; reason++ {
		for settled := Settlement(0); settled < NumSettlements; settled++ {
			written := DeadLetter{
				Topic: "sekisho.events", Partition: 3, Offset: 17, Recipient: "store", Reason: reason, Detail: "code 6",
				Kind: KindEvent, Site: "shop", Type: AdClick, Minute: 1762074000,
				At: at, Expires: at.Add(time.Hour), Settled: settled, Value: []byte(`{"schema":1}`),
			}
			value := written.AppendJSON(nil)
			if !json.Valid(value) || string(written.Key()) != "sekisho.events/3/17/store" {
				t.Fatalf("key %s, value %s", written.Key(), value)
			}
			read, err := DecodeDeadLetter(value)
			written.At, written.Expires = stored, stored.Add(time.Hour)
			if err != nil || !reflect.DeepEqual(read, written) {
				t.Errorf("%v: written\n%+v\nread\n%+v", err, written, read)
			}
		}
	}
}

// A letter keeps what it says of its record when the next one is decoded.
func TestDeadLetterIsItsOwn(t *testing.T) {
	const of = `{"schema":1,"outcome":"allowed","reason":"granted","policy":"1","jurisdiction":"japan","purposes":["necessary"],"grants":{"store":1},` +
		`"id":"01a21556-8e77-7c47-8934-3d9cf0b105be","type":"pageview","site":"SITE","time":"2026-11-02T09:00:00.000Z"}`
	var decoder RecordDecoder
	var r Record
	var letters []DeadLetter
	for _, site := range []string{"shop", "news", "travel"} {
		if err := decoder.Decode([]byte(strings.Replace(of, "SITE", site, 1)), &r); err != nil {
			t.Fatal(err)
		}
		letters = append(letters, DeadLetter{})
		letters[len(letters)-1].Describe(&r)
	}
	if letters[0].Site != "shop" || letters[1].Site != "news" || letters[2].Site != "travel" {
		t.Errorf("got %+v", letters)
	}
}

// What is no JSON can be no record, so it cannot have been enforced.
func TestDeadLetterKeepsNoGarbage(t *testing.T) {
	l := DeadLetter{Topic: "t", Recipient: "store", At: time.Now(), Expires: time.Now(), Value: []byte("taro@example.jp")}
	if value := string(l.AppendJSON(nil)); strings.Contains(value, "taro") {
		t.Errorf("got %s", value)
	}
}

func TestDeadLetterRefused(t *testing.T) {
	const good = `{"schema":1,"topic":"e","partition":0,"offset":0,"recipient":"store","reason":"refused","at":"2026-11-02T09:00:00Z","expires":"2026-11-09T09:00:00Z","settled":"unsettled","later":1}`
	if _, err := DecodeDeadLetter([]byte(good)); err != nil {
		t.Fatal(err)
	}
	check := func(old, new string) {
		t.Helper()
		value := strings.Replace(good, old, new, 1)
		if got, err := DecodeDeadLetter([]byte(value)); err == nil || value == good {
			t.Errorf("%s: got %+v", value, got)
		}
	}
	check(`"schema":1`, `"schema":2`)
	check(`"schema":1,`, ``)
	check(`"topic":"e",`, ``)
	check(`"store"`, `""`)
	check(`"partition":0`, `"partition":-1`)
	check(`"offset":0`, `"offset":-1`)
	check(`"offset":0`, `"offset":"0"`)
	check(`"refused"`, `"bored"`)
	check(`"unsettled"`, `"gone"`)
	check(`"at":"2026-11-02T09:00:00Z",`, ``)
	check(`"expires":"2026-11-09T09:00:00Z",`, ``)
	check(`2026-11-02T09:00:00Z`, `9999-12-31T23:59:59-01:00`)
	check(good, `null`)
	check(`}`, ``)
}

func FuzzDecodeDeadLetter(f *testing.F) {
	l := DeadLetter{Topic: "t", Recipient: "store", At: time.Unix(1, 0), Expires: time.Unix(2, 0), Site: "shop", Value: []byte(`{}`)}
	f.Add(l.AppendJSON(nil))
	f.Add([]byte(`{"schema":1}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		read, err := DecodeDeadLetter(value)
		if err != nil {
			return
		}
		again, err := DecodeDeadLetter(read.AppendJSON(nil))
		if err != nil || again.ID() != read.ID() || again.Settled != read.Settled || again.Reason != read.Reason {
			t.Errorf("%v: read\n%+v\nthen\n%+v", err, read, again)
		}
	})
}
