package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/enforcer"
	"sekisho/schemas/policy"
)

func TestExplainCommand(t *testing.T) {
	const event = `{"type":"ad_click","site":"shop","ad_placement":"top","visitor_id":"v","consent":{"advertising":true}}`
	dir := t.TempDir()
	file, own := filepath.Join(dir, "event.json"), filepath.Join(dir, "policy.yaml")
	withoutGPC := strings.ReplaceAll(string(policy.Example), "gpc: [advertising, social]", "gpc: []")
	for name, text := range map[string]string{file: event, own: withoutGPC} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	check := func(in, wantOutcome, wantReason string, args ...string) {
		t.Helper()
		out, code := execute(t, in, append([]string{"explain", "--json"}, args...)...)
		var x enforcer.Explanation
		if err := json.Unmarshal([]byte(out), &x); err != nil {
			t.Fatalf("%v: exit %d: %v in %s", args, code, err, out)
		}
		wantCode := 0
		if wantOutcome == "rejected" {
			wantCode = 1
		}
		if code != wantCode || x.Outcome.String() != wantOutcome || x.Reason.String() != wantReason {
			t.Errorf("%v: exit %d, %v because %v", args, code, x.Outcome, x.Reason)
		}
	}
	check("", "allowed", "granted", file)
	check(event, "allowed", "granted", "-")
	check("", "dropped", "gpc", file, "--header", "Sec-GPC: 1")
	check("", "allowed", "granted", file, "--header", "Sec-GPC: 1", "--policy", own, "--place", "JP")
	check("", "dropped", "dnt", file, "--header", "DNT:1", "--place", "DE")
	check("", "dropped", "refused", file, "--header", "Cookie: a=b; sekisho_consent=1.2026-10-01.analytics")
	check("", "dropped", "malformed_consent", file, "--header", "Cookie: usprivacy=1", "--header", "DNT: 1")
	check("", "rejected", "origin", file, "--header", "Origin: https://other.example")
	check("{}", "rejected", "invalid", "-")
	check(`{"type":"pageview","site":"nowhere","url":"https://shop.example.jp/"}`, "rejected", "unknown_site", "-")
	check(`{"type":"pageview","site":"shop","url":"https://shop.example.jp/","properties":{"undeclared":1}}`, "rejected", "invalid", "-")

	out, code := execute(t, "", "explain", file, "--header", "Sec-GPC: 1")
	if code != 0 || !strings.Contains(out, "header Sec-GPC") || !strings.Contains(out, "store: dropped, because gpc") {
		t.Errorf("exit %d: %s", code, out)
	}
	if out, code := execute(t, "{}", "explain", "-"); code != 1 || !strings.Contains(out, "invalid") {
		t.Errorf("an event without anything: exit %d: %s", code, out)
	}
	for _, args := range [][]string{{"nowhere.json"}, {file, "--header", "Cookie"}, {file, "--at", "today"}, {file, "--policy", file}, {}} {
		if out, code := execute(t, "", append([]string{"explain"}, args...)...); code == 0 {
			t.Errorf("%v: %s", args, out)
		}
	}
}
