package schemas

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"
)

func TestAccountRoundTrip(t *testing.T) {
	written := Account{
		{Minute: 29893500, Site: "shop", Type: Pageview, Outcome: Allowed, Reason: ReasonGranted}:                                      3,
		{Minute: 29893500, Site: "shop", Type: Pageview, Recipient: "ga4", Outcome: Dropped, Reason: ReasonOptedOut}:                   1,
		{Minute: -60, Site: "", Type: Custom, Recipient: `"\` + "\n", Outcome: Rejected, Reason: ReasonOptOutSignal}:                   1<<64 - 1,
		{Minute: 29893560, Site: "shop", Type: ConsentGiven, Recipient: "warehouse", Outcome: Anonymised, Reason: ReasonVendorRefused}: 7,
		{Minute: 29893560, Type: UnknownType, Outcome: Rejected, Reason: ReasonTooLarge}:                                               2,
	}
	value := written.AppendJSON(nil)
	if !json.Valid(value) {
		t.Fatalf("not JSON: %s", value)
	}
	read := Account{}
	if err := read.Add(value); err != nil || !maps.Equal(read, written) {
		t.Fatalf("%v: got %v", err, read)
	}
	shop := Decision{Minute: 29893500, Site: "shop", Type: Pageview, Outcome: Allowed, Reason: ReasonGranted}
	if err := read.Add(value); err != nil || read[shop] != 6 {
		t.Errorf("%v: added twice, there are %d", err, read[shop])
	}
	if got := string(Account{}.AppendJSON(nil)); got != `{"schema":1,"account":[]}` {
		t.Errorf("an empty account is %s", got)
	}
}

// An account counts wholly or not at all.
func TestAccountRefused(t *testing.T) {
	const row = `[60,"shop","pageview","","allowed","granted",1]`
	for _, value := range []string{
		``, `{`, `{"account":[` + row + `]}`, `{"schema":2,"account":[` + row + `]}`, `{"schema":1,"account":[` + row + `,[]]}`,
		`{"schema":1,"account":[` + row + `,1]}`, `{"schema":1,"account":[` + row + `,` + strings.Replace(row, `,1]`, `,-1]`, 1) + `]}`,
		`{"schema":1,"account":[` + row + `,` + strings.Replace(row, `60`, `6.5`, 1) + `]}`,
		`{"schema":1,"account":[` + row + `,` + strings.Replace(row, `pageview`, `view`, 1) + `]}`,
		`{"schema":1,"account":[` + row + `,` + strings.Replace(row, `"allowed"`, `3`, 1) + `]}`,
		`{"schema":1,"account":[` + row + `,` + strings.Replace(row, `granted`, ``, 1) + `]}`,
	} {
		a := Account{}
		if a.Add([]byte(value)) == nil || len(a) != 0 {
			t.Errorf("%s: counted %v", value, a)
		}
	}
}

func TestMinuteOf(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 59, 999, time.FixedZone("", 9*3600))
	if got, want := MinuteOf(at), at.Unix()-59; got != want || got%60 != 0 {
		t.Errorf("got %d, want %d", got, want)
	}
}
