package ingest

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/enforcer"
	"sekisho/schemas"
)

var (
	cutSeed  = flag.Uint64("cut.seed", 1, "which random visitors")
	cutSteps = flag.Int("cut.steps", 1500, "what the visitors do in all")
)

// browser is a visitor's browser and app. Each reset and each decline ends an
// era of it: what it is known by in one must never meet what it is known by in
// another.
type browser struct {
	jar     *cookiejar.Jar
	session string // of the page's script, the same in every era
	idfa    string
	era     int
	waiting []queued // events that the browser has kept
	sent    []queued
}

// queued is an event that was made in an era, with what the page put into it.
type queued struct {
	body, cookies string
	era           int
	long          bool // ago
}

// held is whose an identifier is.
type held struct {
	browser, era int
}

// world is some visitors and what they were known by.
type world struct {
	t        *testing.T
	r        *rig
	random   *rand.Rand
	browsers []*browser
	owner    map[string]held // by pseudonym
	dead     map[string]bool // pseudonyms of what was reset, and acknowledged
	ends     map[string][partitions]int64
	serial   int
}

var collectorURL = &url.URL{Scheme: "https", Host: "collect.shop.example.jp", Path: "/"}

func (w *world) pseudonym(f schemas.Field, text string) string {
	return string(w.r.collector.keys.AppendPseudonym(nil, f, text))
}

// own notes whose an identifier is.
func (w *world) own(at int, f schemas.Field, text string) {
	w.ownIn(at, w.browsers[at].era, f, text)
}

func (w *world) ownIn(at, era int, f schemas.Field, text string) {
	whose := held{at, era}
	w.owner[w.pseudonym(f, text)] = whose
	// A session is one of the identifier beside it.
	w.owner[w.pseudonym(schemas.SessionID, w.browsers[at].session+"\x00"+string(rune(f))+text)] = whose
}

// begin has a browser begin an era: its scripts have identifiers of their own.
func (w *world) begin(at int) {
	b := w.browsers[at]
	w.serial++
	b.session, b.idfa = fmt.Sprintf("s%d", at), fmt.Sprintf("00000000-0000-4000-8000-%012d", w.serial)
	// _ga tells no more than the second, and eras are short here.
	ga, fbp := fmt.Sprintf("%d.%d", w.serial, time.Now().Unix()+1), fmt.Sprintf("fb.1.%d.%d", time.Now().UnixMilli()+1, w.serial)
	w.own(at, schemas.IDFA, b.idfa)
	w.own(at, schemas.GA, ga)
	w.own(at, schemas.FBP, fbp)
	b.jar.SetCookies(collectorURL, []*http.Cookie{
		{Name: "_ga", Value: "GA1.1." + ga, Domain: "example.jp", Path: "/"}, {Name: "_fbp", Value: fbp, Domain: "example.jp", Path: "/"},
	})
}

// end ends the era, of whose identifiers those are reset from now on that are not
// spared.
func (w *world) end(at int, spared ...string) {
	b := w.browsers[at]
	var ends [partitions]int64
	for p := range ends {
		ends[p] = w.r.kafka.PartitionInfo(w.r.cluster.Config().Topics.Events, int32(p)).HighWatermark
	}
	for pseudonym, whose := range w.owner {
		if whose == (held{at, b.era}) && !w.dead[pseudonym] && !slices.Contains(spared, pseudonym) {
			w.dead[pseudonym], w.ends[pseudonym] = true, ends
		}
	}
	b.era++
	time.Sleep(2 * time.Millisecond) // times are told in milliseconds
	w.begin(at)
}

func (b *browser) cookies() string {
	var pairs []string
	for _, c := range b.jar.Cookies(collectorURL) {
		pairs = append(pairs, c.Name+"="+c.Value)
	}
	return strings.Join(pairs, "; ")
}

// ask sends a request of the browser and keeps the cookies of the answer.
func (w *world) ask(at int, path, body, cookies string) answer {
	w.t.Helper()
	a := w.send(at, w.browsers[at].era, path, body, cookies)
	w.browsers[at].jar.SetCookies(collectorURL, (&http.Response{Header: a.header}).Cookies())
	return a
}

// send sends a request of an era of the browser, which does not see the answer.
func (w *world) send(at, era int, path, body, cookies string) answer {
	w.t.Helper()
	headers := []string{shop, represent, "Host: " + collectorURL.Host}
	if cookies != "" {
		headers = append(headers, "Cookie: "+cookies)
	}
	if body == "" {
		headers = append(headers, "Content-Type: application/json")
	}
	a := w.r.do("POST", path, body, headers...)
	for _, c := range (&http.Response{Header: a.header}).Cookies() {
		if c.Name == VisitorCookie && c.Value != "" {
			id, _ := enforcer.SplitVisitor(c.Value)
			w.ownIn(at, era, schemas.VisitorID, id)
		}
	}
	return a
}

// make makes an event as the page does, of some time ago when it is kept.
func (w *world) make(at int, consent string, ago time.Duration) queued {
	b := w.browsers[at]
	fields := map[string]any{
		"type": "pageview", "site": "shop", "url": "https://shop.example.jp/", "id": uuid.NewString(),
		"time": time.Now().Add(-ago).UTC().Format(time.RFC3339Nano),
	}
	if w.random.IntN(2) == 0 {
		fields["session_id"] = b.session
	}
	if w.random.IntN(4) == 0 {
		fields["idfa"] = strings.ToUpper(b.idfa)
	}
	text, err := json.Marshal(fields)
	if err != nil {
		w.t.Fatal(err)
	}
	return queued{body: strings.TrimSuffix(string(text), "}") + "," + consent + "}", cookies: b.cookies(), era: b.era, long: ago > 2*settling}
}

// any is one of the events that were sent.
func (b *browser) any(random *rand.Rand) *queued {
	if len(b.sent) == 0 {
		return nil
	}
	return &b.sent[random.IntN(len(b.sent))]
}

// tell sends an event. One that refuses what was granted ends the era.
func (w *world) tell(at int, q queued, cookies string) answer {
	w.t.Helper()
	known := strings.Contains(cookies, VisitorCookie+"=")
	a := w.ask(at, "/v1/events", q.body, cookies)
	if known && !strings.Contains(w.browsers[at].cookies(), VisitorCookie+"=") {
		// An advertising identifier is reset where it is told.
		var spared []string
		if idfa := w.browsers[at].idfa; !strings.Contains(q.body, strings.ToUpper(idfa)) {
			spared = []string{w.pseudonym(schemas.IDFA, idfa), w.pseudonym(schemas.SessionID, w.browsers[at].session+"\x00"+string(rune(schemas.IDFA))+idfa)}
		}
		w.end(at, spared...)
	}
	return a
}

// step has one of the browsers do something.
func (w *world) step() {
	at := w.random.IntN(len(w.browsers))
	b := w.browsers[at]
	consent := yes
	if w.random.IntN(4) == 0 {
		consent = no
	}
	switch w.random.IntN(12) {
	case 0: // a reset by the user, with what the script knows
		w.ask(at, "/v1/reset", `{"session_id":"`+b.session+`","idfa":"`+b.idfa+`"}`, b.cookies()).want(w.t, "a reset", 202)
		w.end(at)
	case 1: // a decline
		w.ask(at, "/v1/events", consentNo+`,"session_id":"`+b.session+`","idfa":"`+b.idfa+`"}`, b.cookies()).want(w.t, "a decline", 200)
		w.end(at)
	case 2:
		w.ask(at, "/v1/events", consentYes+`,"session_id":"`+b.session+`"}`, b.cookies())
	case 3: // an event is kept while there is no network
		b.waiting = append(b.waiting, w.make(at, consent, 3*settling))
	case 4: // and is sent much later, by whoever the browser is then
		for _, q := range b.waiting {
			w.tell(at, q, b.cookies())
		}
		b.waiting = nil
	case 5: // an old request arrives late, or again, as it was
		if len(b.sent) > 0 {
			q := b.sent[w.random.IntN(len(b.sent))]
			w.send(at, q.era, "/v1/events", q.body, q.cookies)
		}
	case 6: // or is tried again by whoever the browser is now, if that is somebody
		if q := b.any(w.random); q != nil && (q.long || strings.Contains(b.cookies(), VisitorCookie)) {
			w.tell(at, *q, b.cookies())
		}
	default:
		q := w.make(at, consent, 0)
		if w.random.IntN(8) == 0 {
			q = w.make(at, consent, 3*settling)
		}
		b.sent = append(b.sent, q)
		a := w.tell(at, q, q.cookies)
		if consent == yes && !strings.Contains(a.body, `"outcome":"allowed"`) {
			w.t.Errorf("browser %d, era %d: a clean visitor is answered %s", at, b.era, a.body)
		}
	}
}

// TestCut: visitors come, go, change their minds, and send old things again.
// Once a reset is answered nothing under the old identifiers gets into Kafka;
// nothing there ever has identifiers of before and after; and whoever goes on is
// not kept out.
func TestCut(t *testing.T) {
	t.Parallel()
	r := start(t)
	w := &world{t: t, r: r, random: rand.New(rand.NewPCG(*cutSeed, 0)), owner: map[string]held{}, dead: map[string]bool{}, ends: map[string][partitions]int64{}}
	for at := range 5 {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		w.browsers = append(w.browsers, &browser{jar: jar})
		w.begin(at)
	}
	for range *cutSteps {
		w.step()
	}
	eras := 0
	for _, b := range w.browsers {
		eras += b.era
	}
	carried := 0
	eventEra := map[string]map[held]bool{} // by event id
	for _, m := range r.stored().events {
		e := &record(t, m).Event
		whose := map[held]bool{}
		for f := range (e.Fields & schemas.Identifiers &^ schemas.SetOf(schemas.UserID)).Each {
			owner, known := w.owner[e.Get(f)]
			if !known {
				t.Fatalf("an event has an identifier of nobody: %v", f)
			}
			whose[owner] = true
			carried++
			if w.dead[e.Get(f)] && m.Offset >= w.ends[e.Get(f)][m.Partition] {
				t.Errorf("seed %d: %v of era %d of browser %d got in after its reset", *cutSeed, f, owner.era, owner.browser)
			}
		}
		if len(whose) > 1 {
			t.Errorf("seed %d: an event joins %v", *cutSeed, whose)
		}
		if eventEra[e.Get(schemas.ID)] == nil {
			eventEra[e.Get(schemas.ID)] = map[held]bool{}
		}
		for h := range whose {
			eventEra[e.Get(schemas.ID)][h] = true
		}
	}
	for id, whose := range eventEra {
		if len(whose) > 1 {
			t.Errorf("seed %d: event %s joins %v", *cutSeed, id, whose)
		}
	}
	if eras < *cutSteps/20 || carried < *cutSteps/2 {
		t.Errorf("only %d eras and %d identifiers", eras, carried)
	}
}
