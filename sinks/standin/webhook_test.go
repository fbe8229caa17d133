package standin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"testing"
)

const webhookSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

func sign(secret, id, stamp, body string) string {
	key, err := base64.StdEncoding.DecodeString(secret[len("whsec_"):])
	if err != nil {
		panic(err)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "." + body))
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// The example of the Standard Webhooks specification's reference libraries.
func TestWebhookSignatureVector(t *testing.T) {
	got := sign(webhookSecret, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", `{"test": 2432232314}`)
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestWebhook(t *testing.T) {
	other := "whsec_" + base64.StdEncoding.EncodeToString(make([]byte, 32))
	s, err := StartWebhook(options(), Webhook{Secrets: []string{webhookSecret, other}})
	stopped(t, s, err)
	at := func(seconds int64) string { return strconv.FormatInt(now.Unix()+seconds, 10) }
	body := `{"type":"sekisho.events","data":[{"id":"a","type":"pageview","visitor_id":"v"},{"id":"b","type":"pageview","visitor_id":"v"}]}`
	one := func(id string) string {
		return `{"type":"sekisho.events","data":[{"id":"` + id + `","visitor_id":"v"}]}`
	}
	check := func(id, stamp, signature, body string, status int, rules string, events, deduplicated uint64) {
		t.Helper()
		got, _ := send(t, s.URL()+"/hook", body, "webhook-id", id, "webhook-timestamp", stamp, "webhook-signature", signature)
		r := s.Received()
		if got != status || r.Events != events || r.Deduplicated != deduplicated {
			t.Errorf("got %d, %d events, %d deduplicated, want %d, %d, %d", got, r.Events, r.Deduplicated, status, events, deduplicated)
		}
		broken := ""
		for _, v := range r.Listed {
			broken = v.Rule
		}
		if broken != rules {
			t.Errorf("broke %q, want %q", broken, rules)
		}
	}
	check("m1", at(0), sign(webhookSecret, "m1", at(0), body), body, 204, "", 2, 0)
	check("m1", at(1), sign(webhookSecret, "m1", at(1), body), body, 204, "", 2, 2)                   // a retry
	check("m2", at(0), sign(webhookSecret, "m2", at(0), body), body, 204, "", 2, 4)                   // other batch, same events
	check("m3", at(0), "v1,AAAA v1a,xx "+sign(other, "m3", at(0), one("c")), one("c"), 204, "", 3, 4) // rotated secret
	check("m4", at(300), sign(other, "m4", at(300), one("d")), one("d"), 204, "", 4, 4)               // within the tolerance
	check("m5", at(-301), sign(other, "m5", at(-301), body), body, 401, "webhook-timestamp", 4, 4)    //
	check("m6", at(0), sign(other, "m7", at(0), body), body, 401, "webhook-signature", 4, 4)          // signed for another id
	check("m6", at(0), sign(other, "m6", at(0), body+" "), body, 401, "webhook-signature", 4, 4)      // another body
	check("", at(0), sign(other, "", at(0), body), body, 401, "webhook-id", 4, 4)                     //
	check("m8", at(0), sign(other, "m8", at(0), "no"), "no", 400, "json", 4, 4)                       //
	check("m8", at(0), sign(other, "m8", at(0), "[]"), "[]", 400, "json", 4, 4)
	check("m8", at(0), sign(other, "m8", at(0), "{}"), "{}", 400, "message", 4, 4)
	reset := `{"type":"sekisho.reset","data":{"field":"visitor_id","identifiers":["v","w"]}}`
	check("m10", at(0), sign(other, "m10", at(0), reset), reset, 204, "message", 4, 4)
	check("m11", at(0), sign(other, "m11", at(0), one("e")), one("e"), 204, "message", 5, 4)
	if r := s.Received(); r.Deletions != 2 || r.AfterDeletion != 1 {
		t.Errorf("%d deletions, %d events after one", r.Deletions, r.AfterDeletion)
	}
	s.Forget()
	s.Misbehave(Fault{Kind: Half, Times: 1})
	check("m9", at(0), sign(other, "m9", at(0), body), body, 500, "", 1, 0)
	check("m9", at(0), sign(other, "m9", at(0), body), body, 204, "", 2, 1) // the rest comes with the retry
}

func TestWebhookBadSecret(t *testing.T) {
	for _, secret := range []string{"whsec_short", "whsec_c2hvcnQ="} {
		if s, err := StartWebhook(options(), Webhook{Secrets: []string{secret}}); err == nil {
			t.Errorf("%s was taken", secret)
			stopped(t, s, nil)
		}
	}
}
