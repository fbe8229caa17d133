package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/strict"
	"sekisho/sinks/forward"
	"sekisho/sinks/forward/forwardtest"
)

const (
	first  = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	second = "whsec_c2VraXNob3Nla2lzaG9zZWtpc2hvc2VraXNobyEh"
)

func kindWith(t *testing.T, secrets ...string) *Kind {
	t.Helper()
	c := Config{URL: "https://partner.example.jp/hook?x=1", Resets: true}
	c.SetDefaults()
	for _, s := range secrets {
		c.Secrets = append(c.Secrets, strict.NewSecret(s))
	}
	k, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestSignature: the example of the Standard Webhooks specification.
func TestSignature(t *testing.T) {
	k := kindWith(t, first)
	got, err := k.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

// TestRequest: a request is signed over id, time and body, with every secret while
// one replaces another; its id is that of its events, whenever they are sent.
func TestRequest(t *testing.T) {
	k := kindWith(t, first, second)
	at := time.Unix(1_700_000_000, 0)
	k.now = func() time.Time { return at }
	batch := &forward.Batch{Bodies: [][]byte{[]byte(`{"id":"a"}`), []byte(`{"id":"b"}`)}}
	r, body := request(t, k, batch)
	if want := `{"type":"sekisho.events","data":[{"id":"a"},{"id":"b"}]}`; body != want {
		t.Errorf("body %s, want %s", body, want)
	}
	if r.Method != http.MethodPost || r.URL.String() != "https://partner.example.jp/hook?x=1" || r.Header.Get("Content-Type") != "application/json" {
		t.Errorf("request %s %s %v", r.Method, r.URL, r.Header)
	}
	signatures := strings.Fields(r.Header.Get("webhook-signature"))
	if len(signatures) != 2 || r.Header.Get("webhook-timestamp") != "1700000000" {
		t.Fatalf("headers %v", r.Header)
	}
	for i, secret := range []string{first, second} {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil {
			t.Fatal(err)
		}
		mac := hmac.New(sha256.New, key)
		io.WriteString(mac, r.Header.Get("webhook-id")+".1700000000."+body)
		if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); signatures[i] != want {
			t.Errorf("signature %d is %s, want %s", i, signatures[i], want)
		}
	}
	at = at.Add(time.Hour)
	again, _ := request(t, k, batch)
	if again.Header.Get("webhook-id") != r.Header.Get("webhook-id") || again.Header.Get("webhook-signature") == r.Header.Get("webhook-signature") {
		t.Error("the same events have another id later, or the same signature")
	}
	other, _ := request(t, k, &forward.Batch{Bodies: batch.Bodies[:1]})
	if other.Header.Get("webhook-id") == r.Header.Get("webhook-id") {
		t.Error("other events have the same id")
	}
}

func request(t *testing.T, k *Kind, batch *forward.Batch) (*http.Request, string) {
	t.Helper()
	r, err := k.Request(context.Background(), batch)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || !json.Valid(body) {
		t.Fatalf("%v: %s", err, body)
	}
	return r, string(body)
}

// TestSecrets: what is no secret of a webhook is refused, without being told.
func TestSecrets(t *testing.T) {
	check := func(secret string, good bool) {
		t.Helper()
		_, err := New(Config{Secrets: []strict.Secret{strict.NewSecret(secret)}})
		if (err == nil) != good {
			t.Errorf("%s: %v", secret, err)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error tells the secret: %v", err)
		}
	}
	check(first, true)
	check(strings.TrimPrefix(first, "whsec_"), true)
	check("whsec_c2hvcnQ=", false)
	check("whsec_"+strings.Repeat("QUJD", 22), false)
	check("not base64 at all, but long enough", false)
}

// TestRotatedSecret: a secret of the wrong shape does not replace one of the right.
func TestRotatedSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(first)
	c := new(Config)
	c.SetDefaults()
	if err := strict.Decode([]byte("url: https://partner.example.com/\nsecrets: [\"file:"+file+"\"]\n"), c); err != nil {
		t.Fatal(err)
	}
	if err := strict.Resolve(c, os.LookupEnv, os.ReadFile); err != nil {
		t.Fatal(err)
	}
	k, err := New(*c)
	if err != nil {
		t.Fatal(err)
	}
	const malformed = "whsec_c2hvcnQ="
	write(malformed)
	changed, err := strict.Refresh(c, os.LookupEnv, os.ReadFile)
	if changed || err == nil || strings.Contains(err.Error(), malformed) || !strings.Contains(err.Error(), "whsec_ and base64") {
		t.Errorf("a malformed secret: changed %v, %v", changed, err)
	}
	signs := func(k *Kind) string {
		t.Helper()
		signature, err := k.sign("msg_1", "1700000000", []byte("{}"))
		if err != nil {
			t.Error(err)
		}
		return signature
	}
	if signs(k) != signs(kindWith(t, first)) {
		t.Error("the old secret is not in use any more")
	}
	write(second)
	if changed, err := strict.Refresh(c, os.LookupEnv, os.ReadFile); !changed || err != nil {
		t.Errorf("a good secret: changed %v, %v", changed, err)
	}
	if signs(k) != signs(kindWith(t, second)) {
		t.Error("the new secret is not in use")
	}
}

// TestForget: the receiver is told of a reset when it wants to know, and what it
// answers is how far that came.
func TestForget(t *testing.T) {
	id := &forward.Identity{Field: schemas.VisitorID, Pseudonyms: []forward.Pseudonym{{1}, {2}}}
	k := kindWith(t, first)
	check := func(status int, want schemas.ProgressState, failure error) {
		t.Helper()
		state, err := k.Forget(context.Background(), func(r *http.Request) (*forward.Response, error) {
			body, _ := io.ReadAll(r.Body)
			const want = `{"type":"sekisho.reset","data":{"field":"visitor_id","identifiers":["01000000000000000000000000000000","02000000000000000000000000000000"]}}`
			if string(body) != want || r.Header.Get("webhook-signature") == "" {
				t.Errorf("sent %s", body)
			}
			return &forward.Response{Status: status}, nil
		}, id)
		if err == nil && (state != want || failure != nil) || err != nil && !errors.Is(err, failure) {
			t.Errorf("%d: got %v, %v; want %v, %v", status, state, err, want, failure)
		}
	}
	check(204, schemas.Done, nil)
	check(400, schemas.Failed, nil)
	check(401, 0, forward.ErrPaused)
	check(503, 0, errNotNow)
	id.Own = schemas.SetOf(schemas.GA)
	check(204, schemas.Done, nil)
	id.Own = schemas.SetOf(schemas.GA, schemas.VisitorID) // as it came: no pseudonym leads to it
	check(204, schemas.Partial, nil)
	check(400, schemas.Failed, nil)
	k.config.Resets = false
	if state, err := k.Forget(context.Background(), nil, id); state != schemas.Unsupported || err != nil {
		t.Errorf("got %v, %v", state, err)
	}
}

// TestEvent: the whole of an event, with what the policy lets the recipient have as
// it came, and pseudonyms for the rest.
func TestEvent(t *testing.T) {
	w := forwardtest.Example(t)
	record := w.Record(t, `{"id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"conversion","site":"shop","name":"order","url":"https://shop.example.jp/?page=2&fbclid=x",`+
		`"visitor_id":"v1","fbp":"fb.1.1596403881668.1116446470","order_id":"o1","value":9.50,"currency":"JPY","title":"A \"b\" 本","properties":{"items":2},`+
		`"consent":{"analytics":true,"advertising":true}}`)
	e, err := forward.EventOf("meta", w.Keys.Recipient("meta"), w.Table, nil, record)
	if err != nil || e == nil {
		t.Fatal(e, err)
	}
	body, group, err := kindWith(t, first).Project(nil, e)
	if err != nil || group != "" {
		t.Fatal(group, err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	visitor, _ := w.Keys.Recipient("meta").Pseudonym(schemas.VisitorID, w.Keys.Pseudonyms(schemas.VisitorID, "v1")[0])
	for name, want := range map[string]any{
		"id": "0190163d-8694-739b-aea5-966c26f8ad91", "type": "conversion", "site": "shop", "name": "order", "jurisdiction": "japan",
		"url": "https://shop.example.jp/?page=2", "visitor_id": forward.Pseudonym(visitor).Hex(), "fbp": "fb.1.1596403881668.1116446470",
		"value": 9.5, "currency": "JPY", "title": `A "b" 本`, "ad_user_data": true, "ad_personalization": true,
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if order, _ := got["order_id"].(string); order == "o1" || len(order) != 32 {
		t.Errorf("order_id is %q", order)
	}
	if _, ok := got["limited_data_use"]; ok {
		t.Error("limited_data_use is there")
	}
	if properties, _ := got["properties"].(map[string]any); properties["items"] != 2.0 {
		t.Errorf("properties %v", properties)
	}
}
