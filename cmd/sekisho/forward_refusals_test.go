package main_test

import (
	"strings"
	"testing"

	"sekisho/schemas/policy"
)

// TestForwardRefusals: a forwarder that cannot work, or that the handling policy
// does not know, is refused at the start, and says why.
func TestForwardRefusals(t *testing.T) {
	const hunter2 = "whsec_aHVudGVyMmh1bnRlcjJodW50ZXIyaHVudGVyMg=="
	env := []string{
		"SEKISHO_KEYS_SECRET=" + strings.Repeat("a", 64), "SEKISHO_KAFKA_BROKERS=127.0.0.1:1", "HOOK=" + hunter2, "SHORT=whsec_c2hvcnQ=",
		"SEKISHO_POLICY=" + write(t, "policy.yaml", string(policy.Example)),
	}
	check := func(want, config, name string) {
		t.Helper()
		file := "--config=" + write(t, "sekisho.yaml", config)
		out, problems, code := sekisho(t, env, "forward", name, file)
		if code != 1 || !strings.Contains(problems, want) {
			t.Errorf("%s: got code %d and %q, want code 1 and %q", config, code, problems, want)
		}
		if strings.Contains(out+problems, hunter2) || strings.Contains(out+problems, "c2hvcnQ") {
			t.Errorf("%s: a secret is printed", config)
		}
	}
	hook := func(of string) string {
		return "forwarders: {" + of + ": {webhook: {url: 'https://partner.example.jp/', secrets: ['env:HOOK']}}}"
	}
	check("there is no forwarder to google: the configuration has meta under `forwarders`", hook("meta"), "google")
	check("nothing may be forwarded to nobody: the handling policy does not know such a recipient; it has google, meta, partner, store", hook("nobody"), "nobody")
	check("forwarders.store (line 1): must be a third party", hook("store"), "store")
	check("forwarders.meta (line 1): must have one of the sections ga4, meta and webhook", "forwarders: {meta: {delivery: {rate: 1}}}", "meta")
	check("forwarders.meta.webhok (line 1): unknown key, did you mean \"webhook\"?", strings.Replace(hook("meta"), "webhook", "webhok", 1), "meta")
	check("must be whsec_ and base64 of 24 to 64 bytes", strings.Replace(hook("meta"), "HOOK", "SHORT", 1), "meta")
	check("cannot resolve secret: the environment variable GONE is not set", strings.Replace(hook("meta"), "HOOK", "GONE", 1), "meta")
	check("forwarders.meta.webhook.url (line 1)", strings.Replace(hook("meta"), "https:", "http:", 1), "meta")
	for keys, want := range map[string]string{
		"concurrency: 1000": "concurrency (line 1): 1000: must be from 1 to 256, or 0", "timeout: 1ms": "timeout (line 1): 1ms: must be from 100ms to 5m",
		"max_wait: 2m": "max_wait (line 1): 2m: must be from 10ms to 1m", "attempts: 0": "attempts (line 1): 0: must be from 1 to 100",
		"allow_private: ['a b']": "must be the name of a host", "tls: {certificate: /c}": "tls.certificate and tls.key go together",
	} {
		check(want, strings.Replace(hook("meta"), "}}}", "}, delivery: {"+keys+"}}}", 1), "meta")
	}
	grouped := func(of, group string) string {
		return strings.TrimPrefix(strings.Replace(strings.TrimSuffix(hook(of), "}"), "}}", "}, delivery: {group: "+group+"}}", 1), "forwarders: {")
	}
	for groups, want := range map[[2]string]string{
		{"one", "one"}:                    `forwarders.partner.delivery.group (line 1): "one": is the group of forwarders.meta.delivery.group already`,
		{"one", "one-resets"}:             `"one-resets": is the group of forwarders.meta.delivery.group already`,
		{"sekisho-clickhouse", "two"}:     `forwarders.meta.delivery.group (line 1): "sekisho-clickhouse": is the group of clickhouse.group already`,
		{"sekisho-eraser", "two"}:         `is the group of clickhouse.erasure.group already`,
		{"sekisho-receipts", "two"}:       `is the group of those who take receipts back already`,
		{"sekisho-forward-partner", "''"}: `"sekisho-forward-partner": is the group of forwarders.meta.delivery.group already`,
	} {
		check(want, "forwarders: {"+grouped("meta", groups[0])+", "+grouped("partner", groups[1])+"}", "meta")
	}
	out, problems, code := sekisho(t, env, "config", "--config="+write(t, "sekisho.yaml", hook("meta")))
	if code != 0 || strings.Contains(out+problems, hunter2) || !strings.Contains(out, "https://partner.example.jp/") || !strings.Contains(out, "max_events: 2000") {
		t.Errorf("config prints %s%s", out, problems)
	}
}
