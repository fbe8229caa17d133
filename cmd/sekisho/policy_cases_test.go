package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/schemas/policy"
)

// exampleCases are the golden cases of the example policy.
const exampleCases = "../../schemas/policy/cases"

func TestPolicyTestExample(t *testing.T) {
	out, code := execute(t, "", "policy", "test", exampleCases)
	if code != 0 || !strings.Contains(out, "as expected, 0 not") {
		t.Errorf("exit %d:\n%s", code, out)
	}
	if files, err := os.ReadDir(exampleCases); err != nil || len(files) < 20 {
		t.Errorf("%d cases, %v", len(files), err)
	}
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	file := filepath.Join(dir, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPolicyTest(t *testing.T) {
	const view = `event: {type: pageview, site: shop, url: "https://shop.example.jp/", visitor_id: v, title: Tea}` + "\n"
	check := func(file, text string, wantCode int, want string) {
		t.Helper()
		dir := t.TempDir()
		write(t, dir, file, text)
		out, code := execute(t, "", "policy", "test", dir)
		if out = strings.ReplaceAll(out, dir, "DIR"); code != wantCode || out != want {
			t.Errorf("%s: exit %d, want %d\n got %s\nwant %s", text, code, wantCode, out, want)
		}
	}
	const good, bad = "1 cases under the policy of 2026-10-01: 1 as expected, 0 not\n", "1 cases under the policy of 2026-10-01: 0 as expected, 1 not\n"
	check("a.yaml", view+"expect: {outcome: anonymised}", 0, good)
	check("a.yml", view+"expect: {outcome: anonymised, reason: silent, jurisdiction: japan, recipients: {store: {stripped: [title, visitor_id]}}}", 0, good)
	check("a.json", `{"event": {"type": "custom", "name": "x", "site": "shop", "properties": {"items": 1.50}}, "headers": {"Cookie": "sekisho_consent=1.2026-10-01.analytics"}, "expect": {"outcome": "allowed"}}`, 0, good)
	check("a.yaml", view+"expect: {outcome: allowed, reason: granted, jurisdiction: europe, recipients: {store: {outcome: allowed, stripped: []}, google: {reason: granted}, none: {outcome: allowed}}}", 1,
		"a\n    none: is no recipient of the handling policy\n    outcome is anonymised, want allowed\n    reason is silent, want granted\n    jurisdiction is japan, want europe\n"+
			"    google: reason is silent, want granted\n    none: outcome is dropped, want allowed\n    store: outcome is anonymised, want allowed\n    store: stripped is title, visitor_id, want none\n"+bad)
	check("a.yaml", "event: []\nexpect: {outcome: allowed}", 1, "a\n    cannot read the event: the array has no events\n"+bad)
	check("a.yaml", "event: {type: pageview}\nexpect: {outcome: rejected, reason: invalid}", 0, good)
	// A typo must not pass for a case.
	check("a.yaml", view+"expects: {outcome: allowed}", 1, "DIR/a.yaml: the case is not valid:\n"+
		"expect: is required\nexpect.outcome: is required\nexpects: unknown key, did you mean \"expect\"? allowed: headers, place, now, resets, expect")
	check("a.yaml", view+"expect: {outcome: maybe}", 1, "DIR/a.yaml: the case is not valid:\nexpect.outcome: \"maybe\": must be one of rejected, dropped, anonymised, allowed")
	check("a.yaml", view+"resets: {title: Tea}\nexpect: {outcome: allowed}", 1, "DIR/a.yaml: the case is not valid:\nresets.title: must be a field that holds an identifier, such as visitor_id")
	check("a.yaml", "expect: {outcome: allowed}", 1, "DIR/a.yaml: the case is not valid: event: is required")
	check("a.yaml", "event: &a {type: pageview}\nexpect: {outcome: allowed}", 1, "DIR/a.yaml: the case is not valid: event: must not have anchors and aliases")
	check("a.yaml", "event: {screen_width: 0x10}\nexpect: {outcome: allowed}", 1, "DIR/a.yaml: the case is not valid: event: line 1: must be as in JSON; put a text in quotes")
	check("a.yaml", view+"expect: {outcome: anonymised, recipients: {gogle: {outcome: dropped}}}", 1, "a\n    gogle: is no recipient of the handling policy\n"+bad)
	check("a.yaml", view+"expect: {outcome: anonymised}\n---\n"+view+"expect: {outcome: allowed}\n", 1, "DIR/a.yaml: the case is not valid: a second document, only one is allowed: a file is one case")
	check("a.yaml", "", 1, "DIR/a.yaml: the case is not valid: must have the keys event and expect")
	check("a.yaml", "- 1", 1, "DIR/a.yaml: the case is not valid: must have the keys event and expect")
	check("a.txt", "", 1, "cannot find a case in DIR: a case is a .yaml or .json file")
}

// TestPolicyTestOwnPolicy: a directory may hold the policy that its cases are
// for.
func TestPolicyTestOwnPolicy(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "policy.yaml", strings.ReplaceAll(string(policy.Example), "default: opt_in", "default: opt_out"))
	write(t, dir, "a.yaml", "event: {type: pageview, site: shop, url: \"https://shop.example.jp/\"}\nexpect: {outcome: allowed}")
	if out, code := execute(t, "", "policy", "test", dir); code != 0 {
		t.Errorf("exit %d: %s", code, out)
	}
	example := write(t, t.TempDir(), "example.yaml", string(policy.Example))
	if out, code := execute(t, "", "policy", "test", dir, "--policy", example); code != 1 {
		t.Errorf("exit %d: %s", code, out)
	}
}

func TestPolicyDiff(t *testing.T) {
	dir := t.TempDir()
	before := write(t, dir, "old.yaml", string(policy.Example))
	changed := func(old, new string) string {
		t.Helper()
		text := strings.Replace(string(policy.Example), old, new, 1)
		if text == string(policy.Example) {
			t.Fatalf("the example policy does not have %q", old)
		}
		return write(t, dir, "new.yaml", text)
	}
	check := func(after string, wantCode int, args []string, want ...string) string {
		t.Helper()
		out, code := execute(t, "", append([]string{"policy", "diff", before, after, "--exit-code"}, args...)...)
		if code != wantCode {
			t.Errorf("exit %d, want %d:\n%s", code, wantCode, out)
		}
		for _, w := range want {
			if !strings.Contains(out, w) {
				t.Errorf("%q is not in\n%s", w, out)
			}
		}
		return out
	}
	if out := check(before, 0, nil, "0 of "); strings.Count(out, "\n") != 1 {
		t.Errorf("a policy differs from itself:\n%s", out)
	}
	dropped := changed("pageview: {purpose: analytics, without_consent: anonymise}", "pageview: {purpose: analytics, without_consent: drop}")
	out := check(dropped, 1, nil, "shop pageview, store: anonymised because silent", "-> dropped because silent\n    no place: silence\n", "JP: silence", "shop pageview, store: anonymised because refused")
	if strings.Contains(out, " ad_click") || strings.Contains(out, "google") || strings.Contains(out, "all granted") {
		t.Errorf("what does not change is listed:\n%s", out)
	}
	check(dropped, 1, []string{"--cases", exampleCases}, "silence-opt-in, store: anonymised because silent -> dropped because silent\n", " of 4")
	check(changed("    recipients: [google, meta]\n    query: [page, category", "    recipients: [google]\n    query: [page, category"), 1, nil, "shop ad_click, meta: allowed because granted", "-> dropped because recipient")
	check(changed("  news:\n", "  paper:\n"), 1, nil, "-> rejected because unknown_site", "paper pageview, rejected because unknown_site -> anonymised because silent")
	check(changed("advertising, social]\n    categories: [usage_environment, attribute, location,", "advertising, social]\n    categories: [usage_environment, location,"), 1, nil,
		"shop pageview, store: allowed because granted, no longer with age_band\n    no place: all granted")
	check(changed("vendor: 755", "vendor: 756"), 1, nil, "shop ad_click, google: dropped because vendor_refused -> allowed because granted\n    ZZ: TC string, all but vendor 755\n")
	check(changed("granularity: 1h", "granularity: 2h"), 1, nil, "anonymised because silent, time generalised as ")
	check(changed("plan: {type: text, category: attribute}", "plan: {type: text, category: location}"), 1, nil, "properties.plan of attribute -> of location", "now with properties.plan")
	check(changed("name: Example Shop", "name: Shop"), 0, nil, "0 of ")
	check(changed("share: {purpose: social", "like: {purpose: social"), 1, nil, "shop like, store: ", "shop share, store: ")
	if out, code := execute(t, "", "policy", "diff", before, dropped); code != 0 {
		t.Errorf("without --exit-code: exit %d: %.200s", code, out)
	}
	if out, code := execute(t, "", "policy", "diff", before, exampleCases+"/granted.yaml"); code != 1 {
		t.Errorf("not a policy: exit %d: %s", code, out)
	}
}
