package ingest

import (
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/enforcer/registry"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// null makes nothing durable.
type null struct{}

func (null) Submit([]stream.Message) (*stream.Waiter, error) { return stream.Durable(), nil }
func (null) Count(schemas.Decision) bool                     { return true }
func (null) Settle()                                         {}

// typical is a page view as the tracker sends it.
func typical() string {
	id := soonID()
	return `{"id":"` + id + `","time":"` + time.Now().UTC().Format("2006-01-02T15:04:05.000Z") + `","site":"shop","type":"pageview",` +
		`"consent":{"policy":"2026-10-01","analytics":true,"advertising":true,"social":false},` +
		`"url":"https://shop.example.jp/category/shoes?page=2&utm_source=newsletter&utm_medium=email&utm_campaign=autumn","title":"Shoes, page 2 - Example Shop",` +
		`"language":"ja-JP","timezone":"Asia/Tokyo","screen_width":1920,"screen_height":1080,"viewport_width":1680,"viewport_height":920,` +
		`"session_id":"0190163d-8694-739b-aea5-966c26f8ad91","referrer":"https://www.example.com/search?q=shoes",` +
		`"utm_source":"newsletter","utm_medium":"email","utm_campaign":"autumn"}`
}

// alone is a collector beside which nothing else allocates.
func alone(t testing.TB) *Collector {
	t.Helper()
	hasher := must(registry.NewHasher([]byte(strings.Repeat("r", registry.MinSecret))))(t)
	keys := must(enforcer.NewKeys("k1", []byte(strings.Repeat("p", enforcer.MinSecret))))(t)
	table := enforcer.Compile(must(policy.Parse(policy.Example))(t))
	return New(Options{
		Config: DefaultConfig(), Enforcer: enforcer.New(table, keys, enforcer.NewResets(hasher)), Keys: keys, Events: null{},
		Ready: func() error { return nil }, Metrics: metrics.NewSet(), Log: slog.New(slog.DiscardHandler),
	})
}

func BenchmarkHandler(b *testing.B) {
	c := alone(b)
	resets := c.enforcer.Resets()
	for i := range 1000 {
		resets.Put(&schemas.Reset{Field: schemas.VisitorID, Hash: resets.Hash(schemas.VisitorID, fmt.Sprint(i)), At: time.Now()})
	}
	c.limiter = newLimiter(1e6, 1e6) // takes part, and lets all through
	remote := &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 50000}
	request := func(body string) *fasthttp.RequestCtx {
		ctx := new(fasthttp.RequestCtx)
		ctx.Init(&fasthttp.Request{}, remote, nil)
		h := &ctx.Request.Header
		h.SetMethod("POST")
		ctx.Request.SetRequestURI("/v1/events")
		h.SetContentType("text/plain;charset=UTF-8")
		h.Set("Origin", "https://shop.example.jp")
		h.SetUserAgent("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36")
		h.SetCookie("sekisho_id", "AAAAAAAAAAAAAAAAAAAAAA.R-CpDQYig2AD") // both were granted
		h.SetCookie("sekisho_consent", "1.2026-10-01.analytics+advertising")
		h.SetCookie("_ga", "GA1.1.1234567890.1700000000")
		ctx.Request.SetBodyString(body)
		return ctx
	}
	run := func(name, body string, prepare func(*fasthttp.RequestCtx), want int) {
		b.Run(name, func(b *testing.B) {
			ctx := request(body)
			prepare(ctx)
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				ctx.Response.Reset()
				c.handle(ctx)
			}
			if got := ctx.Response.StatusCode(); got != want {
				b.Fatalf("%d %s", got, ctx.Response.Body())
			}
		})
	}
	nothing := func(*fasthttp.RequestCtx) {}
	event := typical()
	bare := func(ctx *fasthttp.RequestCtx) { ctx.Request.Header.DelAllCookies() }
	without := strings.Replace(event, `"analytics":true,"advertising":true`, `"analytics":false,"advertising":false`, 1)
	run("allowed", event, nothing, 204)
	run("anonymised", without, bare, 204)
	run("dropped", strings.Replace(without, `"type":"pageview"`, `"type":"ad_click","ad_placement":"top"`, 1), bare, 204)
	run("rejected", strings.Replace(event, `"title":"`, `"title":1,"x":"`, 1), nothing, 400)
	run("allowed 20 at once", "["+strings.Repeat(event+",", 19)+event+"]", nothing, 204)
	run("allowed, gzip", compressed(b, "gzip", event), func(ctx *fasthttp.RequestCtx) { ctx.Request.Header.SetContentEncoding("gzip") }, 204)
	run("allowed, zstd", compressed(b, "zstd", event), func(ctx *fasthttp.RequestCtx) { ctx.Request.Header.SetContentEncoding("zstd") }, 204)
	run("allowed, br", compressed(b, "br", event), func(ctx *fasthttp.RequestCtx) { ctx.Request.Header.SetContentEncoding("br") }, 204)
	run("allowed, with a result", event, func(ctx *fasthttp.RequestCtx) { ctx.Request.Header.Set("Prefer", "return=representation") }, 200)
}
