package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/stream"
)

// recipients are who is granted the last stored event.
func (r *rig) recipients(id string) (names []string) {
	r.t.Helper()
	for _, m := range r.stored().events {
		if rec := record(r.t, m); rec.Event.Get(schemas.ID) == id {
			for _, g := range rec.Grants {
				names = append(names, g.Recipient)
			}
		}
	}
	return names
}

// TestOptOut binds one third party, from when it is answered, until it is taken
// back.
func TestOptOut(t *testing.T) {
	t.Parallel()
	r := start(t)
	visitor := r.post(page(yes), shop).visitor(t)
	mine := "Cookie: sekisho_id=" + visitor
	check := func(what, want string, headers ...string) {
		t.Helper()
		id := soonID()
		r.post(`{"type":"ad_click","site":"shop","ad_placement":"top","id":"`+id+`",`+yes+`}`, append(headers, shop, represent)...).want(t, what, 200, `"outcome":"allowed"`)
		if got := fmt.Sprint(r.recipients(id)); got != want {
			t.Errorf("%s: granted to %s, want %s", what, got, want)
		}
	}
	ask := func(method, recipient, body string, status int, part string, headers ...string) answer {
		t.Helper()
		if body == "" {
			headers = append(headers, "Content-Type: application/json")
		}
		a := r.do(method, "/v1/optout/"+recipient, body, append(headers, shop)...)
		a.want(t, method+" "+recipient, status, part)
		return a
	}
	check("before", "[store google meta]", mine)
	a := ask("POST", "google", "", 200, `{"status":"opted_out","recipient":"google","identifiers":1}`, mine)
	if c := a.cookies(); len(c) != 1 || c[0].Name != "sekisho_optout" || c[0].Value != "google" || !c[0].HttpOnly || !c[0].Secure || c[0].MaxAge != cookieLifetime {
		t.Errorf("an opt-out sets %v", c)
	}
	check("opted out", "[store meta]", mine)
	check("another visitor", "[store google meta]")
	for range 4 { // what is answered holds, however often it changes
		ask("DELETE", "google", "", 200, `"opted_in"`, mine)
		check("taken back", "[store google meta]", mine)
		ask("POST", "google", "", 200, `"opted_out"`, mine)
		check("opted out again", "[store meta]", mine)
	}
	ask("POST", "meta", `{"idfa":"6D92078A-8246-4BA4-AE5B-76104861E7DC"}`, 200, `"identifiers":2`, mine)
	check("of both", "[store]", mine)
	if n := r.exported()["shop ad_click allowed granted"]; n == 0 || r.metric(`sekisho_recipient_events_total{recipient="google",site="shop",type="ad_click",outcome="dropped",reason="opted_out"}`) == "" {
		t.Error("who opted out is in no metric")
	}
	ask("POST", "store", "", 404, "third party", mine)
	ask("POST", "nobody", "", 404, "third party", mine)
	ask("POST", "", "", 404, "third party", mine)
	ask("PUT", "google", "", 405, "use POST or DELETE", mine)
	r.do("POST", "/v1/optout/google", "{}").want(t, "an app without an identifier", 400, "nothing to reset")
	ask("POST", "google", `{"user_id":"1"}`, 400, "operator")
	ask("POST", "google", "{}", 415, "application/json", mine, "Content-Type: text/plain")
	r.do("POST", "/v1/optout/google", "{}", "Origin: https://evil.example").want(t, "a foreign page", 403)
	if a := r.do("OPTIONS", "/v1/optout/google", "", shop); a.status != 204 || a.header.Get("Access-Control-Allow-Methods") != "POST, DELETE, OPTIONS" {
		t.Errorf("the preflight is answered %d %v", a.status, a.header)
	}

	// A reset comes before any opt-out, and a new identifier starts clean.
	r.do("POST", "/v1/reset", "", shop, mine, "Content-Type: application/json").want(t, "the reset", 202)
	r.post(page(yes), shop, mine, represent).want(t, "the old visitor", 200, `"reason":"reset"`)
	ask("DELETE", "google", "", 200, `"opted_in"`, mine)
	r.post(page(yes), shop, mine, represent).want(t, "an opt-out taken back does not undo a reset", 200, `"reason":"reset"`)
	r.nowhere(visitor)
}

// TestOptOutOutlivesAReset: a browser keeps it, in a cookie that names nobody, so
// that it holds for a new identifier, and for who has none yet.
func TestOptOutOutlivesAReset(t *testing.T) {
	t.Parallel()
	r := start(t)
	value := func(a answer) string {
		t.Helper()
		a.want(t, "the opt-out", 200)
		for _, c := range a.cookies() {
			if c.Name == "sekisho_optout" && c.MaxAge >= 0 && (c.Expires.IsZero() || c.Expires.After(time.Now())) {
				return c.Value
			}
		}
		return ""
	}
	granted := func(headers ...string) string {
		t.Helper()
		id := soonID()
		r.post(`{"type":"ad_click","site":"shop","ad_placement":"top","id":"`+id+`",`+yes+`}`, append(headers, shop)...).want(t, "an event", 204)
		return fmt.Sprint(r.recipients(id))
	}
	nobody := r.do("POST", "/v1/optout/google", "", shop, "Content-Type: application/json")
	nobody.want(t, "by nobody", 200, `"identifiers":0`)
	if got := value(nobody); got != "google" || len(r.resetKinds()) != 0 {
		t.Fatalf("who is not known is given %q", got)
	}
	out := "Cookie: sekisho_optout=google"
	if got := granted(out); got != "[store meta]" {
		t.Errorf("a new visitor's event is granted to %s", got)
	}
	if got := value(r.do("POST", "/v1/optout/meta", "", shop, out, "Content-Type: application/json")); got != "google+meta" {
		t.Errorf("out of both is %q", got)
	}
	mine := r.post(page(yes), shop, out).cookie()
	a := r.do("POST", "/v1/reset", "", shop, mine, out, "Content-Type: application/json")
	for _, c := range a.cookies() {
		if c.Name == "sekisho_optout" {
			t.Errorf("a reset sets %v", c)
		}
	}
	if got := granted("Cookie: sekisho_optout=google+meta+nobody"); got != "[store]" {
		t.Errorf("after a reset an event is granted to %s", got)
	}
	if got := value(r.do("DELETE", "/v1/optout/google", "", shop, "Cookie: sekisho_optout=google+meta+nobody", "Content-Type: application/json")); got != "meta" {
		t.Errorf("in again is %q", got)
	}
	last := r.do("DELETE", "/v1/optout/google", "", shop, out, "Content-Type: application/json")
	if got := last.forgotten(t); value(last) != "" || len(got["sekisho_optout"]) != 1 {
		t.Errorf("in again at last, the browser keeps %v", got)
	}
	if got := granted(); got != "[store google meta]" {
		t.Errorf("in again, an event is granted to %s", got)
	}
}

// TestTicket: whoever asked for a reset can ask how far it is.
func TestTicket(t *testing.T) {
	t.Parallel()
	r := start(t)
	ticketOf := func(a answer) string {
		t.Helper()
		var accepted struct{ Ticket string }
		if err := json.Unmarshal([]byte(a.body), &accepted); err != nil || len(accepted.Ticket) != 70 {
			t.Fatalf("%v: the ticket is %d long in %s", err, len(accepted.Ticket), a.body)
		}
		return accepted.Ticket
	}
	r.do("POST", "/v1/reset", `{"idfa":"6D92078A-8246-4BA4-AE5B-76104861E7DC"}`)
	ticket := ticketOf(r.do("POST", "/v1/reset", `{"visitor_id":"a","app_instance_id":"b"}`, shop)) // at 1 and 2
	status := func() (s ResetStatus) {
		t.Helper()
		a := r.do("GET", "/v1/reset/"+ticket, "", shop)
		a.want(t, "the status", 200)
		if err := json.Unmarshal([]byte(a.body), &s); err != nil || a.header.Get("Access-Control-Allow-Origin") == "" || a.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%v in %s, %v", err, a.body, a.header)
		}
		return s
	}
	s := status()
	if s.Accepted.State != "done" || time.Since(*s.Accepted.At) > time.Minute || s.InForce.State != "pending" || s.Erased.State != "pending" ||
		len(s.Recipients) != 3 || s.Recipients["google"].State != "pending" || s.Recipients["meta"].At != nil {
		t.Errorf("at first it is %+v", s)
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	report := func(recipient string, from, to int64, state schemas.ProgressState) {
		t.Helper()
		if err := r.cluster.Report(t.Context(), schemas.Progress{Recipient: recipient, From: from, To: to, State: state, At: at}); err != nil {
			t.Fatal(err)
		}
	}
	report("store", 0, 2, schemas.Done)
	report("meta", 0, 9, schemas.Unsupported)
	report("google", 1, 3, schemas.Asked)
	wait(t, "the reports are known", func() bool { return status().Recipients["google"].State == "asked" })
	if s := status(); s.Erased.State != "pending" || s.Recipients["meta"].State != "unsupported" || !s.Recipients["meta"].At.Equal(at) {
		t.Errorf("half erased it is %+v", s)
	}
	at = at.Add(time.Second)
	report("google", 1, 3, schemas.Failed)
	report("store", 2, 5, schemas.Done)
	wait(t, "it has failed", func() bool { return status().Recipients["google"].State == "failed" })
	opened, err := r.collector.tickets.Open(ticket)
	if err != nil || opened.From != 1 || opened.To != 3 {
		t.Errorf("the ticket is %+v, %v", opened, err)
	}
	erased := func(after time.Duration) ResetStatus {
		return StatusOf(opened, r.collector.progress, []string{"store"}, 15*time.Second, opened.At.Add(after))
	}
	wait(t, "it is erased", func() bool { return erased(time.Hour).Erased.State == "done" })
	// While it is not in force everywhere, something may still have to be erased.
	if s := erased(14 * time.Second); s.Erased.State != "pending" || s.Erased.At != nil {
		t.Errorf("before the bound it is %+v", s)
	}
	if s := erased(15 * time.Second); s.Erased.State != "done" || s.Erased.At.Before(*s.InForce.At) {
		t.Errorf("after the bound it is %+v", s)
	}
	later := StatusOf(opened, r.collector.progress, []string{"store"}, 15*time.Second, opened.At.Add(15*time.Second))
	if later.InForce.State != "done" || !later.InForce.At.Equal(opened.At.Add(15*time.Second)) {
		t.Errorf("after the bound it is %+v", later.InForce)
	}
	// What is sealed tells nothing, and what is made up is none.
	if other := ticketOf(r.do("POST", "/v1/reset", `{"visitor_id":"a"}`)); other[:8] == ticket[:8] {
		t.Error("two tickets begin alike")
	}
	for _, bad := range []string{"", "x", ticket[1:], ticket + "A", strings.Repeat("A", 70)} {
		r.do("GET", "/v1/reset/"+bad, "").want(t, bad, 404)
	}
	r.do("POST", "/v1/reset/"+ticket, "{}").want(t, "a POST", 405, "use GET")
	r.do("GET", "/v1/reset/"+ticket, "", "Origin: https://evil.example").want(t, "a foreign page", 403)
}

// TestWithdrawalsAreLimited: each takes room for years.
func TestWithdrawalsAreLimited(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config, _ *stream.Config) { c.Rate = 1000 })
	hour := int64(time.Hour) // nothing comes back while the test runs
	r.collector.withdrawals.every, r.collector.withdrawals.depth = hour, withdrawalBurst*hour
	refused := 0
	for i := range 2 * withdrawalBurst {
		a := r.do("POST", "/v1/reset", fmt.Sprintf(`{"visitor_id":"v%d"}`, i))
		if a.status == 429 {
			a.want(t, "too many", 429, "too many resets")
			refused++
		}
	}
	if refused != withdrawalBurst {
		t.Errorf("%d are refused, want %d", refused, withdrawalBurst)
	}
	r.post(page(yes), represent).want(t, "an event meanwhile", 200)
}

// TestReceipts: what was agreed to is durable before it is answered, under
// pseudonyms; a refusal leaves none, and what silence grants is no agreement.
func TestReceipts(t *testing.T) {
	t.Parallel()
	r := start(t)
	receipts := func() (all []schemas.Receipt) {
		t.Helper()
		for partition := range partitions {
			for _, m := range r.readAll(r.cluster.Config().Topics.Consents, partition) {
				receipt, err := schemas.DecodeReceipt(m.Value)
				if err != nil || string(m.Key) != string(receipt.Key()) {
					t.Fatalf("%v in %s", err, m.Value)
				}
				all = append(all, receipt)
			}
		}
		return all
	}
	none := func(what, body string, headers ...string) {
		t.Helper()
		before := len(receipts())
		r.post(body, headers...).want(t, what, 204)
		if n := len(receipts()) - before; n != 0 {
			t.Errorf("%s: there are %d receipts", what, n)
		}
	}
	none("a refusal", consentNo+`,"app_instance_id":"a"}`)
	none("a page view", page(yes+`,"app_instance_id":"a"`))
	none("without an identifier", consentYes+"}")
	none("silence that grants", `{"type":"consent","site":"travel","region":"US-CA","app_instance_id":"b"}`)
	none("a session", consentYes+`,"session_id":"s"}`)

	at := time.Now().UTC().Truncate(time.Second)
	visitor := r.post(`{"type":"consent","site":"shop","time":"`+at.Format(time.RFC3339)+`","user_id":"u","session_id":"s",
		"consent":{"analytics":true,"advertising":false,"policy":"2026-10-01"}}`, shop, "Cookie: sekisho_consent=1.2026-10-01.analytics+social").visitor(t)
	got := receipts()
	if len(got) != 2 {
		t.Fatalf("there are %d receipts", len(got))
	}
	held := map[schemas.Field]string{schemas.VisitorID: visitor, schemas.UserID: "u"}
	for _, receipt := range got {
		want := string(r.collector.keys.AppendPseudonym(nil, receipt.Field, held[receipt.Field]))
		if receipt.Pseudonym != want || !receipt.At.Equal(at) || receipt.Site != "shop" || receipt.Policy != "2026-10-01" || receipt.Agreed != "2026-10-01" ||
			receipt.Jurisdiction != "japan" || receipt.Purposes != schemas.PurposesOf(schemas.Analytics, schemas.Social) ||
			fmt.Sprint(receipt.Signals) != "[event's consent cookie sekisho_consent]" {
			t.Errorf("the receipt is %+v", receipt)
		}
	}
	r.nowhere(visitor)
	// Without Kafka nothing is answered as if it were there.
	hurried := r.cluster.Config()
	hurried.Timeout = 500 * time.Millisecond
	cluster := must(stream.Connect(hurried))(t)
	defer cluster.Close()
	r.collector.receipts = stream.NewReceipts(cluster)
	wait(t, "receipts are kept", func() bool { return r.post(consentYes+`,"app_instance_id":"b"}`).status == 204 })
	r.kafka.Close()
	r.post(consentYes+`,"app_instance_id":"c"}`).want(t, "without Kafka", 503, "the receipt of the consent could not be made durable")
}
