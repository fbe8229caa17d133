package schemas

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestReceiptRoundTrip(t *testing.T) {
	written := Receipt{
		Field: VisitorID, Pseudonym: "k1.00", At: time.Date(2026, 11, 2, 9, 0, 0, 123e6, time.UTC), Site: "shop", Policy: "2026-10-01",
		Agreed: "2022-04-01", Jurisdiction: "japan", Purposes: PurposesOf(Analytics, Social), Signals: []string{"cookie sekisho_consent"},
	}
	read, err := DecodeReceipt(written.AppendJSON(nil))
	if err != nil || !reflect.DeepEqual(read, written) {
		t.Errorf("%v: written\n%+v\nread\n%+v", err, written, read)
	}
	if key := string(written.Key()); key != "k1.00/shop/2026-10-01/analytics+social" || ReceiptPseudonym([]byte(key)) != "k1.00" {
		t.Errorf("the key is %s", key)
	}
}

func TestReceiptRefused(t *testing.T) {
	const good = `{"schema":1,"kind":"visitor_id","pseudonym":"k1.00","at":"2026-11-02T09:00:00Z","site":"shop","purposes":["analytics"],"later":1}`
	if _, err := DecodeReceipt([]byte(good)); err != nil {
		t.Fatal(err)
	}
	check := func(old, new string) {
		t.Helper()
		value := strings.Replace(good, old, new, 1)
		if got, err := DecodeReceipt([]byte(value)); err == nil || value == good {
			t.Errorf("%s: got %+v", value, got)
		}
	}
	check(`"schema":1`, `"schema":2`)
	check(`"schema":1,`, ``)
	check(`"visitor_id"`, `"url"`)
	check(`"k1.00"`, `""`)
	check(`"k1.00"`, `"k1/00"`)
	check(`"at":"2026-11-02T09:00:00Z",`, ``)
	check(`"analytics"`, `"anything"`)
	check(`}`, ``)
}

// FuzzReceipt: what is read as a receipt is written as the same one.
func FuzzReceipt(f *testing.F) {
	f.Add([]byte(`{"schema":1,"kind":"visitor_id","pseudonym":"k1.00","at":"2026-11-02T09:00:00Z","site":"shop","purposes":["analytics"],"signals":["a"]}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		read, err := DecodeReceipt(value)
		if err != nil {
			return
		}
		again, err := DecodeReceipt(read.AppendJSON(nil))
		read.At = read.At.UTC().Truncate(time.Millisecond)
		if err != nil || !reflect.DeepEqual(again, read) || ReceiptPseudonym(read.Key()) != read.Pseudonym {
			t.Errorf("%v: %+v became %+v", err, read, again)
		}
	})
}
