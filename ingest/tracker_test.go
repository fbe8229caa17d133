package ingest

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/schemas/policy"
)

// askTracker asks a collector under the example policy for the script.
func askTracker(t *testing.T, method, uri string) *fasthttp.Response {
	t.Helper()
	p, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	c := New(Options{
		Config:   DefaultConfig(),
		Enforcer: enforcer.New(enforcer.Compile(p), nil, nil),
		Metrics:  metrics.NewSet(),
		Log:      slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	var ctx fasthttp.RequestCtx
	ctx.Request.Header.SetMethod(method)
	ctx.Request.SetRequestURI(uri)
	c.handle(&ctx)
	return &ctx.Response
}

func TestTrackerKnowsTheSitesPolicy(t *testing.T) {
	answer := askTracker(t, "GET", "/sekisho.js?site=shop")
	if answer.StatusCode() != fasthttp.StatusOK || string(answer.Header.ContentType()) != "text/javascript; charset=utf-8" {
		t.Fatalf("got %d %s", answer.StatusCode(), answer.Header.ContentType())
	}
	_, rest, found := bytes.Cut(answer.Body(), []byte("const config = "))
	text, _, ended := bytes.Cut(rest, []byte(";\n"))
	if !found || !ended {
		t.Fatal("the script has no configuration")
	}
	var got trackerConfig
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("the configuration %s is not JSON: %v", text, err)
	}
	want := trackerConfig{
		Site:     "shop",
		Policy:   "2026-10-01",
		Material: "2022-04-01",
		GPC:      []string{"advertising", "social"},
		Events: map[string]trackerRule{
			"pageview":      {"analytics", "anonymised"},
			"ad_impression": {"advertising", "dropped"},
			"ad_click":      {"advertising", "dropped"},
			"conversion":    {"advertising", "dropped"},
			"consent":       {"necessary", "allowed"},
			"custom":        {"analytics", "dropped"},
		},
		Named: map[string]trackerRule{"share": {"social", "dropped"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestTrackerTellsNoVisitorFromAnother(t *testing.T) {
	answer := askTracker(t, "GET", "/sekisho.js?site=shop")
	for _, name := range []string{"Set-Cookie", "ETag", "Last-Modified"} {
		if value := answer.Header.Peek(name); len(value) > 0 {
			t.Errorf("the script comes with %s: %s", name, value)
		}
	}
	if again := askTracker(t, "GET", "/sekisho.js?site=shop"); !bytes.Equal(again.Body(), answer.Body()) {
		t.Error("the script differs from request to request")
	}
	if got := string(answer.Header.Peek("Access-Control-Allow-Origin")); got != "*" {
		t.Errorf("with the attribute crossorigin %q may load it", got)
	}
	if got := string(answer.Header.Peek("Cache-Control")); got != "public, max-age=300" {
		t.Errorf("Cache-Control is %q", got)
	}
}

func TestTrackerIsRefused(t *testing.T) {
	check := func(method, uri string, status int, says string) {
		t.Helper()
		answer := askTracker(t, method, uri)
		if answer.StatusCode() != status || !strings.Contains(string(answer.Body()), says) {
			t.Errorf("%s %s: got %d %s", method, uri, answer.StatusCode(), answer.Body())
		}
	}
	check("GET", "/sekisho.js", 404, "site must be one of")
	check("GET", "/sekisho.js?site=", 404, "site must be one of")
	check("GET", "/sekisho.js?site=elsewhere", 404, "site must be one of")
	check("POST", "/sekisho.js?site=shop", 405, "use GET")
	check("HEAD", "/sekisho.js?site=shop", 200, "")
}
