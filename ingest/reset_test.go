package ingest

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/stream"
)

// TestReset: what the request holds is reset, durably, and passes no more.
func TestReset(t *testing.T) {
	t.Parallel()
	r := start(t)
	check := func(what, body string, status int, part string, headers ...string) answer {
		t.Helper()
		a := r.do("POST", "/v1/reset", body, headers...)
		a.want(t, what, status, part)
		return a
	}
	const idfa = "6D92078A-8246-4BA4-AE5B-76104861E7DC"
	check("an identifier", `{"idfa":"`+idfa+`"}`, 202, `"identifiers":1`)
	check("again", `{"idfa":"`+strings.ToLower(idfa)+`"}`, 202, `"identifiers":1`)
	check("nothing", `{}`, 400, "nothing to reset")
	check("an identifier that is none", `{"idfa":"00000000-0000-0000-0000-000000000000"}`, 400, "nothing to reset")
	check("a field that is no identifier", `{"title":"a"}`, 400, "no identifier of the event model")
	check("a mistyped one", `{"idfa":"xx"}`, 400, "idfa: must be a UUID")
	check("what others may know", `{"user_id":"1"}`, 400, "its operator resets them")
	check("no text", `{"idfa":1}`, 400, "must be an object of identifiers")
	check("no object", `[]`, 400, "must be an object of identifiers")
	check("no JSON", `{`, 400, "must be an object of identifiers")
	check("more than JSON", `{"app_instance_id":"u"} {}`, 400, "must be an object of identifiers")
	check("two of a kind", `{"idfa":"`+idfa+`","idf\u0061":"7`+idfa[1:]+`"}`, 400, "has a key twice")
	check("a compressed body", `{"app_instance_id":"u"}`, 415, "must not be compressed", "Content-Encoding: gzip")
	check("too much", `{"idfa":"`+strings.Repeat("x", 20<<10)+`"}`, 413, "too large")
	check("a form", "", 415, "application/json", "Content-Type: text/plain")
	if a := check("a parameter of the type", `{"app_instance_id":"u"}`, 202, "", "Content-Type: application/json;charset=UTF-8"); len(a.cookies()) != 0 {
		t.Error("a reset without a cookie sets one")
	}

	old := r.post(page(yes), shop).visitor(t)
	mine := "Cookie: sekisho_id=" + old
	a := check("the cookie", "", 202, `"identifiers":1`, shop, mine, "Content-Type: application/json")
	if cookies := a.cookies(); len(cookies) != 1 || cookies[0].Value != "" || cookies[0].Expires.After(time.Now()) {
		t.Errorf("the cookie is not forgotten: %v", a.header)
	}
	dropped := func(what, body string, headers ...string) {
		t.Helper()
		r.post(body, append(headers, represent)...).want(t, what, 200, `"outcome":"dropped","reason":"reset"`)
	}
	dropped("the old cookie", page(yes), shop, mine)
	dropped("the old id in a body", page(yes+`,"visitor_id":"`+old+`"`))
	dropped("the advertising id", page(yes+`,"idfa":"`+idfa+`"`))
	r.post(page(yes+`,"visitor_id":"new"`), represent).want(t, "another visitor", 200, `"outcome":"allowed"`)
	r.nowhere(old, idfa, strings.ToLower(idfa))
	if r.exported()["shop pageview dropped reset"] != 3 || r.metric("sekisho_resets_total") != "4" {
		t.Errorf("dropped %d, resets %s", r.exported()["shop pageview dropped reset"], r.metric("sekisho_resets_total"))
	}
}

// TestResetHolds: once a reset is answered, no event under the identifier gets
// into Kafka, not even one that was decided before and waited for its batch.
func TestResetHolds(t *testing.T) {
	t.Parallel()
	r := start(t)
	topic := r.cluster.Config().Topics.Events
	for round := range 4 {
		id := fmt.Sprintf("visitor-%d", round)
		var stop atomic.Bool
		var group sync.WaitGroup
		for range 8 {
			group.Go(func() {
				for !stop.Load() {
					if a := r.post("[" + strings.Repeat(page(yes+`,"visitor_id":"`+id+`"`)+",", 20) + page(yes+`,"visitor_id":"`+id+`"`) + "]"); a.status != 204 {
						t.Errorf("status %d", a.status)
						return
					}
				}
			})
		}
		passed := func() uint64 { return r.exported()["shop pageview allowed granted"] }
		wait(t, "events pass", func() bool { return passed() > 100 })
		r.do("POST", "/v1/reset", `{"visitor_id":"`+id+`"}`).want(t, "the reset", 202)
		var ends [partitions]int64
		for p := range ends {
			ends[p] = r.kafka.PartitionInfo(topic, int32(p)).HighWatermark
		}
		dropped := r.exported()["shop pageview dropped reset"]
		wait(t, "events are dropped", func() bool { return r.exported()["shop pageview dropped reset"] > dropped+200 })
		stop.Store(true)
		group.Wait()
		pseudonym := string(r.collector.keys.AppendPseudonym(nil, schemas.VisitorID, id))
		for _, m := range r.stored().events {
			if m.Offset >= ends[m.Partition] && strings.Contains(string(m.Value), pseudonym) {
				t.Fatalf("round %d: an event came %d records after the reset was answered", round, m.Offset-ends[m.Partition])
			}
		}
	}
}

// TestTurns: who waits waits for those who began before, and for nobody else.
func TestTurns(t *testing.T) {
	t.Parallel()
	var turns turns
	turns.wait()
	first := turns.enter()
	done := make(chan struct{})
	go func() { turns.wait(); close(done) }()
	wait(t, "somebody waits", func() bool { return turns.epoch.Load() == 2 })
	second := turns.enter() // later: it does not matter
	select {
	case <-done:
		t.Fatal("nobody waited for the first")
	case <-time.After(20 * time.Millisecond):
	}
	turns.leave(first)
	<-done
	turns.leave(second)

	var group sync.WaitGroup
	var inside [100]atomic.Int64
	var round atomic.Int64
	for range 8 {
		group.Go(func() {
			for range 2000 {
				turn := turns.enter()
				at := round.Load()
				inside[at].Add(1)
				inside[at].Add(-1)
				turns.leave(turn)
			}
		})
	}
	for i := range int64(99) {
		round.Store(i + 1)
		turns.wait()
		if n := inside[i].Load(); n != 0 {
			t.Errorf("%d are still in round %d", n, i)
		}
	}
	group.Wait()
	if turns.busy[0].Load() != 0 || turns.busy[1].Load() != 0 {
		t.Error("the counters do not come back to 0")
	}
}

// TestDeclinesAreLimited: whoever resets identifiers by declining, many times in a
// request, is held up as whoever asks for resets, even where requests are not
// limited; what was refused is not reset, and passes when it comes again later.
func TestDeclinesAreLimited(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config, _ *stream.Config) {
		c.Rate = 0
		c.TrustedProxies = []Prefix{{netip.MustParsePrefix("127.0.0.1/32")}}
	})
	hour := int64(time.Hour) // nothing comes back while the test runs
	r.collector.withdrawals.every, r.collector.withdrawals.depth = hour, withdrawalBurst*hour
	r.collector.withdrawals.tellApart(t, "192.0.2.1", "192.0.2.2")
	from := func(address string) string { return "X-Forwarded-For: " + address }
	declines := func(prefix string, n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`%s,"visitor_id":"%s%d","app_instance_id":"%s%d"}`, consentNo, prefix, i, prefix, i))
		}
		return "[" + strings.Join(all, ",") + "]"
	}
	length := r.enforcer.Resets().Set().Len
	r.post(declines("a", 10), from("192.0.2.1")).want(t, "ten declines", 204)
	if n := length(); n != 20 {
		t.Fatalf("%d identifiers are reset, want 20", n)
	}
	r.post(declines("a", 10), from("192.0.2.1")).want(t, "the same again", 204)
	r.post(declines("b", 400), from("192.0.2.1")).want(t, "many", 429, "too many choices")
	if n := length(); n > 20+withdrawalBurst {
		t.Errorf("%d identifiers are reset, want %d at most", n, 20+withdrawalBurst)
	}
	r.do("POST", "/v1/reset", `{"visitor_id":"c"}`, from("192.0.2.1")).want(t, "a reset by the same address", 429, "too many resets")
	r.do("POST", "/v1/reset", `{"visitor_id":"c"}`, from("192.0.2.2")).want(t, "by another", 202)
	r.post(page(yes), from("192.0.2.1")).want(t, "an event that resets nobody", 204)
	r.post(declines("d", 100), "X-Forwarded-For: 127.0.0.1").want(t, "by this machine itself", 204)
}

// TestWithdrawalsAreNotLost: a withdrawal that an ordinary event tells of, when there were
// too many from the address, is none yet: the client is told to come again, still has its
// cookie, and is heard then.
func TestWithdrawalsAreNotLost(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config, _ *stream.Config) { c.Rate = 1000 })
	limiter := r.collector.withdrawals
	limiter.every, limiter.depth = int64(time.Hour), int64(time.Hour) // nothing comes back while the test runs
	for i, refusal := range []string{page(no), page(consentTo("analytics")), page(no + `,"id":"first"`)} {
		a := r.post(page(yes+of(time.Second)), shop)
		id, mine := a.visitor(t), a.cookie()
		limiter.allow(netip.MustParseAddr("127.0.0.1"), time.Now())
		held := r.post(refusal, shop, mine)
		held.want(t, refusal, 429, "send the request again")
		if n := len(r.resetKinds()); n != i || len(held.cookies()) != 0 {
			t.Errorf("%s: the browser is told %v, and %d are reset, want %d", refusal, held.cookies(), n, i)
		}
		for j := range limiter.buckets {
			limiter.buckets[j].Store(0)
		}
		again := r.post(refusal, shop, mine)
		if value, gone := again.forgottenOrNew(id); !gone || value != "" {
			t.Errorf("%s: when it comes again the cookie is %q", refusal, value)
		}
	}
}
