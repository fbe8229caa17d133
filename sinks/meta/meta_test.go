package meta

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/schemas"
	"sekisho/schemas/strict"
	"sekisho/sinks/forward"
	"sekisho/sinks/forward/forwardtest"
	"sekisho/sinks/standin"
)

var now = time.Date(2026, 11, 25, 12, 10, 0, 0, time.UTC)

// kindOf makes a kind whose clock stands still.
func kindOf() *Kind {
	c := Config{
		Pixels: map[string]Pixel{"*": {ID: "1234", Token: strict.NewSecret("t0ken")}},
		Events: map[string]string{"booked": "Purchase"},
	}
	c.SetDefaults()
	k := New(c, "meta", metrics.NewSet())
	k.now = func() time.Time { return now }
	return k
}

func meta(t testing.TB, k *Kind) *standin.Server {
	t.Helper()
	s, err := standin.StartMeta(standin.Options{Listen: "127.0.0.1:0", Now: func() time.Time { return now }}, standin.Meta{
		Pixel: "1234", Token: "t0ken", TestCode: "TEST1",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	k.config.Endpoint = s.URL()
	return s
}

// send sends a batch and returns what the answer means.
func send(t testing.TB, k *Kind, bodies ...[]byte) forward.Answer {
	t.Helper()
	batch := &forward.Batch{Group: "*", Bodies: bodies}
	request, err := k.Request(context.Background(), batch)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		return forward.Answer{Verdict: forward.Retry, Reason: "network"}
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return k.Classify(batch, &forward.Response{Status: r.StatusCode, Header: r.Header, Body: body})
}

const accepted = `"consent":{"analytics":true,"advertising":true,"social":true}`

// hashes are made of the deployment's secret.
var hashes = regexp.MustCompile(`"[0-9a-f]{64}"|"[0-9a-f]{32}"`)

func TestProject(t *testing.T) {
	p := forwardtest.ExamplePolicy(t)
	to := p.Recipients["meta"]
	to.Purposes = append(to.Purposes, schemas.Analytics)
	to.Categories = append(to.Categories, schemas.Location)
	p.Recipients["meta"] = to
	w := forwardtest.New(t, p)
	k := kindOf()
	check := func(event, want string) {
		t.Helper()
		if !strings.Contains(event, `"consent"`) {
			event += "," + accepted
		}
		e := w.Event(t, "meta", `{"id":"0190163d-8694-739b-aea5-966c26f8ad91","time":"2026-11-25T12:00:00.9Z",`+event+`}`)
		if e == nil {
			t.Fatalf("%s: meta may not have it", event)
		}
		body, _, err := k.Project(nil, e)
		got := hashes.ReplaceAllString(string(body), `"HASH"`)
		if err != nil {
			got = err.Error()
		}
		if got != strings.Replace(want, "AT", `"event_time":1795608000,"event_id":"0190163d-8694-739b-aea5-966c26f8ad91"`, 1) {
			t.Errorf("%s\ngot  %s\nwant %s", event, got, want)
		}
	}
	const user = `"user_data":{"external_id":["HASH"]}`
	check(`"type":"pageview","site":"shop","visitor_id":"v","url":"https://shop.example.jp/tea?page=2&fbclid=x","title":"T","referrer":"https://a.example/?q","user_agent":"Firefox","fbp":"fb.1.1596403881668.1116446470","fbc":"fb.1.1596403881668.AbC"`,
		`{"event_name":"PageView",AT,"action_source":"website","event_source_url":"https://shop.example.jp/tea?page=2","referrer_url":"https://a.example/",`+
			`"user_data":{"external_id":["HASH"],"fbp":"fb.1.1596403881668.1116446470","fbc":"fb.1.1596403881668.AbC","client_user_agent":"Firefox"},"custom_data":{"content_name":"T"},"data_processing_options":[]}`)
	check(`"type":"conversion","site":"shop","visitor_id":"v","user_id":"u","name":"order","value":1200,"currency":"jpy","order_id":"A-1","properties":{"items":2}`,
		`{"event_name":"Purchase",AT,"action_source":"other","user_data":{"external_id":["HASH","HASH"]},"custom_data":{"currency":"JPY","value":1200,"order_id":"HASH","items":2},"data_processing_options":[]}`)
	check(`"type":"conversion","site":"shop","visitor_id":"v","name":"order","currency":"JPY"`,
		`{"event_name":"order",AT,"action_source":"other",`+user+`,"custom_data":{},"data_processing_options":[]}`)
	check(`"type":"conversion","site":"shop","visitor_id":"v","name":"booked","value":1,"currency":"JPY"`,
		`{"event_name":"Purchase",AT,"action_source":"other",`+user+`,"custom_data":{"currency":"JPY","value":1},"data_processing_options":[]}`)
	check(`"type":"conversion","site":"shop","visitor_id":"v","name":"lead"`, `{"event_name":"Lead",AT,"action_source":"other",`+user+`,"custom_data":{},"data_processing_options":[]}`)
	check(`"type":"conversion","site":"shop","visitor_id":"v"`, `{"event_name":"Conversion",AT,"action_source":"other",`+user+`,"custom_data":{},"data_processing_options":[]}`)
	check(`"type":"ad_click","site":"shop","visitor_id":"v","ad_placement":"top","ad_campaign":"autumn"`,
		`{"event_name":"AdClick",AT,"action_source":"other",`+user+`,"custom_data":{"ad_campaign":"autumn","ad_placement":"top"},"data_processing_options":[]}`)
	check(`"type":"ad_click","site":"shop","visitor_id":"v","ad_placement":"top","price":0.2,"currency":"EUR"`,
		`{"event_name":"AdClick",AT,"action_source":"other",`+user+`,"custom_data":{"ad_price":0.2,"ad_placement":"top"},"data_processing_options":[]}`)
	const app = `"type":"conversion","site":"shop","idfa":"EA7583CD-A667-48BC-B806-42ECB2B48606","user_agent":"App/2 (iPhone; CPU iPhone OS 18_6 like Mac OS X)",`
	const sent = `"application_tracking_enabled":1,"extinfo":["i2","","","","18.6","","","","","","","","","","",""]},"user_data":{"madid":"ea7583cd-a667-48bc-b806-42ecb2b48606",` +
		`"client_user_agent":"App/2 (iPhone; CPU iPhone OS 18_6 like Mac OS X)"},"custom_data":{},"data_processing_options":[]}`
	// Whether the advertiser may track is what the phone said, and not what nobody did.
	check(app+accepted, `{"event_name":"Conversion",AT,"action_source":"app","app_data":{"advertiser_tracking_enabled":0,`+sent)
	check(app+strings.Replace(accepted, "{", `{"limit_ad_tracking":false,`, 1), `{"event_name":"Conversion",AT,"action_source":"app","app_data":{"advertiser_tracking_enabled":1,`+sent)
	check(app+strings.Replace(accepted, "{", `{"att":"authorized",`, 1), `{"event_name":"Conversion",AT,"action_source":"app","app_data":{"advertiser_tracking_enabled":1,`+sent)
	check(`"type":"conversion","site":"shop","idfa":"EA7583CD-A667-48BC-B806-42ECB2B48606","country":"JP","app_version":"2.1","screen_width":390,"user_agent":"App/2 (iPhone; CPU iPhone OS 18_6 like Mac OS X)"`,
		`{"event_name":"Conversion",AT,"action_source":"app","app_data":{"advertiser_tracking_enabled":0,"application_tracking_enabled":1,`+
			`"extinfo":["i2","","2.1","","18.6","","","","","390","","","","","",""]},"user_data":{"madid":"ea7583cd-a667-48bc-b806-42ecb2b48606",`+
			`"client_user_agent":"App/2 (iPhone; CPU iPhone OS 18_6 like Mac OS X)","country":"HASH"},"custom_data":{},"data_processing_options":[]}`)
	// Of which system nobody can tell.
	check(`"type":"conversion","site":"shop","visitor_id":"v","gaid":"ea7583cd-a667-48bc-b806-42ecb2b48606"`,
		`{"event_name":"Conversion",AT,"action_source":"other",`+user+`,"custom_data":{},"data_processing_options":[]}`)
	// Opted in by silence, where the law is one of opting out.
	check(`"type":"conversion","site":"travel","visitor_id":"v","region":"US-CA","consent":{}`,
		`{"event_name":"Conversion",AT,"action_source":"other","user_data":{"external_id":["HASH"],"st":"HASH"},"custom_data":{},`+
			`"data_processing_options":["LDU"],"data_processing_options_country":1,"data_processing_options_state":1000}`)
	check(`"type":"conversion","site":"travel","visitor_id":"v","region":"US-TX","consent":{}`,
		`{"event_name":"Conversion",AT,"action_source":"other","user_data":{"external_id":["HASH"],"st":"HASH"},"custom_data":{},`+
			`"data_processing_options":["LDU"],"data_processing_options_country":0,"data_processing_options_state":0}`)
	check(`"type":"conversion","site":"shop","user_agent":"Firefox"`, "the vendor takes no such event: no_identifier")
}

// Without leave in the policy event_id, cookies and order numbers are Meta's
// alone; a retry has the same.
func TestIdentifiersAreMetasAlone(t *testing.T) {
	p := forwardtest.ExamplePolicy(t)
	to := p.Recipients["meta"]
	to.Identifiers = nil
	p.Recipients["meta"] = to
	w := forwardtest.New(t, p)
	k := kindOf()
	const event = `{"id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"conversion","site":"shop","time":"2026-11-25T12:00:00Z","visitor_id":"v-raw","order_id":"order-raw",` +
		`"fbp":"fb.1.1596403881668.1116446470","idfa":"EA7583CD-A667-48BC-B806-42ECB2B48606",` + accepted + `}`
	first, _, err := k.Project(nil, w.Event(t, "meta", event))
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := k.Project(nil, w.Event(t, "meta", event))
	if err != nil || string(again) != string(first) {
		t.Errorf("got %s, then %s, %v", first, again, err)
	}
	for _, raw := range []string{"0190163d-8694", "v-raw", "order-raw", "1116446470", "ea7583cd"} {
		if strings.Contains(strings.ToLower(string(first)), raw) {
			t.Errorf("%s is in %s", raw, first)
		}
	}
}

func TestSystemVersion(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6_1 like Mac OS X) AppleWebKit/605.1.15": "18.6.1",
		"Mozilla/5.0 (iPad; CPU OS 17_5 like Mac OS X)":                                 "17.5",
		"Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36":                   "15",
		"okhttp/4.12.0 Android/14":                                                      "14",
		"Shop/3.2 (iOS 18.0; iPhone16,1)":                                               "18.0",
		"Shop/3.2 CFNetwork/1494.0.7 Darwin/23.4.0":                                     "", "": "",
	} {
		if got := systemVersion(agent); got != want {
			t.Errorf("%q: got %q, want %q", agent, got, want)
		}
	}
}

func TestClassify(t *testing.T) {
	k := kindOf()
	batch := &forward.Batch{Bodies: make([][]byte, 3)}
	check := func(status int, body string, verdict forward.Verdict, reason string) {
		t.Helper()
		if got := k.Classify(batch, &forward.Response{Status: status, Body: []byte(body)}); got.Verdict != verdict || got.Reason != reason {
			t.Errorf("%d %s: got %+v", status, body, got)
		}
	}
	fail := func(members string) string {
		return `{"error":{"message":"m","type":"OAuthException",` + members + `}}`
	}
	check(200, `{"events_received":3,"messages":[]}`, forward.Done, "")
	check(200, `{"events_received":2}`, forward.Permanent, "partly_received")
	check(200, `{}`, forward.Retry, "no_receipt")
	check(200, `{"events_received":null}`, forward.Retry, "no_receipt")
	check(200, `<html>`, forward.Retry, "no_receipt")
	check(302, `<html>`, forward.Pause, "redirected")
	check(400, fail(`"code":190`), forward.Pause, "token")
	check(403, fail(`"code":200`), forward.Pause, "permission")
	check(400, fail(`"code":100`), forward.Permanent, "invalid_parameter")
	check(400, fail(`"code":100,"error_subcode":2804003`), forward.Permanent, "too_old")
	for _, code := range []int{4, 17, 32, 613} {
		check(400, fail(fmt.Sprintf(`"code":%d`, code)), forward.Throttled, "rate_limited")
	}
	check(500, fail(`"code":2`), forward.Retry, "transient")
	check(400, fail(`"code":1`), forward.Retry, "transient")
	check(400, fail(`"code":99,"is_transient":true`), forward.Retry, "transient")
	check(400, fail(`"code":2500`), forward.Permanent, "refused")
	check(503, "", forward.Retry, "server_error")
	check(429, "no", forward.Throttled, "rate_limited")
	check(404, "", forward.Pause, "no_such_endpoint")
}

// What the stand-in does wrong, the answer tells.
func TestMisbehaviour(t *testing.T) {
	k := kindOf()
	s := meta(t, k)
	w := forwardtest.Example(t)
	w.Now = func() time.Time { return now }
	var bodies [][]byte
	for i := range 4 {
		body, _, err := k.Project(nil, w.Event(t, "meta", fmt.Sprintf(`{"id":"0190163d-8694-739b-aea5-966c26f8ad9%d","type":"conversion","site":"shop","visitor_id":"v",%s}`, i, accepted)))
		if err != nil {
			t.Fatal(err)
		}
		bodies = append(bodies, body)
	}
	check := func(fault standin.Kind, verdict forward.Verdict, reason string, events uint64) {
		t.Helper()
		s.Misbehave(standin.Fault{Kind: fault, Times: 1})
		if got := send(t, k, bodies...); got.Verdict != verdict || got.Reason != reason {
			t.Errorf("%s: got %+v", fault, got)
		}
		if r := s.Received(); r.Events != events || r.Doubled > 0 || r.Violations > 0 {
			t.Errorf("%s: %d events, want %d; doubled %d, violations %d", fault, r.Events, events, r.Doubled, r.Violations)
		}
	}
	check(standin.Throttle, forward.Throttled, "rate_limited", 0)
	check(standin.Limit, forward.Throttled, "rate_limited", 0)
	check(standin.Error, forward.Retry, "transient", 0)
	check(standin.Revoke, forward.Pause, "token", 0)
	check(standin.Down, forward.Retry, "network", 0)
	check(standin.Half, forward.Permanent, "partly_received", 2)
	check(standin.Reset, forward.Retry, "network", 4) // taken, and sent again it is known
	check(standin.Delay, forward.Done, "", 4)
	if r := s.Received(); r.Deduplicated != 6 {
		t.Errorf("deduplicated %d, want 6", r.Deduplicated)
	}
	old := []byte(strings.Replace(string(bodies[0]), fmt.Sprint(now.Unix()), fmt.Sprint(now.Add(-8*24*time.Hour).Unix()), 1))
	if got := send(t, k, append(bodies, old)...); got.Verdict != forward.Permanent || got.Reason != "too_old" {
		t.Errorf("got %+v", got)
	}
}

// With a test event code the events are shown, and do not count.
func TestTestEventCode(t *testing.T) {
	k := kindOf()
	s := meta(t, k)
	k.config.TestEventCode = "TEST1"
	w := forwardtest.Example(t)
	w.Now = func() time.Time { return now }
	body, _, err := k.Project(nil, w.Event(t, "meta", `{"type":"conversion","site":"shop","visitor_id":"v",`+accepted+`}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := send(t, k, body); got.Verdict != forward.Done || s.Received().Events != 0 || s.Received().Violations != 0 {
		t.Errorf("got %+v, %+v", got, s.Received())
	}
}

// No address has the token in it: addresses are logged everywhere.
func TestTokenIsInTheBody(t *testing.T) {
	k := kindOf()
	request, err := k.Request(context.Background(), &forward.Batch{Group: "*", Bodies: [][]byte{[]byte("{}")}})
	if err != nil {
		t.Fatal(err)
	}
	if got := request.URL.String(); got != "https://graph.facebook.com/v24.0/1234/events" {
		t.Errorf("got %s", got)
	}
	body, err := io.ReadAll(request.Body)
	if want := `{"access_token":"t0ken","data":[{}]}`; err != nil || string(body) != want {
		t.Errorf("got %s, %v", body, err)
	}
}

func TestForget(t *testing.T) {
	state, err := kindOf().Forget(context.Background(), nil, &forward.Identity{Field: schemas.VisitorID})
	if err != nil || state != schemas.Unsupported {
		t.Errorf("got %v, %v", state, err)
	}
}

// Whatever the enforcer lets Meta have makes a batch that Meta takes.
func TestEveryRecordIsTaken(t *testing.T) {
	k := kindOf()
	s := meta(t, k)
	seed := rand.Uint64()
	r := forwardtest.Random{Rand: rand.New(rand.NewPCG(seed, 0))}
	sent := 0
	for policies := 0; policies < 12 || sent < 300; policies++ {
		if policies == 200 {
			t.Fatalf("seed %d: %d policies let next to nothing through: sent %d", seed, policies, sent)
		}
		p := r.Policy(t)
		w := forwardtest.New(t, p)
		w.Now = func() time.Time { return now }
		var bodies [][]byte
		for range 200 {
			event := r.Event(p, now)
			e := w.Event(t, "meta", event)
			if e == nil {
				continue
			}
			body, _, err := k.Project(nil, e)
			switch {
			case err == nil:
				bodies = append(bodies, body)
			case errors.Is(err, forward.ErrUnwanted) && e.Type == schemas.ConsentGiven:
			case errors.Is(err, forward.Unsendable("no_identifier")):
				if _, ok := e.Pseudonym(schemas.VisitorID); ok {
					t.Errorf("seed %d: %v: %s", seed, err, event)
				}
			default:
				t.Errorf("seed %d: %v: %s", seed, err, event)
			}
		}
		if len(bodies) == 0 {
			continue
		}
		if got := send(t, k, bodies...); got.Verdict != forward.Done {
			t.Errorf("seed %d: got %+v: %+v", seed, got, s.Received().Listed)
		}
		sent += len(bodies)
	}
	if got := s.Received(); got.Violations > 0 || got.Events+got.Deduplicated != uint64(sent) {
		t.Errorf("seed %d: sent %d, received %d, violations %+v", seed, sent, got.Events, got.Listed)
	}
}

func TestConfig(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		var c struct {
			Meta Config `yaml:"meta"`
		}
		c.Meta.SetDefaults()
		err := strict.Decode([]byte("meta:\n"+in), &c)
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%s\ngot %s, want %s", in, got, want)
		}
	}
	const pixel = `  pixels: {shop: {id: "12", token: "env:T"}}` + "\n"
	check(pixel, "")
	check(pixel+`  version: v25.0`, "")
	check(pixel+`  version: "25"`, "meta.version")
	check(`  test_event_code: T`, "meta.pixels")
	check(`  pixels: {shop: {id: x, token: "env:T"}}`, "meta.pixels.shop.id")
	check(`  pixels: {shop: {id: "12"}}`, "meta.pixels.shop.token")
	check(pixel+`  endpoint: http://graph.facebook.com`, "must be https, beyond this machine")
	check(pixel+`  events: {order: "`+strings.Repeat("a", 51)+`"}`, "meta.events.order")
}
