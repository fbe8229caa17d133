package forward_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/sinks/forward"
	"sekisho/sinks/standin"
)

// TestUnknownKey: events under a key that the forwarder was not given become dead
// letters, to be driven again once it has it; without names they would be lost with
// some recipients, and nobody's with others. A reset under such a key is told of as
// far as its names are known, and no further.
func TestUnknownKey(t *testing.T) {
	t.Parallel()
	newer, err := enforcer.NewKeys("k2", bytes.Repeat([]byte{2}, enforcer.MinSecret), testKeys(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"google", "meta", "partner"} {
		w := newWorld(t)
		older := w.keys
		w.buys(t, 2)
		w.keys = newer
		w.buys(t, 3)
		offset := w.reset(t, schemas.VisitorID, "visitor-9", "")
		w.keys = older
		v := vendorOf(t, name, standin.Options{Listen: "127.0.0.1:0"})
		f := w.start(t, name, v.kind, quick)
		eventually(t, name+" is settled", func() bool { return f.settledEvents() == 5 })
		if f.events("sent") != 2 || f.count("sekisho_forward_events_total", `outcome="dead"`, `reason="unknown_key"`) != 3 {
			t.Errorf("%s: %v are sent, %v dead", name, f.events("sent"), f.events("dead"))
		}
		want := schemas.Partial
		if name == "meta" {
			want = schemas.Unsupported
		}
		eventually(t, name+" tells of the reset", func() bool {
			for _, m := range w.topic(t, w.config.Topics.Progress) {
				p, err := schemas.DecodeProgress(m.Value)
				if err != nil {
					t.Fatal(err)
				}
				if p.From <= offset && offset < p.To {
					if p.State != want {
						t.Fatalf("%s: the reset is %v, want %v", name, p.State, want)
					}
					return true
				}
			}
			return false
		})
		f.stop()
		w.keys = newer
		w.buys(t, 1)
		again := w.start(t, name, v.kind, quick)
		eventually(t, name+" is sent what is under the new key", func() bool { return again.events("sent") == 1 })
	}
}

// TestOtherKeys: while the resets are under other keys than the forwarder has, nothing
// is sent, and no recipient is told to forget a name that it never heard.
func TestOtherKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := vendorOf(t, "partner", standin.Options{Listen: "127.0.0.1:0"})
	var wrong atomicError
	wrong.set(errors.New("the resets in Kafka are under other keys"))
	w.check = wrong.get
	f := w.start(t, "partner", v.kind, quick)
	w.buys(t, 1)
	w.reset(t, schemas.VisitorID, "visitor-9", "")
	eventually(t, "both wait", func() bool {
		return f.count("sekisho_forward_lag") > 0 && f.count("sekisho_forward_resets_waiting") > 0
	})
	time.Sleep(500 * time.Millisecond) // the pace of tests is milliseconds
	if n := v.Received().Requests; n > 0 {
		t.Fatalf("%d requests were made", n)
	}
	wrong.set(nil)
	eventually(t, "both are sent", func() bool { r := v.Received(); return r.Events == 1 && r.Deletions == 1 })
}

// TestForgettingWaits: a recipient that names a time is not asked to forget before it.
func TestForgettingWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := vendorOf(t, "google", standin.Options{Listen: "127.0.0.1:0"})
	w.start(t, "google", v.kind, quick)
	v.Misbehave(standin.Fault{Kind: standin.Throttle, Times: 1, RetryAfter: standin.Duration(2 * time.Second)})
	w.reset(t, schemas.VisitorID, "visitor-1", "")
	eventually(t, "the user is deleted", func() bool { return v.Received().Deletions == 1 })
	last := v.Received().Last
	if len(last) != 2 || last[1].At.Sub(last[0].At) < 2*time.Second {
		t.Errorf("%d requests; the second came %v after the first", len(last), last[len(last)-1].At.Sub(last[0].At))
	}
}

// TestForgettingKeepsTheRate: who is asked to forget many is asked no more often than
// for events.
func TestForgettingKeepsTheRate(t *testing.T) {
	t.Parallel()
	const perSecond, resets = 2, 7
	w := newWorld(t)
	v := vendorOf(t, "google", standin.Options{Listen: "127.0.0.1:0"})
	for i := range resets {
		w.reset(t, schemas.VisitorID, fmt.Sprintf("visitor-%d", i), "")
	}
	w.start(t, "google", v.kind, quick, func(c *forward.Config) { c.Rate = perSecond })
	eventually(t, "all users are deleted", func() bool { return v.Received().Deletions == resets })
	last := v.Received().Last
	took := last[len(last)-1].At.Sub(last[0].At)
	if least := time.Duration(len(last)-1-perSecond) * time.Second / perSecond; len(last) < resets || took < least {
		t.Errorf("%d requests in %v, which must take %v", len(last), took, least)
	}
}
