package forward_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/forward"
	"sekisho/sinks/standin"
	"sekisho/stream"
)

// bodies returns what the stand-in was sent, all together.
func (v *vendor) bodies() string {
	var all []string
	for _, r := range v.Received().Last {
		all = append(all, r.Body)
	}
	return strings.Join(all, "\n")
}

// TestCheckedAgainOnSend: what was let through into Kafka is held back when the
// user resets, opts out of the recipient, or the policy changes before it is sent;
// and all of it while events wait for a recipient that is down.
func TestCheckedAgainOnSend(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.buys(t, 6)
	list := vendors(t)
	var forwarders []*forwarder
	for _, v := range list {
		v.Misbehave(standin.Fault{Kind: standin.Down})
		forwarders = append(forwarders, w.start(t, v.recipient, v.kind))
	}
	for _, f := range forwarders {
		eventually(t, f.recipient+" has tried", func() bool { return f.count("sekisho_forward_requests_total") > 0 })
	}
	w.reset(t, schemas.VisitorID, "visitor-1", "")
	w.reset(t, schemas.SessionID, "session-2", "")
	w.reset(t, schemas.UserID, "user-3", "meta")
	p := policyOf(t)
	google, meta := p.Recipients["google"], p.Recipients["meta"]
	google.Identifiers = nil
	meta.Identifiers = append(meta.Identifiers, policy.Identifier(schemas.OrderID)) // was not granted then
	p.Recipients["google"], p.Recipients["meta"] = google, meta
	p.Purposes.Advertising.Categories = []schemas.Category{schemas.UsageHistory, schemas.TerminalIdentification, schemas.UsageEnvironment}
	w.table.Store(enforcer.Compile(p))
	time.Sleep(2 * forward.MaxStale) // as old may be what was known
	for _, v := range list {
		v.Misbehave()
	}
	for i, f := range forwarders {
		withheld := 2.0
		if f.recipient == "meta" {
			withheld = 3
		}
		eventually(t, f.recipient+" is settled", func() bool { return f.settledEvents() == 6 })
		if got := f.events("withheld"); got != withheld {
			t.Errorf("%s: %v events were withheld, want %v", f.recipient, got, withheld)
		}
		text := list[i].bodies()
		for n := range 6 {
			order := fmt.Sprintf("order-%d", n)
			if strings.Contains(text, order) {
				t.Errorf("%s has %s, which it was not granted when the event came", f.recipient, order)
			}
		}
		if f.recipient == "google" && strings.Contains(text, `".22"`) || strings.Contains(text, "11022") {
			t.Errorf("google has its own identifier, which the policy of now does not name")
		}
	}
	if n := forwarders[1].count("sekisho_forward_events_total", `reason="opted_out"`); n != 1 {
		t.Errorf("%v events are withheld from meta for the opt-out", n)
	}
	if n := forwarders[0].count("sekisho_forward_events_total", `reason="reset"`); n != 2 {
		t.Errorf("%v events are withheld from google for resets", n)
	}
}

// TestRecipientGone: nothing is sent to a recipient that the policy no longer
// knows, or no longer gives the site's events.
func TestRecipientGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.buys(t, 4)
	p := policyOf(t)
	site := p.Sites["shop"]
	site.Recipients = []string{"meta"}
	p.Sites["shop"] = site
	w.table.Store(enforcer.Compile(p))
	v := vendorOf(t, "google", standin.Options{Listen: "127.0.0.1:0"})
	f := w.start(t, "google", v.kind)
	eventually(t, "all are withheld", func() bool { return f.events("withheld") == 4 })
	if n := v.Received().Requests; n > 0 {
		t.Errorf("%d requests were made", n)
	}
}

// TestAnalyticsRefused: a conversion of somebody who refused analytics is not sent
// to Google, also where the policy does not say that it requires that, and is
// counted; Meta, which is sent it for advertising, has it.
func TestAnalyticsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := policyOf(t)
	google := p.Recipients["google"]
	google.Requires = nil
	p.Recipients["google"] = google
	w.table.Store(enforcer.Compile(p))
	refused := strings.Replace(buy(1), `"analytics":true`, `"analytics":false`, 1)
	w.send(t, time.Now(), refused, buy(2))
	for recipient, want := range map[string][2]float64{"google": {1, 1}, "meta": {2, 0}} {
		v := vendorOf(t, recipient, standin.Options{Listen: "127.0.0.1:0"})
		f := w.start(t, recipient, v.kind)
		eventually(t, recipient+" is settled", func() bool { return f.settledEvents() == 2 })
		withheld := f.count("sekisho_forward_events_total", `outcome="withheld"`, `reason="refused"`)
		if f.events("sent") != want[0] || withheld != want[1] || v.Received().Events != uint64(want[0]) {
			t.Errorf("%s: sent %v, withheld %v, received %d; want %v", recipient, f.events("sent"), withheld, v.Received().Events, want)
		}
	}
}

// TestResetsArePassedOn: each recipient is told to forget under the name by which
// it knows the identifier, and the receipts say how far that came.
func TestResetsArePassedOn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.buys(t, 3)
	list := vendors(t)
	for _, v := range list {
		f := w.start(t, v.recipient, v.kind, quick)
		eventually(t, "all are sent", func() bool { return f.events("sent") == 3 })
	}
	first := w.reset(t, schemas.VisitorID, "visitor-1", "")
	last := w.reset(t, schemas.GA, "111.22", "")
	w.reset(t, schemas.VisitorID, "visitor-2", "google") // an opt-out: nothing to forget
	// To Google's data under the visitor's own _ga only a reset of that leads.
	for recipient, want := range map[string][2]schemas.ProgressState{
		"google": {schemas.Partial, schemas.Asked}, "meta": {schemas.Unsupported, schemas.Unsupported}, "partner": {schemas.Done, schemas.Done},
	} {
		eventually(t, recipient+" has reported", func() bool {
			covered := map[int64]bool{}
			for _, m := range w.topic(t, w.config.Topics.Progress) {
				p, err := schemas.DecodeProgress(m.Value)
				if err != nil {
					t.Fatal(err)
				}
				for offset := p.From; offset < p.To && p.Recipient == recipient; offset++ {
					covered[offset] = offset > last || p.State == want[min(offset-first, 1)]
				}
			}
			return covered[first] && covered[last] && covered[last+1]
		})
	}
	google, partner := list[0].Received(), list[2].Received()
	if google.Deletions == 0 {
		t.Error("Google was not asked to delete anybody")
	}
	keys := w.keys.Recipient("partner")
	name, _ := keys.Pseudonym(schemas.VisitorID, w.keys.Pseudonyms(schemas.VisitorID, "visitor-1")[0])
	hex := fmt.Sprintf("%x", name[:16])
	events, told := false, false
	for _, r := range partner.Last {
		events = events || strings.Contains(r.Body, "sekisho.events") && strings.Contains(r.Body, hex)
		told = told || strings.Contains(r.Body, "sekisho.reset") && strings.Contains(r.Body, hex)
	}
	if !events || !told {
		t.Errorf("the partner was sent events under the identifier: %v; was told to forget it: %v", events, told)
	}
	// What comes under the identifier afterwards is not sent, whatever was in flight.
	w.buys(t, 3)
	google = list[0].Received()
	if google.AfterDeletion > 0 {
		t.Errorf("%d events of deleted users came later", google.AfterDeletion)
	}
}

// TestForgottenAfterSent: a reset is passed on when what is under way has ended, though
// whoever made it has a clock that is behind, or ours was set ahead. (It was passed on
// at once then, and the recipient was sent an event after it.)
func TestForgottenAfterSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := vendorOf(t, "partner", standin.Options{Listen: "127.0.0.1:0"})
	v.Misbehave(standin.Fault{Kind: standin.Delay, Times: 1, Delay: standin.Duration(time.Second)})
	under := make(chan struct{})
	f := w.start(t, "partner", &watched{Kind: v.kind, made: sync.OnceFunc(func() { close(under) })}, func(c *forward.Config) { c.Timeout = 4 * time.Second })
	w.buys(t, 1)
	<-under
	r := schemas.Reset{Field: schemas.VisitorID, Hash: [16]byte{1}, At: time.Now().Add(-time.Hour), Pseudonyms: w.keys.Pseudonyms(schemas.VisitorID, "visitor-0")}
	if _, err := w.resets.Append(t.Context(), []schemas.Reset{r}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the reset is passed on and the event is sent", func() bool { return v.Received().Deletions > 0 && f.settledEvents() == 1 })
	if got := v.Received(); got.AfterDeletion > 0 || got.Events != 1 {
		t.Errorf("%d events were sent, %d of them after the reset was passed on", got.Events, got.AfterDeletion)
	}
}

// watched tells of the first request with events.
type watched struct {
	forward.Kind
	made func()
}

func (k *watched) Request(ctx context.Context, batch *forward.Batch) (*http.Request, error) {
	defer k.made()
	return k.Kind.Request(ctx, batch)
}

// TestForgettingPaused: resets that cannot be passed on before an operator acts are
// seen in the metrics and the log, while events are forwarded; they are passed on
// when they can be.
func TestForgettingPaused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	log := &lockedWriter{to: new(strings.Builder)}
	w.log = log.logger()
	v := vendorOf(t, "google", standin.Options{Listen: "127.0.0.1:0"})
	kind := &barred{Kind: v.kind}
	kind.bar.Store(true)
	f := w.start(t, "google", kind, quick)
	w.reset(t, schemas.VisitorID, "visitor-1", "")
	w.buys(t, 1)
	eventually(t, "the pause is seen", func() bool {
		return f.count("sekisho_forward_resets_paused") == 1 && f.count("sekisho_forward_resets_waiting") == 1 &&
			f.count("sekisho_forward_resets_oldest_age_seconds") > 0 && f.events("sent") == 1
	})
	if f.count("sekisho_forward_paused") != 0 || !strings.Contains(log.text(), "passing resets on is paused") || strings.Contains(log.text(), "forwarding is paused") {
		t.Errorf("the log:\n%s", log.text())
	}
	kind.bar.Store(false)
	eventually(t, "the reset is passed on", func() bool {
		return v.Received().Deletions == 1 && f.count("sekisho_forward_resets_paused") == 0 && f.count("sekisho_forward_resets_waiting") == 0 &&
			f.count("sekisho_forward_resets_oldest_age_seconds") == 0
	})
}

// TestExpired: what is older than the vendor takes is not sent, and counted.
func TestExpired(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]float64{"google": {1, 2}, "meta": {2, 1}, "partner": {2, 1}} {
		w := newWorld(t)
		w.send(t, time.Now().Add(-69*time.Hour), buy(1))
		w.send(t, time.Now().Add(-8*24*time.Hour), buy(2))
		w.send(t, time.Now(), buy(3))
		v := vendorOf(t, name, standin.Options{Listen: "127.0.0.1:0"})
		f := w.start(t, name, v.kind)
		eventually(t, name+" is settled", func() bool { return f.settledEvents() == 3 })
		if got := [2]float64{f.events("sent"), f.events("expired")}; got != want {
			t.Errorf("%s: sent and expired %v, want %v", name, got, want)
		}
		var c forward.Config
		c.Group = fmt.Sprintf("%s-%s", name, w.config.Topics.Events)
		kept := func() uint64 {
			n, err := forward.Expired(t.Context(), w.cluster, c.GroupOf(name))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		eventually(t, name+": what has expired is kept", func() bool { return kept() == uint64(want[1]) })
		f.stop()
		w.send(t, time.Now().Add(-8*24*time.Hour), buy(4))
		w.start(t, name, v.kind)
		eventually(t, name+": it is added to", func() bool { return kept() == uint64(want[1])+1 })
		if n := v.Received().Violations; n > 0 {
			t.Errorf("%s: %d breaches", name, n)
		}
	}
}

// TestDeadLetters: what a recipient refuses, alone or among others, becomes a dead
// letter, which has the record and says why; its neighbours are sent. So does what
// cannot be read, without its bytes.
func TestDeadLetters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.buys(t, 40)
	v := startReceiver(t, func(w http.ResponseWriter, body string) bool {
		return !strings.Contains(body, "title-7-") || refuse(w, http.StatusBadRequest)
	})
	f := w.start(t, "partner", picky{kindOf(t, "partner", v.URL)})
	headers := []kafka.Header{{Key: schemas.HeaderKind, Value: []byte(schemas.KindEvent)}, {Key: schemas.HeaderSchema, Value: []byte("1")}}
	if _, err := w.cluster.Append(t.Context(), w.config.Topics.Events, 0, []stream.Entry{{Time: time.Now(), Value: []byte(`{"partner":"secret"`), Headers: headers}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all are settled", func() bool { return f.events("sent") == 38 && f.events("dead") == 3 })
	reasons := map[string]int{}
	for _, l := range w.letters(t) {
		reasons[l.Reason.String()+" "+l.Detail]++
		if l.Recipient != "partner" || l.Reason != schemas.DeadUndecodable && (len(l.Value) == 0 || l.Site != "shop") {
			t.Errorf("letter %+v", l)
		}
		if strings.Contains(string(l.Value), "secret") || strings.Contains(l.Detail, "secret") {
			t.Error("a dead letter has what could not be read")
		}
	}
	if reasons["refused refused"] != 1 || reasons["refused no_such_event"] != 1 || reasons["undecodable undecodable"] != 1 {
		t.Errorf("reasons %v", reasons)
	}
	if n, again := v.events(); n != 38 || again > 0 {
		t.Errorf("%d events were taken, %d of them again", n, again)
	}
}

// TestUnsendable: an event that has nothing by which the vendor knows whose it is, is
// counted and left out: no dead letter, which would only be one again.
func TestUnsendable(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.send(t, time.Now(), buy(1), `{"id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"conversion","site":"shop","name":"order","consent":{"analytics":true,"advertising":true}}`)
	for name, reason := range map[string]string{"google": "no_client_id", "meta": "no_identifier"} {
		v := vendorOf(t, name, standin.Options{Listen: "127.0.0.1:0"})
		f := w.start(t, name, v.kind)
		eventually(t, name+" is settled", func() bool { return f.settledEvents() == 2 })
		if n := f.count("sekisho_forward_events_total", `outcome="unsendable"`, `reason="`+reason+`"`); n != 1 || f.events("sent") != 1 {
			t.Errorf("%s: %v events are counted as unsendable, %v are sent", name, n, f.events("sent"))
		}
	}
	if letters := w.letters(t); len(letters) > 0 {
		t.Errorf("letters %+v", letters)
	}
}

// TestRefusesAll: when a recipient refuses one event after the other and takes
// none, it is not their fault: forwarding pauses, and what was not given up by then
// is sent when that was mended.
func TestRefusesAll(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.buys(t, 200)
	var mended atomic.Bool
	v := startReceiver(t, func(w http.ResponseWriter, body string) bool {
		return mended.Load() || refuse(w, http.StatusUnprocessableEntity)
	})
	f := w.start(t, "partner", kindOf(t, "partner", v.URL))
	eventually(t, "it is paused", func() bool { return f.Paused() == "refuses_all" })
	mended.Store(true)
	f.Reloaded()
	eventually(t, "the rest is sent", func() bool { return f.settledEvents() == 200 })
	if dead := f.events("dead"); dead != 50 || len(w.letters(t)) != 50 {
		t.Errorf("%v events were given up", dead)
	}
}

// TestPoison: an event for which the recipient fails again and again, while it
// takes others, becomes a dead letter in the end.
func TestPoison(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.buys(t, 40)
	v := startReceiver(t, func(w http.ResponseWriter, body string) bool {
		return !strings.Contains(body, "title-7-") || refuse(w, http.StatusInternalServerError)
	})
	f := w.start(t, "partner", kindOf(t, "partner", v.URL))
	eventually(t, "its neighbours are sent", func() bool { return f.events("sent") == 39 })
	for n := 100; f.events("dead") == 0; n++ { // life goes on
		w.send(t, time.Now(), buy(n))
		before := f.events("sent")
		eventually(t, "the next is sent", func() bool { return f.events("sent") > before || f.events("dead") > 0 })
	}
	letters := w.letters(t)
	if len(letters) != 1 || letters[0].Reason != schemas.DeadExhausted || !strings.Contains(string(letters[0].Value), "title-7-") {
		t.Errorf("letters %+v", letters)
	}
}
