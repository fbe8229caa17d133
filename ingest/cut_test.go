package ingest

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
)

// resetKinds are the kinds of the identifiers on the resets topic, in order.
func (r *rig) resetKinds() (kinds []string) {
	r.t.Helper()
	for _, m := range r.readAll(r.cluster.Config().Topics.Resets, 0) {
		reset, err := schemas.DecodeReset(m.Value)
		if err != nil {
			r.t.Fatal(err)
		}
		kinds = append(kinds, reset.Field.String())
	}
	return kinds
}

// visitors are the pseudonyms of a kind in all stored events.
func (r *rig) visitors(f schemas.Field) map[string]int {
	r.t.Helper()
	found := map[string]int{}
	for _, m := range r.stored().events {
		if e := &record(r.t, m).Event; e.Fields.Has(f) {
			found[e.Get(f)]++
		}
	}
	return found
}

// forgotten are the cookies that an answer has the browser forget, with their
// domains.
func (a answer) forgotten(t testing.TB) map[string][]string {
	t.Helper()
	names := map[string][]string{}
	for _, c := range a.cookies() {
		if c.Value != "" || c.Expires.After(time.Now()) || c.Path != "/" {
			t.Errorf("the cookie %s is set: %v", c.Name, c)
		}
		names[c.Name] = append(names[c.Name], c.Domain)
	}
	return names
}

const (
	consentNo  = `{"type":"consent","site":"shop",` + no
	consentYes = `{"type":"consent","site":"shop",` + yes
)

// TestDeclineCoversAllThatIsHeld: whoever declines is not known again by any
// identifier that the request carries, and the browser forgets its cookies.
func TestDeclineCoversAllThatIsHeld(t *testing.T) {
	t.Parallel()
	r := start(t)
	old := r.post(page(yes), shop).visitor(t)
	cookies := "Cookie: sekisho_id=" + old + "; _ga=GA1.1.1111.1700000000; _fbp=fb.1.1700000000000.2222; _fbc=bad\x80"
	a := r.post(consentNo+`,"session_id":"s1","app_instance_id":"a1","user_id":"u1"}`, shop, cookies, "Host: collect.shop.example.jp:443")
	a.want(t, "the decline", 204)
	forgotten := a.forgotten(t)
	if len(forgotten["sekisho_id"]) != 1 || len(forgotten["_ga"]) != 4 || len(forgotten["_fbp"]) != 4 || len(forgotten["_fbc"]) != 0 {
		t.Errorf("the browser forgets %v", forgotten)
	}
	if got := forgotten["_ga"]; fmt.Sprint(got) != "[ collect.shop.example.jp shop.example.jp example.jp]" {
		t.Errorf("_ga is forgotten for %q", got)
	}
	// The session by itself and as the account's: as the visitor's it goes with that.
	if got := fmt.Sprint(r.resetKinds()); got != "[visitor_id app_instance_id ga fbp session_id session_id]" {
		t.Errorf("reset are %s", got)
	}
	for _, held := range []string{`"session_id":"s1"`, `"app_instance_id":"a1"`, `"ga":"1111.1700000000"`, `"fbp":"fb.1.1700000000000.2222"`, `"visitor_id":"` + old + `"`} {
		r.post(page(yes+","+held), represent).want(t, held, 200, `"outcome":"dropped","reason":"reset"`)
		r.post(page(yes+`,"user_id":"u1",`+held), represent).want(t, held+" with a user", 200, `"outcome":"dropped","reason":"reset"`)
	}
	r.post(page(yes+`,"user_id":"u1"`), represent).want(t, "the user elsewhere", 200, `"outcome":"allowed"`)
	// Agreeing again starts a new identifier, from then on kept.
	a = r.post(consentYes+"}", shop)
	fresh := a.visitor(t)
	if fresh == old || len(fresh) != 22 {
		t.Fatalf("who agrees again is given %q", fresh)
	}
	r.post(page(yes), shop, "Cookie: sekisho_id="+fresh, represent).want(t, "the new visitor", 200, `"outcome":"allowed"`)
	r.nowhere(old, fresh, "1111.1700000000", "1700000000000.2222")
}

// TestWhatFollowsADecline in the same request is not under what was declined,
// however it is carried.
func TestWhatFollowsADecline(t *testing.T) {
	t.Parallel()
	r := start(t)
	old := r.post(page(yes), shop).visitor(t)
	cookies := "Cookie: sekisho_id=" + old + "; _ga=GA1.1.1.1700000000"
	batch := []string{
		page(yes), consentNo + `,"gaid":"6d92078a-8246-4ba4-ae5b-76104861e7dc"}`, page(yes),
		page(yes + `,"gaid":"6D92078A-8246-4BA4-AE5B-76104861E7DC"`), page(yes + `,"visitor_id":"` + old + `"`), page(yes + `,"ga":"1.1700000000"`),
	}
	a := r.post("["+strings.Join(batch, ",")+"]", shop, cookies, represent)
	a.want(t, "the batch", 200)
	outcomes := []schemas.Outcome{schemas.Allowed, schemas.Anonymised, schemas.Allowed, schemas.Dropped, schemas.Dropped, schemas.Dropped}
	for i, result := range a.represented(t).Events {
		if result.Outcome != outcomes[i] {
			t.Errorf("event %d is %v because %v, want %v", i, result.Outcome, result.Reason, outcomes[i])
		}
	}
	fresh := ""
	for _, c := range a.cookies() {
		if c.Name == VisitorCookie {
			fresh = c.Value
		}
	}
	if fresh == "" || fresh == old {
		t.Errorf("the visitor is %q", fresh)
	}
	// Nothing has both the old and the new.
	for _, m := range r.stored().events {
		if e := &record(t, m).Event; e.Fields.Has(schemas.GA) && e.Get(schemas.VisitorID) == string(r.collector.keys.AppendPseudonym(nil, schemas.VisitorID, fresh)) {
			t.Error("an event joins the new visitor with the old cookie")
		}
	}
}

// TestDeadCookie: a browser whose identifier was reset elsewhere is told to
// forget it, and is then met as a new visitor: a cut and not a ban.
func TestDeadCookie(t *testing.T) {
	t.Parallel()
	r := start(t)
	old := r.post(page(yes), shop).visitor(t)
	elsewhere := []schemas.Reset{
		ResetOf(r.enforcer.Resets(), r.collector.keys, schemas.VisitorID, old, time.Now()),
		ResetOf(r.enforcer.Resets(), r.collector.keys, schemas.GA, "7.1700000000", time.Now()),
	}
	if _, err := r.collector.resets.Append(t.Context(), elsewhere); err != nil {
		t.Fatal(err)
	}
	if err := r.collector.resets.Barrier(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := r.post("["+page(yes)+","+page(yes)+"]", shop, "Cookie: sekisho_id="+old+"; _ga=GA1.1.7.1700000000; _fbp=fb.1.1700000000000.9", represent)
	a.want(t, "the dead cookie", 200, `"outcome":"dropped","reason":"reset"`)
	if strings.Contains(a.body, "allowed") {
		t.Errorf("a part of the request passes: %s", a.body)
	}
	if got := a.forgotten(t); len(got["sekisho_id"]) != 1 || len(got["_ga"]) == 0 || len(got["_fbp"]) == 0 {
		t.Errorf("the browser forgets %v", got)
	}
	// What is left would join the new visitor with the old.
	r.post(page(yes+`,"fbp":"fb.1.1700000000000.9"`), represent).want(t, "the cookie beside it", 200, `"reason":"reset"`)
	if fresh := r.post(page(yes), shop).visitor(t); fresh == "" || fresh == old {
		t.Errorf("the browser is then %q", fresh)
	}
}

// made returns a visitor cookie that was made at a time.
func made(at time.Time) string {
	var id [16]byte
	binary.BigEndian.PutUint64(id[:], uint64(at.UnixMilli())<<16)
	id[15] = 1
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// TestOldEventsAreNotOfTheNewVisitor: what happened long before the browser's
// identifiers were made, and was kept while it was out of reach, is of whoever
// it was before.
func TestOldEventsAreNotOfTheNewVisitor(t *testing.T) {
	t.Parallel()
	r := start(t)
	at := func(ago time.Duration) string {
		return `,"time":"` + time.Now().Add(-ago).UTC().Format(time.RFC3339Nano) + `"`
	}
	before := 0
	check := func(what, body string, want int, headers ...string) {
		t.Helper()
		r.post(body, append(headers, shop, represent)...).want(t, what, 200, `"outcome":"allowed"`)
		known := 0
		for _, n := range r.visitors(schemas.VisitorID) {
			known += n
		}
		if known-before != want {
			t.Errorf("%s: %d events have the visitor, want %d", what, known-before, want)
		}
		before = known
	}
	cookie := "Cookie: sekisho_id=" + made(time.Now().Add(-time.Hour))
	check("of now", page(yes), 1, cookie)
	check("since the cookie", page(yes+at(50*time.Minute)), 1, cookie)
	check("just before the cookie", page(yes+at(61*time.Minute)), 0, cookie)
	chosen := func(ago time.Duration) string {
		return `"consent":{"analytics":true,"time":"` + time.Now().Add(-ago).UTC().Format(time.RFC3339Nano) + `"}`
	}
	check("before the cookie, waiting for the choice", page(chosen(59*time.Minute)+at(63*time.Minute)), 1, cookie)
	check("under a choice before the cookie's", page(chosen(62*time.Minute)+at(63*time.Minute)), 0, cookie)
	check("long before the cookie", page(yes+at(2*time.Hour)), 0, cookie)
	check("before there is a cookie", page(yes+at(2*time.Hour)), 0)
	check("a new visitor", page(yes+at(time.Second)), 1)
	check("a new visitor who waited", page(chosen(time.Second)+at(time.Minute)), 1)
	check("one that was on its way for long", page(yes+at(time.Minute)), 0)
	check("a cookie that tells no time", page(yes+at(2*time.Hour)), 1, "Cookie: sekisho_id=zzzzzzzzzzzzzzzzzzzzzA")
	recent := time.Now().Add(-time.Hour).Unix()
	for _, vendor := range []string{fmt.Sprintf("_ga=GA1.1.5.%d", recent), fmt.Sprintf("_fbp=fb.1.%d.5", recent*1000)} {
		r.post(page(yes+at(2*time.Hour)), shop, "Cookie: "+vendor).want(t, vendor, 204)
	}
	if n := len(r.visitors(schemas.GA)) + len(r.visitors(schemas.FBP)); n != 0 {
		t.Errorf("%d old events have a newer vendor's identifier", n)
	}
}

// TestTrackingDenied: an app that reports that its user denies tracking has the
// advertising identifier reset; the report itself goes on without it.
func TestTrackingDenied(t *testing.T) {
	t.Parallel()
	r := start(t)
	const idfa = "6D92078A-8246-4BA4-AE5B-76104861E7DC"
	report := func(signal string) string {
		return `{"type":"consent","site":"shop","app_instance_id":"a","idfa":"` + idfa + `","consent":{"analytics":true,"advertising":true,` + signal + `}}`
	}
	r.post(report(`"att":"authorized"`), represent).want(t, "authorised", 200, `"outcome":"allowed"`)
	if kinds := r.resetKinds(); len(kinds) != 0 {
		t.Fatalf("reset are %v", kinds)
	}
	r.post(report(`"att":"denied"`), represent).want(t, "denied", 200, `"outcome":"allowed"`)
	if kinds := r.resetKinds(); fmt.Sprint(kinds) != "[idfa]" {
		t.Fatalf("reset are %v", kinds)
	}
	dropped := `"outcome":"dropped","reason":"reset"`
	r.post(page(yes+`,"idfa":"`+idfa+`"`), represent).want(t, "the old identifier", 200, dropped)
	r.post(page(yes+`,"app_instance_id":"a","idfa":"`+strings.ToLower(idfa)+`"`), represent).want(t, "joined with another", 200, dropped)
	r.post(page(yes+`,"app_instance_id":"a"`), represent).want(t, "the app", 200, `"outcome":"allowed"`)
	// A changed identifier: the app names the old one, and what it kept with it.
	r.do("POST", "/v1/reset", `{"gaid":"11111111-2222-4333-8444-555555555555","app_instance_id":"a","session_id":"s"}`).want(t, "a change", 202, `"identifiers":2`)
	r.post(page(yes+`,"app_instance_id":"a","gaid":"99999999-2222-4333-8444-555555555555"`), represent).want(t, "the new with the old", 200, dropped)
	r.post(page(yes+`,"app_instance_id":"b","gaid":"99999999-2222-4333-8444-555555555555"`), represent).want(t, "the new", 200, `"outcome":"allowed"`)
}

// TestTooManyChoices in one request are refused, and the others hold.
func TestTooManyChoices(t *testing.T) {
	t.Parallel()
	r := start(t)
	var events []string
	for i := range 2 * maxChoices {
		events = append(events, consentNo+fmt.Sprintf(`,"app_instance_id":"a%d"}`, i))
	}
	a := r.post("["+strings.Join(events, ",")+"]", represent)
	a.want(t, "the batch", http.StatusBadRequest, "too many choices in one request")
	if n := len(r.resetKinds()); n <= maxChoices/2 || n > 2*maxChoices-1 {
		t.Errorf("%d are reset", n)
	}
}
