package main_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestExplainKnowsResets: what a running collector says of an event changes
// with a reset, and being asked leaves no trace.
func TestExplainKnowsResets(t *testing.T) {
	u := startUp(t, t.TempDir())
	const event = `{"type":"pageview","site":"shop","url":"https://shop.example.jp/","app_instance_id":"canary-of-explain","consent":{"analytics":true}}`
	post := func(address, accept, body string) string {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Accept", accept)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil || answer.StatusCode/100 != 2 {
			t.Fatalf("%s: %s, %v: %s", address, answer.Status, err, text)
		}
		return string(text)
	}
	explain := func(want string) {
		t.Helper()
		if got := post(u.Admin+"/explain", "text/plain", `{"event":`+event+`}`); !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	explain("none of app_instance_id has been reset")
	post(u.Collector+"/v1/reset", "", `{"app_instance_id":"canary-of-explain"}`)
	explain("app_instance_id has been reset")
	explain("store: dropped, because reset")
	if out := u.out.String(); strings.Contains(out, "canary") {
		t.Errorf("what was asked is in the log:\n%s", out)
	}
	if got := count(t, u, "SELECT count() FROM events"); got != 0 {
		t.Errorf("being asked stored %d events", got)
	}
}
