package ingest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/schemas"
)

// consentTo is a consent object that grants what is named and refuses the rest.
func consentTo(purposes ...string) string {
	parts := []string{}
	for _, p := range []string{"analytics", "advertising", "social"} {
		granted := false
		for _, name := range purposes {
			granted = granted || name == p
		}
		parts = append(parts, fmt.Sprintf("%q:%t", p, granted))
	}
	return `"consent":{` + strings.Join(parts, ",") + `}`
}

func chosen(consent string) string { return `{"type":"consent","site":"shop",` + consent + `}` }

// of is a member time of an event, so long ago.
func of(ago time.Duration) string {
	return `,"time":"` + time.Now().Add(-ago).UTC().Format(time.RFC3339Nano) + `"`
}

// TestWithdrawalOfAPartIsACut: who had granted two purposes and takes one back is
// somebody new, in what goes on and in what is granted again later.
func TestWithdrawalOfAPartIsACut(t *testing.T) {
	t.Parallel()
	r := start(t)
	a := r.post(chosen(consentTo("analytics", "advertising")), shop)
	first, mine := a.visitor(t), a.cookie()
	if again := r.post(page(consentTo("analytics", "advertising")), shop, mine); again.cookie() != "" {
		t.Errorf("what was granted already changes the cookie to %s", again.cookie())
	}
	a = r.post(chosen(consentTo("analytics")), shop, mine, "Cookie: _ga=GA1.1.5.1700000000", represent)
	a.want(t, "the withdrawal", 200, `"outcome":"allowed"`)
	second, cookies := "", map[string]bool{}
	for _, c := range a.cookies() {
		if cookies[c.Name] = true; c.Name == VisitorCookie {
			second, mine = c.Value[:22], "Cookie: "+VisitorCookie+"="+c.Value
		}
	}
	if second == "" || second == first || !cookies["_ga"] {
		t.Fatalf("after the withdrawal %s is %s, and %v are set", first, second, cookies)
	}
	r.post(page(yes+`,"visitor_id":"`+first+`"`), represent).want(t, "the old one", 200, `"reason":"reset"`)
	r.post(page(yes+`,"ga":"5.1700000000"`), represent).want(t, "a cookie of the old one", 200, `"reason":"reset"`)
	if got := r.post(page(consentTo("analytics")), shop, mine, represent); got.cookie() != "" || !strings.Contains(got.body, "allowed") {
		t.Errorf("what is still granted is answered %s %s", got.cookie(), got.body)
	}
	// More is granted: nothing is taken back. And less once more.
	a = r.post(chosen(consentTo("analytics", "advertising", "social")), shop, mine)
	if a.visitor(t) != second {
		t.Errorf("who grants more becomes %s", a.visitor(t))
	}
	mine = a.cookie()
	if third := r.post(chosen(consentTo("advertising", "social")), shop, mine).visitor(t); third == second {
		t.Error("who takes back what was granted by a second choice stays who it was")
	}
	r.nowhere(first, second)
}

// TestWithdrawalByAnyEvent: a signal that refuses what was granted on the site is a
// withdrawal wherever it is; silence, what a page or its platform denies until there
// is a choice, what cannot be understood, what is older, and what another site is
// refused, are none.
func TestWithdrawalByAnyEvent(t *testing.T) {
	t.Parallel()
	r := start(t)
	all := consentTo("analytics", "advertising", "social")
	check := func(what string, cut bool, body string, headers ...string) {
		t.Helper()
		mine := r.post(chosen(all), shop)
		id := mine.visitor(t)
		if !strings.Contains(strings.Join(headers, " "), "Origin") {
			headers = append(headers, shop)
		}
		a := r.post(body, append(headers, mine.cookie(), represent)...)
		a.want(t, what, 200)
		_, gone := a.forgottenOrNew(id)
		if gone != cut {
			t.Errorf("%s: cut is %t, want %t: %s %s", what, gone, cut, a.body, a.header["Set-Cookie"])
		}
		got := r.post(page(all+`,"visitor_id":"`+id+`"`), represent)
		if strings.Contains(got.body, `"reason":"reset"`) != cut {
			t.Errorf("%s: the old one is answered %s", what, got.body)
		}
	}
	check("a page view that refuses all", true, page(no))
	check("one that refuses a part", true, page(consentTo("analytics")))
	check("the consent cookie", true, page(""), "Cookie: sekisho_consent=1.2026-10-01.none")
	check("Consent Mode", true, page(`"consent":{"analytics":true,"gcs":"G100"}`))
	check("Consent Mode, by an update", true, page(`"consent":{"gcs":"G100","gcd":"13q3q3q3q1l1"}`))
	check("Consent Mode, by the page's default", false, page(`"consent":{"gcs":"G100","gcd":"13p3p3p3p1l1"}`))
	check("the page's default of a part", true, page(`"consent":{"gcd":"13p3q3p3p1l1"}`))
	check("the page's default beside a choice", true, page(`"consent":{"analytics":false,"gcd":"13p3p3p3p1l1"}`))
	check("a choice beside the page's default", true, page(`"consent":{"gcd":"13p3p3p3p1l1"}`), "Cookie: sekisho_consent=1.2026-10-01.none")
	check("a platform's default", false, page(`"consent":{"onetrust":"groups=C0001:1,C0002:0,C0004:0"}`))
	check("a platform's choice", true, page(`"consent":{"onetrust":"groups=C0001:1,C0002:0,C0004:0&interactionCount=1"}`))
	check("the page's default, and a platform's choice", true, page(`"consent":{"gcd":"13p3p3p3p1l1","onetrust":"groups=C0001:1,C0002:0,C0004:0&interactionCount=1"}`))
	check("a consent event with the page's default", false, `{"type":"consent","site":"shop","consent":{"gcd":"13p3p3p3p1l1"}}`)
	check("Global Privacy Control", true, page(all), "Sec-GPC: 1")
	check("silence", false, page(""))
	check("silence about a part", false, page(`"consent":{"analytics":true}`))
	check("what cannot be understood", false, page(`"consent":{"analytics":"no"}`))
	check("a string that is none", false, page(`"consent":{"analytics":true,"tcf":"nonsense"}`))
	check("an empty cookie", false, page(all), "Cookie: euconsent-v2=")
	check("a choice of another site", false, strings.Replace(page(no), `"shop"`, `"news"`, 1), "Origin: https://news.example.jp")
	check("what was refused before it was granted", false, page(no+of(time.Hour)))
	check("a consent event that says nothing", false, `{"type":"consent","site":"shop"}`)
	check("a decline", true, chosen(no))
	check("a decline that cannot be understood", true, chosen(`"consent":{"analytics":"no"}`))
}

// forgottenOrNew tells whether an answer takes a visitor id away.
func (a answer) forgottenOrNew(id string) (value string, gone bool) {
	for _, c := range a.cookies() {
		if c.Name == VisitorCookie {
			return c.Value, !strings.HasPrefix(c.Value, id)
		}
	}
	return "", false
}

// TestOldDecline cuts what is older, and not what was agreed to since.
func TestOldDecline(t *testing.T) {
	t.Parallel()
	r := start(t)
	a := r.post(chosen(yes+of(time.Second)), shop)
	id, mine := a.visitor(t), a.cookie()
	fbp, ga := fmt.Sprintf("fb.1.%d.7", time.Now().Add(-time.Hour).UnixMilli()), fmt.Sprint("3.", time.Now().Unix())
	a = r.post(chosen(no+of(time.Minute)+`,"session_id":"s"`), shop, mine, "Cookie: _fbp="+fbp+"; _ga=GA1.1."+ga, represent)
	a.want(t, "the old decline", 200, `"outcome":"anonymised"`)
	if got := a.forgotten(t); len(got) != 1 || len(got["_fbp"]) == 0 {
		t.Errorf("the browser forgets %v", got)
	}
	r.post(page(yes+`,"fbp":"`+fbp+`"`), represent).want(t, "what is older", 200, `"reason":"reset"`)
	if got := r.post(page(yes+`,"session_id":"s"`), shop, mine, represent); !strings.Contains(got.body, "allowed") || got.cookie() != "" {
		t.Errorf("the newer cookie is answered %s %s", got.body, got.cookie())
	}
	r.post(page(yes+`,"ga":"`+ga+`"`), represent).want(t, "the newer _ga", 200, `"outcome":"allowed"`)
	if got := r.post(page(yes), shop, mine, "Cookie: _fbp="+fbp, represent); !strings.Contains(got.body, `"reason":"reset"`) || len(got.forgotten(t)) != 1 {
		t.Errorf("the newer cookie beside the one that is cut is answered %s, and the browser forgets %v", got.body, got.forgotten(t))
	}
	// What the visitor refused before the cookie was made takes nothing back.
	untimed := r.post(chosen(yes), shop)
	if got := r.post(page(no+of(6*time.Minute)), shop, untimed.cookie(), "Cookie: _fbp="+strings.Replace(fbp, ".7", ".8", 1)); len(got.cookies()) != 0 {
		t.Errorf("a refusal of before sets %v", got.cookies())
	}
	// One that is newer than the cookie, though it waited, takes it.
	a = r.post(chosen(no), shop, mine)
	if _, gone := a.forgottenOrNew(id); !gone {
		t.Error("a decline is not heard")
	}
}

// TestChoicesByAClockThatIsWrong: whoever agreed a moment ago can take it back,
// though the client's clock is behind the collector's, or was set since.
func TestChoicesByAClockThatIsWrong(t *testing.T) {
	t.Parallel()
	r := start(t)
	at := func(offset time.Duration) string { return of(-offset) }
	check := func(what string, cut bool, agreed, refused time.Duration) {
		t.Helper()
		for _, refusal := range []string{chosen(no + at(refused)), chosen(consentTo("analytics") + at(refused)), page(no + at(refused))} {
			a := r.post(chosen(consentTo("analytics", "advertising")+at(agreed)), shop)
			id, mine := a.visitor(t), a.cookie()
			got := r.post(refusal, shop, mine)
			if _, gone := got.forgottenOrNew(id); gone != cut {
				t.Errorf("%s: cut is %t, want %t: %s", what, gone, cut, refusal)
			}
			again := r.post(page(consentTo("analytics")+`,"visitor_id":"`+id+`"`), represent)
			if strings.Contains(again.body, `"reason":"reset"`) != cut {
				t.Errorf("%s: the old one is answered %s", what, again.body)
			}
		}
	}
	check("a clock that is right", true, -2*time.Second, -time.Second)
	check("a minute behind", true, -time.Minute, -40*time.Second)
	check("three hours ahead", true, 3*time.Hour, 3*time.Hour+time.Second)
	check("three hours ahead, and set right since", true, 3*time.Hour, 0)
	check("an older choice", false, -2*time.Second, -time.Minute)
	check("an older choice by a clock a minute behind", false, -time.Minute, -2*time.Minute)
	check("an older choice by a clock that is ahead", false, 3*time.Hour, 2*time.Hour)
}

// TestRefusalThatIsRejected: an event by a clock that is days ahead, or with what does not
// fit the schema or the site, is not taken, and what it refuses is taken back all the same.
// What it grants is not granted.
func TestRefusalThatIsRejected(t *testing.T) {
	t.Parallel()
	r := start(t)
	ahead := of(-48 * time.Hour)
	want := map[string]uint64{}
	check := func(what string, cut bool, body string, headers ...string) {
		t.Helper()
		a := r.post(chosen(consentTo("analytics", "advertising")+of(time.Second)), shop)
		id, mine := a.visitor(t), a.cookie()
		if !strings.Contains(strings.Join(headers, " "), "Origin") {
			headers = append(headers, shop)
		}
		got := r.post(body, append(headers, mine)...)
		if got.status != 403 { // of another site's page
			got.want(t, what, 400, `"path"`)
		}
		if value, gone := got.forgottenOrNew(id); gone != cut || value != "" {
			t.Errorf("%s: cut is %t, want %t, and the cookie is %q", what, gone, cut, value)
		}
		again := r.post(page(consentTo("analytics")+`,"visitor_id":"`+id+`"`), represent)
		if strings.Contains(again.body, `"reason":"reset"`) != cut {
			t.Errorf("%s: the old one is answered %s", what, again.body)
		}
		want["shop consent allowed necessary"]++
		if cut {
			want["shop pageview dropped reset"]++
		} else {
			want["shop pageview allowed granted"]++
		}
	}
	check("a decline", true, chosen(no+ahead))
	check("a withdrawal of a part", true, chosen(consentTo("analytics")+ahead))
	check("a decline among others", true, `[`+page(yes+ahead)+`,`+chosen(no+ahead)+`,`+page(yes+ahead)+`]`)
	check("a decline with a property of no site", true, chosen(no+of(0)+`,"properties":{"unknown":1}`))
	check("a decline without a time", true, chosen(no+`,"id":"6D92078A-8246-4BA4-AE5B-76104861E7DC"`))
	check("a decline with an id that is none", true, chosen(no+`,"id":"first"`))
	check("a decline with a title that is none, ahead of the refusal", true, `{"type":"consent","site":"shop","title":1,`+no+`}`)
	check("a decline with what the schema does not know", true, chosen(no+`,"unknown":1`))
	check("consent to what was granted", false, chosen(consentTo("analytics", "advertising")+ahead))
	check("consent to more", false, chosen(yes+ahead))
	check("consent with an id that is none", false, chosen(yes+`,"id":"first"`))
	check("an old decline that was kept", false, chosen(no+of(60*24*time.Hour)))
	check("a decline of a site that is none", false, strings.Replace(chosen(no), `"shop"`, `1`, 1))
	check("a decline of a page of another site", false, chosen(no), "Origin: https://news.example.jp")
	check("one that does not fit the schema either", false, chosen(no+`,"id":"first"`), "Origin: https://news.example.jp")
	want["shop consent rejected invalid"], want[" consent rejected invalid"], want["shop consent rejected origin"] = 13, 1, 1

	check("a page view", true, page(no+ahead))
	check("a page view that refuses a part", true, page(consentTo("analytics")+ahead))
	check("a page view with an id that is none", true, page(no+`,"id":"first"`))
	check("Global Privacy Control", true, page(yes+ahead), "Sec-GPC: 1")
	check("what is of no type", true, `{"site":"shop",`+no+`}`)
	check("a page view that says nothing", false, page(ahead[1:]))
	check("one that grants", false, page(yes+ahead))
	check("one that cannot be understood", false, page(`"consent":{"analytics":"no"}`+ahead))
	check("an old one that was kept", false, page(no+of(60*24*time.Hour)))
	want["shop pageview rejected invalid"], want["shop unknown rejected invalid"] = 2+8, 1

	a := r.post(chosen(yes+of(time.Second)), shop)
	got := r.do("GET", pixelOfShop+"&time=soon&title=Home", "", a.cookie(), "Sec-GPC: 1")
	got.want(t, "a pixel", 400, `"path":"time"`)
	if value, gone := got.forgottenOrNew(a.visitor(t)); !gone || value != "" {
		t.Errorf("a pixel that is rejected leaves the cookie %q", value)
	}
	want["shop consent allowed necessary"]++
	want["shop pageview rejected invalid"]++

	if got := r.post(chosen(yes+ahead), shop); len(got.cookies()) != 0 {
		t.Errorf("consent that is rejected sets %v", got.cookies())
	}
	want["shop consent rejected invalid"]++
	if n := uint64(len(r.resetKinds())); n != want["shop pageview dropped reset"]+1 {
		t.Errorf("%d are reset, want %d", n, want["shop pageview dropped reset"]+1)
	}
	r.accounted(want)
}

// TestWhatFollowsARejectedRefusal in the same request is of nobody who was known, as after
// one that is taken: a page view that refuses may come before one that was made before it.
func TestWhatFollowsARejectedRefusal(t *testing.T) {
	t.Parallel()
	r := start(t)
	for _, refusal := range []string{page(no + `,"id":"first"`), page(no)} {
		mine := r.post(chosen(yes), shop).cookie()
		got := r.post("["+refusal+","+page(yes)+"]", shop, mine)
		if value, gone := got.forgottenOrNew("nobody"); !gone || value != "" {
			t.Errorf("%s: the browser is given %q", refusal, value)
		}
	}
	for _, m := range r.stored().events {
		if e := &record(t, m).Event; e.Type == schemas.Pageview && e.Fields.Has(schemas.VisitorID) {
			t.Error("what follows a refusal has a visitor")
		}
	}
}

// TestRetryAfterReset: an event that was let through under the old identifier and
// comes again under a new cookie is not the new visitor's, however soon; but a
// retry under the same cookie is the same event.
func TestRetryAfterReset(t *testing.T) {
	t.Parallel()
	r := start(t)
	event := func() string { return page(yes + of(0) + `,"session_id":"s","id":"` + uuid.NewString() + `"`) }
	first, second := event(), event()
	a := r.post(first, shop)
	old := a.cookie()
	r.post(second, shop, old)
	r.do("POST", "/v1/reset", "", shop, old, "Content-Type: application/json").want(t, "the reset", 202)
	time.Sleep(2 * time.Millisecond) // times are told in milliseconds
	fresh := r.post(chosen(yes+of(0)), shop).cookie()
	for _, body := range []string{first, second} {
		r.post(body, shop, fresh, represent).want(t, "the retry", 200, `"outcome":"allowed"`)
	}
	third := event()
	for range 3 {
		r.post(third, shop, fresh).want(t, "a retry of the new visitor's", 204)
	}
	visitors := map[string]map[string]int{} // by event id
	for _, m := range r.stored().events {
		e := &record(t, m).Event
		if visitors[e.Get(schemas.ID)] == nil {
			visitors[e.Get(schemas.ID)] = map[string]int{}
		}
		if v := e.Get(schemas.VisitorID); v != "" {
			visitors[e.Get(schemas.ID)][v]++
		} else if e.Fields.Has(schemas.SessionID) {
			t.Error("an event without a visitor has a session")
		}
	}
	for id, of := range visitors {
		if len(of) != 1 {
			t.Errorf("event %s is of %d visitors", id, len(of))
		}
		if strings.Contains(third, id) && fmt.Sprint(of) == "map[]" {
			t.Error("the new visitor's event is not its own")
		}
	}
}

// TestRetriesMeetTheFirst: an event that comes again comes to the same partition,
// fresh or not, whoever's it is by then: without the new cookie, whose answer was lost,
// with it, or from a browser that was not known at first. Only there is a copy found for
// certain.
func TestRetriesMeetTheFirst(t *testing.T) {
	t.Parallel()
	r := start(t)
	old := time.Now().Add(3 * time.Second) // no longer fresh
	event := page(yes + `,"time":"` + old.Add(-fresh).UTC().Format(time.RFC3339Nano) + `","id":"` + uuid.NewString() + `"`)
	ga := "Cookie: _ga=GA1.1.5." + fmt.Sprint(time.Now().Add(-time.Hour).Unix())
	first := r.post(event, shop, ga)
	time.Sleep(time.Until(old.Add(10 * time.Millisecond)))
	second := r.post(event, shop, ga)
	r.post(event, shop, ga, second.cookie()).want(t, "the event with its new cookie", 204)
	keys := map[string]int{}
	for _, m := range r.stored().events {
		keys[string(m.Key)]++
		if e := &record(t, m).Event; !e.Fields.Has(schemas.GA) {
			t.Error("the event is without its _ga, so nothing is shown")
		}
		keys[fmt.Sprint("partition ", m.Partition)] += 0
	}
	if len(keys) != 2 || first.visitor(t) == "" || second.visitor(t) == "" || first.visitor(t) == second.visitor(t) {
		t.Errorf("the keys are %v", keys)
	}
}

// TestSessionEndsWithItsVisitor: the same session id under another identifier is
// another session, and is no proof of anything.
func TestSessionEndsWithItsVisitor(t *testing.T) {
	t.Parallel()
	r := start(t)
	sessions := func() map[string]bool {
		t.Helper()
		found := map[string]bool{}
		for _, m := range r.stored().events {
			if e := &record(t, m).Event; e.Fields.Has(schemas.SessionID) {
				found[e.Get(schemas.SessionID)] = true
			}
		}
		return found
	}
	post := func(body string, headers ...string) answer {
		t.Helper()
		a := r.post(body, append(headers, represent)...)
		a.want(t, body, 200, `"outcome":"allowed"`)
		return a
	}
	old := post(page(yes+`,"session_id":"s"`), shop).cookie()
	post(page(yes+`,"session_id":"s"`), shop, old)
	if n := len(sessions()); n != 1 {
		t.Fatalf("one visitor has %d sessions", n)
	}
	r.do("POST", "/v1/reset", "", shop, old, "Content-Type: application/json").want(t, "the reset", 202)
	fresh := post(page(yes+`,"session_id":"s"`), shop).cookie()
	post(page(yes+`,"session_id":"s"`), shop, fresh)
	if n := len(sessions()); n != 2 {
		t.Errorf("before and after a reset there are %d sessions", n)
	}
	// So with an app's, and after an advertising identifier was reset.
	const idfa = `"idfa":"6D92078A-8246-4BA4-AE5B-76104861E7DC"`
	post(page(yes + `,"session_id":"t","app_instance_id":"a"`))
	post(page(yes + `,"session_id":"t","app_instance_id":"b"`))
	post(page(yes + `,"session_id":"u",` + idfa))
	post(page(`"consent":{"analytics":true,"att":"denied"},"session_id":"u",` + idfa))
	if n := len(sessions()); n != 6 {
		t.Errorf("there are %d sessions", n)
	}
	r.do("POST", "/v1/reset", `{"session_id":"t"}`).want(t, "a reset by a session", 400, "session_id does not")
	post(page(yes + `,"session_id":"t","app_instance_id":"b"`))
	// A decline of one who has nothing else ends it.
	r.post(chosen(no+`,"session_id":"v"`)).want(t, "a decline", 204)
	r.post(page(yes+`,"session_id":"v"`), represent).want(t, "the session", 200, `"reason":"reset"`)
	post(page(yes + `,"session_id":"v","app_instance_id":"c"`))
}

// TestConsentUnderADeadCookie: whoever agrees in a browser whose cookie the
// operator has reset is a new visitor from then on, with a receipt.
func TestConsentUnderADeadCookie(t *testing.T) {
	t.Parallel()
	r := start(t)
	a := r.post(page(yes), shop)
	old, mine := a.visitor(t), a.cookie()
	reset := []schemas.Reset{ResetOf(r.enforcer.Resets(), r.collector.keys, schemas.VisitorID, old, time.Now())}
	if _, err := r.collector.resets.Append(t.Context(), reset); err != nil {
		t.Fatal(err)
	}
	if err := r.collector.resets.Barrier(t.Context()); err != nil {
		t.Fatal(err)
	}
	a = r.post(chosen(yes), shop, mine, represent)
	a.want(t, "the consent", 200, `"outcome":"allowed"`)
	fresh := a.visitor(t)
	if fresh == "" || fresh == old {
		t.Fatalf("the visitor becomes %q", fresh)
	}
	receipts := map[string]bool{}
	for partition := range partitions {
		for _, m := range r.readAll(r.cluster.Config().Topics.Consents, partition) {
			receipts[schemas.ReceiptPseudonym(m.Key)] = true
		}
	}
	if want := string(r.collector.keys.AppendPseudonym(nil, schemas.VisitorID, fresh)); len(receipts) != 1 || !receipts[want] {
		t.Errorf("the receipts are of %v, want %s", receipts, want)
	}
	// One that was on its way for a while has a cookie and a receipt, too.
	a = r.post(chosen(yes+of(time.Minute)), shop)
	late := a.visitor(t)
	found := false
	for partition := range partitions {
		for _, m := range r.readAll(r.cluster.Config().Topics.Consents, partition) {
			found = found || schemas.ReceiptPseudonym(m.Key) == string(r.collector.keys.AppendPseudonym(nil, schemas.VisitorID, late))
		}
	}
	if late == "" || !found {
		t.Errorf("the late visitor is %q, with a receipt: %t", late, found)
	}
}

// TestTrackingDeniedInAnyEvent: an advertising identifier that an app keeps though
// its user denied tracking is reset.
func TestTrackingDeniedInAnyEvent(t *testing.T) {
	t.Parallel()
	r := start(t)
	check := func(what, signal string, reset bool) {
		t.Helper()
		id := uuid.NewString()
		body := page(`"consent":{"analytics":true,` + signal + `},"app_instance_id":"a","idfa":"` + id + `"`)
		before := len(r.resetKinds())
		for range 3 { // not one for each event
			r.post(body, represent).want(t, what, 200)
		}
		if n := len(r.resetKinds()) - before; n != 0 != reset || n > 1 {
			t.Errorf("%s: %d resets", what, n)
		}
		got := r.post(page(yes+`,"idfa":"`+id+`"`), represent)
		if strings.Contains(got.body, `"reason":"reset"`) != reset {
			t.Errorf("%s: the identifier is then answered %s", what, got.body)
		}
	}
	check("denied", `"att":"denied"`, true)
	check("restricted", `"att":"restricted"`, true)
	check("limited", `"limit_ad_tracking":true`, true)
	check("authorised", `"att":"authorized"`, false)
	check("silent", `"advertising":true`, false)
	check("what cannot be understood", `"att":"perhaps"`, false)
}

// TestIdentifiersThatAreNone are refused with their path.
func TestIdentifiersThatAreNone(t *testing.T) {
	t.Parallel()
	r := start(t)
	for name, wrong := range map[string]string{
		"idfa": "xx", "gaid": "6D92078A-8246-4BA4-AE5B-76104861E7D", "ga": "GA1.1.x", "fbp": "fb.1.2", "fbc": "IwAR0",
	} {
		r.do("POST", "/v1/reset", `{"`+name+`":"`+wrong+`"}`).want(t, name, 400, name+": must be ")
		r.do("POST", "/v1/optout/google", `{"`+name+`":"`+wrong+`"}`).want(t, name, 400, name+": must be ")
	}
	for name, right := range map[string]string{
		"idfa": "6d92078a82464ba4ae5b76104861e7dc", "gaid": "6D92078A-8246-4BA4-AE5B-76104861E7DC", "ga": "GA1.1.1116446470.1760000000",
		"fbp": "1596403881668.1116446470", "fbc": "fb.1.1596403881668.IwAR0_x", "app_instance_id": "anything", "visitor_id": "anything",
	} {
		r.do("POST", "/v1/reset", `{"`+name+`":"`+right+`"}`).want(t, name, 202)
	}
}
