package schemas

import (
	"strings"
	"testing"
	"time"
)

func TestProgressRoundTrip(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 5e6, time.UTC)
	for state := range ProgressState(numProgressStates) {
		written := Progress{Recipient: "google", From: 7, To: 9, State: state, At: at, Reason: "cannot erase from table x.y: \"…\""}
		if key := string(written.Key()); key != "google/7/held" {
			t.Errorf("the key is %s", key)
		}
		if read, err := DecodeProgress(written.AppendJSON(nil)); err != nil || read != written {
			t.Errorf("%v: written %+v, read %+v", err, written, read)
		}
	}
}

func TestProgressRefused(t *testing.T) {
	const good = `{"schema":1,"recipient":"store","from":0,"to":7,"state":"done","at":"2026-11-02T09:00:00Z","later":1}`
	if _, err := DecodeProgress([]byte(good)); err != nil {
		t.Fatal(err)
	}
	check := func(old, new string) {
		t.Helper()
		value := strings.Replace(good, old, new, 1)
		if got, err := DecodeProgress([]byte(value)); err == nil || value == good {
			t.Errorf("%s: got %+v", value, got)
		}
	}
	check(`"schema":1`, `"schema":2`)
	check(`"store"`, `""`)
	check(`"from":0`, `"from":-1`)
	check(`"to":7`, `"to":0`)
	check(`"done"`, `"finished"`)
	check(`"at":"2026-11-02T09:00:00Z",`, ``)
	check(good, `null`)
	check(`}`, ``)
}
