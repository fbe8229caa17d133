package ga4

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
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

func config() Config {
	secret := strict.NewSecret("s3cret")
	c := Config{
		Streams: map[string]Stream{
			"*":      {MeasurementID: "G-WEB1", APISecret: secret},
			"travel": {FirebaseAppID: "1:2:ios:3", APISecret: secret},
		},
		Events:   map[string]string{"booked": "purchase"},
		Deletion: Deletion{Property: "77", Token: strict.NewSecret("t0ken")},
	}
	c.SetDefaults()
	return c
}

// kindOf makes a kind whose clock stands still, and its counters.
func kindOf(c Config) (*Kind, *metrics.Set) {
	set := metrics.NewSet()
	k := New(c, "google", set)
	k.now = func() time.Time { return now }
	return k, set
}

func google(t testing.TB, k *Kind) *standin.Server {
	t.Helper()
	s, err := standin.StartGoogle(standin.Options{Listen: "127.0.0.1:0", Now: func() time.Time { return now }}, standin.Google{
		Secrets: map[string]string{"G-WEB1": "s3cret", "1:2:ios:3": "s3cret"}, Property: "77", Token: "t0ken",
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	k.config.Endpoint, k.config.Deletion.Endpoint = s.URL(), s.URL()
	return s
}

func do(request *http.Request) (*forward.Response, error) {
	r, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	return &forward.Response{Status: r.StatusCode, Header: r.Header, Body: body}, err
}

// payload is the whole request that one event makes alone.
func payload(t testing.TB, k *Kind, e *forward.Event) (address, body string) {
	t.Helper()
	text, group, err := k.Project(nil, e)
	if err != nil {
		return "", err.Error()
	}
	request, err := k.Request(context.Background(), &forward.Batch{Group: group, Bodies: [][]byte{text}})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := io.ReadAll(request.Body)
	if err != nil {
		t.Fatal(err)
	}
	return request.URL.String(), string(sent)
}

const accepted = `"consent":{"analytics":true,"advertising":true,"social":true}`

// What is made of the deployment's secret.
var (
	client = regexp.MustCompile(`"[0-9]{10}\.[0-9]{10}"|"[0-9a-f]{32}"`)
	uuid   = regexp.MustCompile(`"[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"`)
)

func TestProject(t *testing.T) {
	w := forwardtest.Example(t)
	w.Now = func() time.Time { return now }
	check := func(event, want string) {
		t.Helper()
		k, _ := kindOf(config())
		e := w.Event(t, "google", `{"time":"2026-11-25T12:00:00Z",`+accepted+`,`+event+`}`)
		if e == nil {
			t.Fatalf("%s: google may not have it", event)
		}
		_, got := payload(t, k, e)
		got = client.ReplaceAllString(uuid.ReplaceAllString(got, `"UUID"`), `"ID"`)
		want = strings.Replace(want, "AT", "1795608000000000", 1)
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", event, got, want)
		}
	}
	const (
		head = `{"client_id":"ID","consent":{"ad_user_data":"GRANTED","ad_personalization":"GRANTED"},`
		time = `"timestamp_micros":AT,"params":{"session_id":"1795608000","engagement_time_msec":1`
		id   = `,"event_id":"UUID"`
	)
	check(`"type":"pageview","site":"shop","visitor_id":"v","url":"https://shop.example.jp/tea?page=2&x=1#a","title":"お茶 \"茶\"","referrer":"https://a.example/b?c","language":"ja","screen_width":1920,"screen_height":1080`,
		head+`"events":[{"name":"page_view",`+time+id+`,"page_location":"https://shop.example.jp/tea?page=2","page_referrer":"https://a.example/b","page_title":"お茶 \"茶\"","language":"ja","screen_resolution":"1920x1080"}}]}`)
	check(`"type":"pageview","site":"shop","ga":"GA1.1.11.22","visitor_id":"v","url":"https://shop.example.jp/","user_agent":"Firefox","engagement_ms":1200`,
		`{"client_id":"11.22","user_id":"ID","consent":{"ad_user_data":"GRANTED","ad_personalization":"GRANTED"},"user_agent":"Firefox","events":[{"name":"page_view",`+
			strings.Replace(time, "msec\":1", "msec\":1200", 1)+id+`,"page_location":"https://shop.example.jp/"}}]}`)
	check(`"type":"conversion","site":"shop","visitor_id":"v","name":"order","value":1200,"currency":"JPY","order_id":"A-1"`,
		head+`"events":[{"name":"purchase",`+time+id+`,"currency":"JPY","value":1200,"transaction_id":"ID"}}]}`)
	check(`"type":"conversion","site":"shop","visitor_id":"v","name":"booked","value":1200,"properties":{"items":2}`,
		head+`"events":[{"name":"purchase",`+time+id+`,"site_items":2}}]}`)
	check(`"type":"conversion","site":"shop","visitor_id":"v"`, head+`"events":[{"name":"conversion",`+time+id+`}}]}`)
	check(`"type":"ad_impression","site":"shop","visitor_id":"v","ad_placement":"top","ad_campaign":"autumn","ad_creative":"c","ad_network":"n","price":0.0012,"currency":"jpy"`,
		head+`"events":[{"name":"view_promotion",`+time+id+`,"currency":"JPY","ad_price":0.0012,"promotion_name":"autumn","creative_name":"c","creative_slot":"top","ad_network":"n"}}]}`)
	check(`"type":"ad_click","site":"shop","visitor_id":"v","ad_placement":"top"`, head+`"events":[{"name":"select_promotion",`+time+id+`,"creative_slot":"top"}}]}`)
	check(`"type":"custom","site":"shop","visitor_id":"v","name":"session_start"`, head+`"events":[{"name":"site_session_start",`+time+id+`}}]}`)
	check(`"type":"custom","site":"shop","visitor_id":"v","name":"1st-step.x"`, head+`"events":[{"name":"e_1st_step_x",`+time+id+`}}]}`)
	check(`"type":"pageview","site":"travel","visitor_id":"v","url":"https://travel.example.com/","title":"Travel"`,
		`{"app_instance_id":"ID","consent":{"ad_user_data":"GRANTED","ad_personalization":"GRANTED"},"events":[{"name":"screen_view",`+time+id+
			`,"page_location":"https://travel.example.com/","page_title":"Travel","screen_name":"Travel"}}]}`)
	check(`"type":"pageview","site":"shop","url":"https://shop.example.jp/"`, "the vendor takes no such event: no_client_id")
}

// Flags come from the verdict, and a client never has more than one id.
func TestConsentFlags(t *testing.T) {
	w := forwardtest.Example(t)
	w.Now = func() time.Time { return now }
	check := func(consent, want string) {
		t.Helper()
		k, _ := kindOf(config())
		e := w.Event(t, "google", `{"type":"pageview","site":"shop","visitor_id":"v","url":"https://shop.example.jp/","consent":`+consent+`}`)
		if e == nil {
			t.Fatal("google may not have it")
		}
		if _, got := payload(t, k, e); !strings.Contains(got, `"consent":{`+want+`}`) {
			t.Errorf("%s: got %s", consent, got)
		}
	}
	check(`{"analytics":true,"advertising":true}`, `"ad_user_data":"GRANTED","ad_personalization":"GRANTED"`)
	check(`{"analytics":true,"advertising":false}`, `"ad_user_data":"DENIED","ad_personalization":"DENIED"`)
	check(`{"analytics":true}`, `"ad_user_data":"DENIED","ad_personalization":"DENIED"`)
	check(`{"analytics":true,"advertising":true,"gcd":"13r3r3r3q1l1"}`, `"ad_user_data":"GRANTED","ad_personalization":"DENIED"`)
}

// Nothing is sent where analytics was not granted, whatever the event's purpose and
// whether the policy says so or not; nor where a TC string refuses it to Google alone.
func TestAnalyticsRefused(t *testing.T) {
	// All is agreed to, but that the publisher forbids vendor 755 purpose 9.
	const notByGoogle = "CQitFIAQitFIAEsACBENB5FgAP_gAEPgAAYgF5wAoAAgAGAvMC84AUAAQADAXmACSAAgLz.IF5wAoAAgAGAvM"
	p := forwardtest.ExamplePolicy(t)
	google := p.Recipients["google"]
	google.Requires = nil
	p.Recipients["google"] = google
	w := forwardtest.New(t, p)
	w.Now = func() time.Time { return now }
	k, _ := kindOf(config())
	for _, event := range []string{`"type":"conversion","name":"purchase"`, `"type":"ad_click","ad_placement":"top"`, `"type":"ad_impression","ad_placement":"top"`} {
		for consent, want := range map[string]error{
			`{"advertising":true,"analytics":false}`: forward.ErrWithheld,
			`{"advertising":true}`:                   forward.ErrWithheld,
			`{"advertising":true,"analytics":true}`:  nil,
			`{"tcf":"` + notByGoogle + `"}`:          forward.ErrWithheld,
		} {
			e := w.Event(t, "google", `{`+event+`,"site":"shop","region":"DE","visitor_id":"v","consent":`+consent+`}`)
			if e == nil {
				t.Fatalf("%s with %s: the policy does not let google have it", event, consent)
			}
			if _, _, err := k.Project(nil, e); err != want {
				t.Errorf("%s with %s: got %v, want %v", event, consent, err, want)
			}
		}
	}
}

// The secret is in the address alone, and the EU has an endpoint of its own.
func TestRequest(t *testing.T) {
	w := forwardtest.Example(t)
	c := config()
	c.Endpoint = "https://region1.google-analytics.com"
	k, _ := kindOf(c)
	check := func(site, want string) {
		t.Helper()
		address, body := payload(t, k, w.Event(t, "google", `{"type":"custom","name":"a","site":"`+site+`","visitor_id":"v",`+accepted+`}`))
		if address != "https://region1.google-analytics.com/mp/collect?api_secret=s3cret&"+want {
			t.Errorf("got %s", address)
		}
		if strings.Contains(body, "s3cret") {
			t.Errorf("the secret is in %s", body)
		}
	}
	check("shop", "measurement_id=G-WEB1")
	check("travel", "firebase_app_id=1%3A2%3Aios%3A3")
}

// A text that is too long is shortened, an address keeps what it can.
func TestShorten(t *testing.T) {
	k, set := kindOf(config())
	check := func(got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	long := strings.Repeat("茶", 101)
	check(k.shorten(long), long[:300])
	check(k.shorten(long[:300]), long[:300])
	check(k.address("https://a.example/?"+long), "https://a.example/")
	check(k.address("https://a.example/?b#"+long), "https://a.example/?b")
	check(k.address("https://a.example/?b"), "https://a.example/?b")
	var out strings.Builder
	set.WritePrometheus(&out)
	check(strings.TrimSpace(out.String()), `sekisho_forward_adjusted_total{recipient="google",what="text_shortened"} 3`)
	if k.maxText = longText; k.shorten(long) != long {
		t.Error("Analytics 360 takes more")
	}
}

func TestNames(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		if got := fit(in); got != want || !isName(got) {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	check("view_item", "view_item")
	check("a-b.c", "a_b_c")
	check("_x", "e__x")
	check("9", "e_9")
	check(strings.Repeat("a", 64), strings.Repeat("a", 40))
	check("-"+strings.Repeat("a", 64), "e__"+strings.Repeat("a", 37))
}

func TestClassify(t *testing.T) {
	k, _ := kindOf(config())
	for status, want := range map[int]forward.Verdict{
		200: forward.Done, 204: forward.Done, 302: forward.Pause, 400: forward.Permanent, 401: forward.Pause, 403: forward.Pause,
		404: forward.Pause, 413: forward.Permanent, 429: forward.Throttled, 500: forward.Retry, 503: forward.Retry,
	} {
		if got := k.Classify(nil, &forward.Response{Status: status}); got.Verdict != want {
			t.Errorf("%d: got %v, want %v", status, got, want)
		}
	}
}

// How far a reset reaches is told: by which identifiers all events that carry them can
// be deleted, and by which not those that are under another one.
func TestReach(t *testing.T) {
	s, err := standin.StartGoogle(standin.Options{Listen: "127.0.0.1:0"}, standin.Google{Property: "77", Token: "t0ken"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	ga, instance := schemas.SetOf(schemas.GA), schemas.SetOf(schemas.AppInstanceID)
	web, app := config(), config()
	delete(web.Streams, "travel")
	delete(app.Streams, "shop")
	check := func(c Config, userID bool, own schemas.FieldSet, field schemas.Field, want schemas.ProgressState) {
		t.Helper()
		c.UserID, c.Deletion.Endpoint = userID, s.URL()
		k, _ := kindOf(c)
		state, err := k.Forget(context.Background(), do, &forward.Identity{Field: field, Pseudonyms: make([]forward.Pseudonym, 1), Own: own})
		if err != nil || state != want {
			t.Errorf("%s: got %v, %v; want %v", field, state, err, want)
		}
	}
	check(web, false, 0, schemas.VisitorID, schemas.Asked)
	check(web, false, 0, schemas.GA, schemas.Partial)
	check(web, false, 0, schemas.UserID, schemas.Partial)
	check(web, true, 0, schemas.UserID, schemas.Asked)
	check(web, false, ga, schemas.VisitorID, schemas.Partial)
	check(web, false, ga, schemas.GA, schemas.Asked)
	check(web, true, ga, schemas.GA, schemas.Partial)
	check(web, true, ga, schemas.UserID, schemas.Asked)
	check(app, false, 0, schemas.AppInstanceID, schemas.Asked)
	check(app, false, instance, schemas.AppInstanceID, schemas.Asked)
	check(app, false, 0, schemas.VisitorID, schemas.Partial)
	check(config(), false, ga|instance, schemas.GA, schemas.Asked)
	check(config(), false, ga, schemas.FBP, schemas.Done)
}

// What was sent under a pseudonym is deleted under the same.
func TestForget(t *testing.T) {
	w := forwardtest.Example(t)
	w.Now = func() time.Time { return now }
	k, _ := kindOf(config())
	s := google(t, k)
	check := func(event string, field schemas.Field, want schemas.ProgressState, after uint64) {
		t.Helper()
		s.Forget()
		e := w.Event(t, "google", `{"type":"custom","name":"a",`+event+`,`+accepted+`}`)
		p, ok := e.Pseudonym(field)
		if !ok {
			t.Fatalf("no %s", field)
		}
		state, err := k.Forget(context.Background(), do, &forward.Identity{Field: field, Pseudonyms: []forward.Pseudonym{p}, Own: w.Table.Own("google")})
		if err != nil || state != want {
			t.Errorf("%s: got %v, %v", field, state, err)
		}
		send(t, k, e)
		if r := s.Received(); r.AfterDeletion != after || r.Violations > 0 || want == schemas.Asked && r.Deletions == 0 {
			t.Errorf("%s: %d events after deletion, want %d; %+v", field, r.AfterDeletion, after, r.Listed)
		}
	}
	check(`"site":"shop","visitor_id":"v"`, schemas.VisitorID, schemas.Partial, 1)
	check(`"site":"shop","ga":"11.22","visitor_id":"v"`, schemas.VisitorID, schemas.Partial, 0)
	check(`"site":"shop","visitor_id":"v","user_id":"u"`, schemas.UserID, schemas.Partial, 0)
	check(`"site":"shop","ga":"11.22","visitor_id":"v"`, schemas.GA, schemas.Asked, 1)
	check(`"site":"travel","visitor_id":"v"`, schemas.VisitorID, schemas.Partial, 1)
	check(`"site":"travel","app_instance_id":"i"`, schemas.AppInstanceID, schemas.Asked, 1)
	check(`"site":"shop","visitor_id":"v","idfa":"ea7583cd-a667-48bc-b806-42ecb2b48606"`, schemas.IDFA, schemas.Done, 0)
	check(`"site":"shop","visitor_id":"v","session_id":"s"`, schemas.SessionID, schemas.Unsupported, 0)
	k.config.Deletion.Property = ""
	check(`"site":"shop","visitor_id":"v"`, schemas.VisitorID, schemas.Unsupported, 0)
	k.config.Deletion.Property = "77"

	id := &forward.Identity{Field: schemas.VisitorID, Pseudonyms: make([]forward.Pseudonym, 1)}
	s.Misbehave(standin.Fault{Kind: standin.Revoke, Times: 1}, standin.Fault{Kind: standin.Error, Times: 1}, standin.Fault{Kind: standin.Down, Times: 1})
	if _, err := k.Forget(context.Background(), do, id); !errors.Is(err, forward.ErrPaused) || strings.Contains(err.Error(), "t0ken") {
		t.Errorf("got %v", err)
	}
	for range 2 {
		if _, err := k.Forget(context.Background(), do, id); err == nil || errors.Is(err, forward.ErrPaused) {
			t.Errorf("got %v", err)
		}
	}
}

// The token of a service account is fetched when it is needed, and again when
// it has expired, is refused, or the key was replaced.
func TestServiceAccount(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	clock := now
	s, err := standin.StartGoogle(standin.Options{Listen: "127.0.0.1:0", Now: func() time.Time { return clock }}, standin.Google{
		Property: "77", Token: "fetched", Account: "deleter@project.iam.example", AccountKey: &key.PublicKey,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	keyFile := func(email string) strict.Secret {
		text, err := json.Marshal(map[string]string{
			"type": "service_account", "client_email": email, "private_key_id": "k", "token_uri": s.URL() + "/token",
			"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
		})
		if err != nil {
			t.Fatal(err)
		}
		return strict.NewSecret(string(text))
	}
	c := config()
	c.Deletion = Deletion{Endpoint: s.URL(), Property: "77", ServiceAccount: keyFile("deleter@project.iam.example")}
	k, _ := kindOf(c)
	k.now = func() time.Time { return clock }
	id := &forward.Identity{Field: schemas.UserID, Pseudonyms: make([]forward.Pseudonym, 1)}
	check := func(requests uint64) {
		t.Helper()
		before := s.Received().Requests
		if state, err := k.Forget(context.Background(), do, id); err != nil || state != schemas.Partial {
			t.Errorf("got %v, %v", state, err)
		}
		if r := s.Received(); r.Requests-before != requests || r.Violations > 0 {
			t.Errorf("%d requests, want %d: %+v", r.Requests-before, requests, r.Listed)
		}
	}
	check(3) // a token, and a client of each kind of stream
	check(2)
	clock = clock.Add(59*time.Minute + time.Second)
	check(3)
	s.Misbehave(standin.Fault{Kind: standin.Revoke, Times: 1})
	if _, err := k.Forget(context.Background(), do, id); !errors.Is(err, forward.ErrPaused) {
		t.Errorf("got %v", err)
	}
	check(3)
	k.config.Deletion.ServiceAccount = keyFile("other@project.iam.example")
	for _, account := range []strict.Secret{k.config.Deletion.ServiceAccount, strict.NewSecret("{}"), strict.NewSecret("no JSON: PRIVATE")} {
		k.config.Deletion.ServiceAccount = account
		if _, err := k.Forget(context.Background(), do, id); !errors.Is(err, forward.ErrPaused) || strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("got %v", err)
		}
	}
}

// TestRotatedAccount: what is no key of a service account does not replace one, and
// the error tells where it stands and nothing of it.
func TestRotatedAccount(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"client_email": "deleter@project.iam.example", "token_uri": "https://oauth2.example/token",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	var c struct {
		Google Config `yaml:"google"`
	}
	c.Google.SetDefaults()
	content := string(text)
	read := func(string) ([]byte, error) { return []byte(content), nil }
	if err := strict.Decode([]byte(`google: {streams: {shop: {measurement_id: G-A1, api_secret: "file:/s"}}, deletion: {property: "7", service_account: "file:/account"}}`), &c); err != nil {
		t.Fatal(err)
	}
	if err := strict.Resolve(&c, nil, read); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Google.Kind("google", metrics.NewSet()); err != nil {
		t.Fatal(err)
	}
	for _, malformed := range []string{"{}", "not JSON: PRIVATE", string(text[:len(text)/2]), strings.Replace(string(text), "PRIVATE KEY", "PUBLIC KEY", 1), strings.Replace(string(text), "MII", "AAA", 1)} {
		content = malformed
		_, err := strict.Refresh(&c.Google.Deletion, nil, read)
		if err == nil || !strings.Contains(err.Error(), "service_account") || strings.Contains(err.Error(), "PRIVATE") || c.Google.Deletion.ServiceAccount.Reveal() != string(text) {
			t.Errorf("got %v, and the old key is replaced: %v", err, c.Google.Deletion.ServiceAccount.Reveal() != string(text))
		}
	}
	if _, err := new(Config).Kind("google", metrics.NewSet()); err != nil {
		t.Error(err)
	}
	content = "{}"
	c.Google.Deletion.ServiceAccount = strict.NewSecret(content)
	if _, err := c.Google.Kind("google", metrics.NewSet()); err == nil {
		t.Error("a malformed key is taken at the start")
	}
}

// send sends one event.
func send(t testing.TB, k *Kind, e *forward.Event) {
	t.Helper()
	body, group, err := k.Project(nil, e)
	if err != nil {
		t.Fatal(err)
	}
	request, err := k.Request(context.Background(), &forward.Batch{Group: group, Bodies: [][]byte{body}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := do(request)
	if err != nil || k.Classify(nil, r).Verdict != forward.Done {
		t.Fatalf("got %+v, %v", r, err)
	}
}

// Whatever the enforcer lets Google have makes a request without a fault, by the
// rules of the debug endpoint and of the collecting one, and nothing is lost of
// it in silence.
func TestEveryRecordIsTaken(t *testing.T) {
	k, _ := kindOf(config())
	s := google(t, k)
	seed := mathrand.Uint64()
	r := forwardtest.Random{Rand: mathrand.New(mathrand.NewPCG(seed, 0))}
	sent := uint64(0)
	for policies := 0; policies < 12 || sent < 300; policies++ {
		if policies == 200 {
			t.Fatalf("seed %d: %d policies let next to nothing through: sent %d", seed, policies, sent)
		}
		p := r.Policy(t)
		w := forwardtest.New(t, p)
		w.Now = func() time.Time { return now }
		batches := map[string][][]byte{}
		for range 150 {
			event := r.Event(p, now)
			e := w.Event(t, "google", event)
			if e == nil {
				continue
			}
			body, group, err := k.Project(nil, e)
			switch {
			case err == nil:
				batches[group] = append(batches[group], body)
			case err == forward.ErrWithheld && !e.Granted.Has(schemas.Analytics):
			case err == forward.ErrUnwanted && e.Type == schemas.ConsentGiven:
			case err == forward.Unsendable("no_client_id"):
				for _, f := range append(webClients, appClients...) {
					if _, ok := e.Pseudonym(f); ok && (f == schemas.VisitorID || f == schemas.UserID) {
						t.Errorf("seed %d: %v has %s: %s", seed, err, f, event)
					}
				}
			default:
				t.Errorf("seed %d: %v: %s", seed, err, event)
			}
		}
		for group, bodies := range batches {
			for len(bodies) > 0 {
				n := min(len(bodies), k.Limits().Events)
				batch := &forward.Batch{Group: group, Bodies: bodies[:n]}
				bodies = bodies[n:]
				validate(t, k, batch, seed)
				request, err := k.Request(context.Background(), batch)
				if err != nil {
					t.Fatal(err)
				}
				if r, err := do(request); err != nil || r.Status != 204 {
					t.Fatalf("got %+v, %v", r, err)
				}
				sent += uint64(n)
			}
		}
	}
	got := s.Received()
	if got.Violations > 0 || got.Events != sent || got.Dropped > 0 {
		t.Errorf("seed %d: sent %d, received %d, dropped %d, violations %+v", seed, sent, got.Events, got.Dropped, got.Listed)
	}
}

// validate asks the debug endpoint.
func validate(t *testing.T, k *Kind, batch *forward.Batch, seed uint64) {
	t.Helper()
	request, err := k.Request(context.Background(), batch)
	if err != nil {
		t.Fatal(err)
	}
	request.URL.Path = "/debug/mp/collect"
	r, err := do(request)
	if err != nil {
		t.Fatal(err)
	}
	var told struct{ ValidationMessages []json.RawMessage }
	if err := json.Unmarshal(r.Body, &told); err != nil || len(told.ValidationMessages) > 0 {
		t.Fatalf("seed %d: %s %v", seed, r.Body, err)
	}
}

func TestConfig(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		var c struct {
			Google Config `yaml:"google"`
		}
		c.Google.SetDefaults()
		err := strict.Decode([]byte("google:\n"+in), &c)
		if got := fmt.Sprint(err); want == "" && err != nil || !strings.Contains(got, want) {
			t.Errorf("%s\ngot %s, want %s", in, got, want)
		}
	}
	const stream = `  streams: {shop: {measurement_id: G-A1, api_secret: "env:S"}}` + "\n"
	check(stream, "")
	check(stream+`  deletion: {property: "7", token: "env:T"}`, "")
	check(stream+`  endpoint: http://127.0.0.1:1`, "")
	check("  user_id: true", "google.streams")
	check(`  streams: {shop: {measurement_id: UA-1, api_secret: "env:S"}}`, "google.streams.shop.measurement_id")
	check(`  streams: {shop: {api_secret: "env:S"}}`, "measurement_id (web) or a firebase_app_id (app)")
	check(`  streams: {shop: {measurement_id: G-A1, firebase_app_id: x, api_secret: "env:S"}}`, "cannot be combined")
	check(`  streams: {shop: {measurement_id: G-A1}}`, "google.streams.shop.api_secret")
	check(stream+`  deletion: {property: "7", service_account: "env:A"}`, "")
	check(stream+`  deletion: {property: "7"}`, "google.deletion.service_account")
	check(stream+`  deletion: {property: "7", token: "env:T", service_account: "env:A"}`, "cannot be combined")
	check(stream+`  endpoint: http://www.google-analytics.com`, "must be https, beyond this machine")
	check(stream+`  endpoint: https://www.google-analytics.com/mp/collect`, "must be https:// and a host")
	check(stream+`  events: {order: session_start}`, "google.events.order")
}
