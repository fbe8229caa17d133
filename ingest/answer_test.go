package ingest

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

func compressed(t testing.TB, coding, text string) string {
	t.Helper()
	var out bytes.Buffer
	var w interface {
		Write([]byte) (int, error)
		Close() error
	}
	switch coding {
	case "gzip":
		w = gzip.NewWriter(&out)
	case "br":
		w = brotli.NewWriterLevel(&out, brotli.BestSpeed)
	case "zstd":
		w = must(zstd.NewWriter(&out))(t)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// TestAnswers is the table of README.md's answers.
func TestAnswers(t *testing.T) {
	t.Parallel()
	r := start(t)
	want := map[string]uint64{}
	check := func(what string, a answer, status int, accounted map[string]uint64, parts ...string) {
		t.Helper()
		a.want(t, what, status, parts...)
		for key, n := range accounted {
			want[key] += n
		}
	}
	type events = map[string]uint64
	allowed := events{"shop pageview allowed granted": 1}
	unreadable := events{" unknown rejected unreadable": 1}
	media := events{" unknown rejected media_type": 1}
	invalid := events{"shop pageview rejected invalid": 1}
	anonymised := events{"shop pageview anonymised silent": 1}

	check("one event", r.post(page(yes)), 204, allowed)
	check("an array", r.post("["+page(yes)+","+page("")+"]"), 204, events{"shop pageview allowed granted": 1, "shop pageview anonymised silent": 1})
	check("a dropped one", r.post(`{"type":"ad_click","site":"shop","ad_placement":"top"}`), 204, events{"shop ad_click dropped silent": 1})
	check("text/plain, as sendBeacon sends it", r.post(page(""), "Content-Type: text/plain;charset=UTF-8"), 204, anonymised)
	check("a type in other letters", r.post(page(""), "Content-Type: Application/JSON"), 204, anonymised)
	for _, coding := range []string{"gzip", "br", "zstd"} {
		check(coding, r.post(compressed(t, coding, page(yes)), "Content-Encoding: "+coding), 204, allowed)
		check(coding+" of something else", r.post(page(yes), "Content-Encoding: "+coding), 400, unreadable, "not what its Content-Encoding says")
		check(coding+" cut off", r.post(compressed(t, coding, page(yes))[:30], "Content-Encoding: "+coding), 400, unreadable)
	}
	check("gzip in other letters", r.post(compressed(t, "gzip", page(yes)), "Content-Encoding: GZip"), 204, allowed)
	check("identity", r.post(page(yes), "Content-Encoding: identity"), 204, allowed)
	check("deflate", r.post(page(yes), "Content-Encoding: deflate"), 415, media, "gzip, br or zstd")
	check("two codings", r.post(page(yes), "Content-Encoding: gzip, br"), 415, media)
	check("two lines of codings", r.post(page(yes), "Content-Encoding: gzip", "Content-Encoding: br"), 415, media)
	check("a form", r.post("a=b", "Content-Type: application/x-www-form-urlencoded"), 415, media, "application/json or text/plain")
	check("no body", r.do("POST", "/v1/events", ""), 400, unreadable)
	check("no event", r.post("[]"), 400, unreadable, "no events")
	check("no object", r.post("[1]"), 400, events{" unknown rejected invalid": 1}, `"index":0`, "must be an object")
	check("an unknown site", r.post(`{"type":"pageview","site":"nowhere","url":"https://a.example/"}`), 400, events{" pageview rejected unknown_site": 1}, `"path":"site"`)
	check("a good and a bad one", r.post("["+page(yes)+","+page(`"title":1`)+","+page("")+"]"), 400,
		events{"shop pageview allowed granted": 1, "shop pageview rejected invalid": 1, "shop pageview anonymised silent": 1},
		`"index":1,"path":"title","problem":"must be a string"`, "1 of 3 events were rejected; the others were taken")
	check("an undeclared property", r.post(page(`"properties":{"mood":"good"}`)), 400, invalid, `"path":"properties.mood"`)
	check("a property of another type", r.post(page(`"properties":{"items":"many"}`)), 400, invalid, `"path":"properties.items"`)
	check("the origin of another site", r.post(page(yes), "Origin: https://news.example.jp"), 403, events{"shop pageview rejected origin": 1}, `"path":"site"`)
	check("the origin of no site", r.post(page(yes), "Origin: https://evil.example"), 403, events{" unknown rejected origin": 1})
	check("GET", r.do("GET", "/v1/events", ""), 405, nil)
	check("nothing", r.do("GET", "/v2/events", ""), 404, nil)
	check("health", r.do("GET", "/healthz", ""), 200, nil, "ok")
	check("readiness", r.do("GET", "/readyz", ""), 200, nil, "ready")
	check("pixel", r.do("GET", "/v1/pixel.gif?site=shop&url=https://shop.example.jp/", ""), 200, anonymised, "GIF89a")
	check("pixel of another page", r.do("GET", "/v1/pixel.gif?site=shop&url=https://evil.example/", ""), 403, events{"shop pageview rejected origin": 1})
	check("pixel without a site", r.do("GET", "/v1/pixel.gif?url=https://shop.example.jp/", ""), 400, events{" pageview rejected invalid": 1}, `"path":"site"`)
	check("pixel of a parameter twice", r.do("GET", "/v1/pixel.gif?site=shop&site=news&url=https://shop.example.jp/", ""), 400, invalid, "appears twice")
	check("pixel by POST", r.do("POST", "/v1/pixel.gif", page("")), 405, nil)
	r.accounted(want)
}

// TestRepresentation: what became of each event, when the client asks for it.
func TestRepresentation(t *testing.T) {
	t.Parallel()
	r := start(t)
	const id = "0190163D-8694-739B-AEA5-966C26F8AD91"
	body := "[" + strings.Join([]string{
		page(`"id":"` + id + `","time":"` + soon() + `",` + yes),
		page(yes),
		page(`"title":"kept by nobody","id":"` + strings.ToLower(id) + `","time":"` + soon() + `"`),
		page(""),
		`{"type":"ad_click","site":"shop","ad_placement":"top"}`,
		page(`"visitor_id":"v1","ad_click_id":"g","consent":{"analytics":true}`),
		page(`"title":7`),
	}, ",") + "]"
	a := r.post(body, represent)
	a.want(t, "the batch", 400)
	got := a.represented(t)
	want := []struct {
		id       string
		outcome  schemas.Outcome
		reason   schemas.Reason
		stripped []string // and nothing else
	}{
		{id, schemas.Allowed, schemas.ReasonGranted, nil},
		{"*", schemas.Allowed, schemas.ReasonGranted, nil},
		{strings.ToLower(id), schemas.Anonymised, schemas.ReasonSilent, []string{"title"}},
		{"", schemas.Anonymised, schemas.ReasonSilent, nil}, // an id of ours could single someone out
		{"", schemas.Dropped, schemas.ReasonSilent, nil},
		{"*", schemas.Allowed, schemas.ReasonGranted, []string{"ad_click_id"}},
		{"", schemas.Rejected, schemas.ReasonInvalid, nil},
	}
	if len(got.Events) != len(want) {
		t.Fatalf("%d results, want %d: %s", len(got.Events), len(want), a.body)
	}
	for i, w := range want {
		g := got.Events[i]
		if g.Outcome != w.outcome || g.Reason != w.reason || g.ID != w.id && (w.id != "*" || len(g.ID) != 36) {
			t.Errorf("event %d: got %+v, want %+v", i, g, w)
		}
		if !slices.Equal(g.Stripped, w.stripped) {
			t.Errorf("event %d: %v were stripped, want %v", i, g.Stripped, w.stripped)
		}
	}
	a = r.post(page(yes), represent)
	a.want(t, "one event", 200, `"outcome":"allowed"`)
	if a.header.Get("Preference-Applied") != "return=representation" || a.header.Get("Cache-Control") != "no-store" {
		t.Errorf("the headers are %v", a.header)
	}
}

// TestPrefer reads the header as RFC 7240 has it.
func TestPrefer(t *testing.T) {
	t.Parallel()
	check := func(want bool, lines ...string) {
		t.Helper()
		var h fasthttp.RequestHeader
		for _, line := range lines {
			h.Add("Prefer", line)
		}
		if got := prefersRepresentation(&h); got != want {
			t.Errorf("%q: got %v", lines, got)
		}
	}
	check(false)
	check(true, "return=representation")
	check(true, "Return = Representation")
	check(true, `return="representation"`)
	check(true, "respond-async, return=representation; a=b, wait=10")
	check(true, "respond-async", "return=representation")
	check(false, "return=minimal")
	check(false, "return=minimal, return=representation") // the first counts
	check(true, "return=representation", "return=minimal")
	check(false, "noreturn=representation")
	check(false, "return=representational")
	check(false, "x=return=representation")
	check(false, "return")
	check(false, ",,;=")
}

// TestLargestEvent: the largest event that the schema and a policy can take
// becomes a record that Kafka takes, and so does a full body of them.
func TestLargestEvent(t *testing.T) {
	t.Parallel()
	r := start(t)
	text := string(policy.Example)
	declared, sent := "", ""
	for i := range schemas.MaxProperties {
		name := fmt.Sprintf("p%02d%s", i, strings.Repeat("x", 61))
		declared += fmt.Sprintf("      %s: {type: text, category: usage_history}\n", name)
		sent += fmt.Sprintf(",%q:%q", name, strings.Repeat(`"`, schemas.MaxPropertyText))
	}
	const plan = "      plan: {type: text, category: attribute}\n"
	if !strings.Contains(text, plan) {
		t.Fatal("the example policy has changed")
	}
	p, err := policy.Parse([]byte(strings.Replace(text, plan, plan+declared, 1)))
	if err != nil {
		t.Fatal(err)
	}
	r.enforcer.SetTable(enforcer.Compile(p))

	event := largest(`"properties":{` + sent[1:] + "}")
	r.post(event).want(t, "the largest event", 204)
	n := 1<<20/len(event) - 1
	batch := "[" + strings.Repeat(event+",", n-1) + event + "]"
	r.post(batch).want(t, "a batch of the largest events", 204)
	longest := 0
	for _, m := range r.stored().events {
		longest = max(longest, len(m.Key)+len(m.Value))
	}
	t.Logf("an event of %d bytes makes a record of %d", len(event), longest)
	r.accounted(map[string]uint64{"shop pageview allowed granted": uint64(n) + 1})
}

// largest is an event with every field as long as it may be, in characters
// that JSON doubles.
func largest(more string) string {
	texts := []string{yes, more}
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		limit := int(f.Definition().Max)
		switch f.Definition().Kind {
		case schemas.KindText:
			texts = append(texts, fmt.Sprintf("%q:%q", f, strings.Repeat(`"`, limit)))
		case schemas.KindURI:
			if f != schemas.URL {
				texts = append(texts, fmt.Sprintf("%q:%q", f, "https://a.example/?"+strings.Repeat(`"`, limit-19)))
			}
		case schemas.KindIdentifier:
			texts = append(texts, fmt.Sprintf("%q:%q", f, strings.Repeat("i", limit)))
		}
	}
	return page(strings.Join(texts, ","))
}

// soon is a time that is not too old whenever the tests run.
func soon() string      { return time.Now().UTC().Format(time.RFC3339) }
func itoa(n int) string { return strconv.Itoa(n) }
