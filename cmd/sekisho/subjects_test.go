package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/ingest"
)

// export is what sekisho export prints of one identifier.
type export struct {
	Kind     string `json:"kind"`
	Reset    bool   `json:"reset"`
	Consents []struct {
		Site     string   `json:"site"`
		Policy   string   `json:"policy"`
		Purposes []string `json:"purposes"`
		Signals  []string `json:"signals"`
	} `json:"consents"`
	Events []struct {
		Type     string                    `json:"type"`
		Site     string                    `json:"site"`
		Purposes []string                  `json:"purposes"`
		Data     map[string]map[string]any `json:"data"`
	} `json:"events"`
}

// TestExportAndErase: one user has all that is stored, and has it erased, from
// the disk too; and the log of that tells who asked and never about whom.
func TestExportAndErase(t *testing.T) {
	config := filepath.Join(t.TempDir(), "sekisho.yaml")
	if err := os.WriteFile(config, []byte("clickhouse:\n  erasure:\n    max_wait: 100ms\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u := startUp(t, t.TempDir(), "--config", config)
	if err := u.clickHouse(t).Exec(t.Context(), "ALTER TABLE sekisho.events MODIFY SETTING old_parts_lifetime = 1"); err != nil {
		t.Fatal(err)
	}
	const visitor, other = "canary-of-one-user", "somebody-else"
	for _, event := range []string{
		pageOf(visitor), pageOf(visitor), pageOf(other),
		`{"type":"consent","site":"shop","visitor_id":"` + visitor + `","consent":{"analytics":true}}`,
	} {
		if status, answer := send(t, u.Collector+"/v1/events", event); status != http.StatusOK {
			t.Fatalf("an event is answered %s", answer)
		}
	}
	run := func(arguments ...string) string {
		t.Helper()
		cmd := exec.Command(binary(t), append(arguments, "--data", u.Dir, "--kind", "visitor_id", "--id", "-")...)
		cmd.Env, cmd.Stdin = environment(), strings.NewReader(visitor+"\n")
		var said strings.Builder
		cmd.Stderr = &said
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %v: %s", arguments, err, &said)
		}
		return string(out) + said.String()
	}
	read := func(text string) (list []export) {
		t.Helper()
		if err := json.Unmarshal([]byte(text), &list); err != nil || len(list) != 1 {
			t.Fatalf("%v: %s", err, text)
		}
		return list
	}
	eventually(t, waitTime, "the events to be stored", func() bool {
		return count(t, u, "SELECT count() FROM sekisho.events WHERE visitor_id != ''") == 4
	})

	var x export
	eventually(t, waitTime, "the receipt", func() bool { x = read(run("export", "--by", "support"))[0]; return len(x.Consents) == 1 })
	if x.Kind != "visitor_id" || x.Reset || len(x.Events) != 3 {
		t.Errorf("exported %+v", x)
	}
	for _, e := range x.Events {
		if e.Site != "shop" || len(e.Purposes) == 0 || e.Data["terminal_identification"]["visitor_id"] == nil || e.Data["usage_history"]["id"] == nil {
			t.Errorf("an event is exported as %+v", e)
		}
	}
	if c := x.Consents[0]; c.Site != "shop" || c.Policy == "" || len(c.Signals) == 0 || !strings.Contains(strings.Join(c.Purposes, " "), "analytics") {
		t.Errorf("a receipt is exported as %+v", c)
	}
	_, answer := send(t, u.Admin+"/export", `{"by":"portal","identifiers":[{"kind":"visitor_id","id":"`+visitor+`"}]}`)
	if n := strings.Count(answer, `"visitor_id":"k1.`); n != 3 {
		t.Errorf("POST /export gives %d events: %s", n, answer)
	}
	if status, answer := send(t, u.Admin+"/erase", `{"identifiers":[{"kind":"visitor_id","id":"`+visitor+`"}]}`); status != http.StatusBadRequest || strings.Contains(answer, visitor) {
		t.Errorf("a request of nobody is answered %d %s", status, answer)
	}

	if said := run("erase", "--by", "support", "--wait"); !strings.HasPrefix(said, "accepted; ticket\n") || !strings.Contains(said, "erased in ClickHouse") {
		t.Errorf("erase says %s", said)
	}
	if n := count(t, u, "SELECT count() FROM sekisho.events WHERE visitor_id != ''"); n != 1 {
		t.Errorf("%d rows are stored under an identifier, want that of the other visitor", n)
	}
	if n := count(t, u, "SELECT count() FROM sekisho.events"); n != 4 {
		t.Errorf("%d rows are left, want those of the erased user anonymised", n)
	}
	x = read(run("export", "--by", "support"))[0]
	if !x.Reset || len(x.Events)+len(x.Consents) != 0 {
		t.Errorf("exported of one who was reset: %+v", x)
	}
	// A table that cannot be searched is named to the operator, and not to the user.
	if err := u.clickHouse(t).Exec(t.Context(), "CREATE TABLE sekisho.notes (x String) ENGINE = Log"); err != nil {
		t.Fatal(err)
	}
	status, answer := send(t, u.Admin+"/erase", `{"by":"portal","identifiers":[{"kind":"visitor_id","id":"`+other+`"}]}`)
	if status != http.StatusAccepted || !strings.Contains(answer, `"ticket":"`) {
		t.Errorf("POST /erase is answered %d %s", status, answer)
	}
	eventually(t, waitTime, "the other visitor to be erased too", func() bool {
		return count(t, u, "SELECT count() FROM sekisho.events WHERE visitor_id != ''") == 0
	})
	_, rest, _ := strings.Cut(answer, `"ticket":"`)
	ticket, _, _ := strings.Cut(rest, `"`)
	eventually(t, waitTime, "the status to name the table", func() bool {
		out, problems, code := sekisho(t, nil, "reset", "status", "--data", u.Dir, ticket)
		if code != 0 {
			t.Fatal(problems)
		}
		return strings.Contains(out, "not erased yet: cannot erase from table sekisho.notes: it has texts, and its engine Log")
	})
	eventually(t, waitTime, "the user's ticket to say that it is asked", func() bool {
		answer := fetch(t, u.Collector+"/v1/reset/"+ticket)
		if strings.Contains(answer, "notes") {
			t.Fatalf("a user's ticket says %s", answer)
		}
		return strings.Contains(answer, `"erased_in_clickhouse":{"state":"asked"`)
	})
	if err := u.clickHouse(t).Exec(t.Context(), "DROP TABLE sekisho.notes"); err != nil {
		t.Fatal(err)
	}

	// Of one subject under the key of the registry: who asked for what.
	if n := count(t, u, "SELECT uniqExact(subject) FROM sekisho.audit WHERE length(subject) = 32"); n != 2 {
		t.Errorf("the audit log has %d subjects, want 2", n)
	}
	for who, want := range map[string]uint64{
		"actor = 'support' AND action = 'erase' AND ticket = ''": 1, "actor = 'support' AND action = 'erase' AND ticket != ''": 1,
		"actor = 'portal' AND action = 'export'": 1, "actor = 'portal' AND action = 'erase'": 2,
	} {
		if n := count(t, u, "SELECT count() FROM sekisho.audit WHERE "+who); n != want {
			t.Errorf("the audit log has %d lines where %s, want %d", n, who, want)
		}
	}
	wantEveryoneNoted(t, u)
	wantOneKind(t, u)
	wantOtherKeysRefused(t, u)
	u.wantNowhere(t, visitor)
}

// wantEveryoneNoted checks that the audit log tells who asked for resets and
// opt-outs, each once.
func wantEveryoneNoted(t *testing.T, u *running) {
	t.Helper()
	ask := func(path, body string, headers ...string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, u.Collector+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		for _, origin := range headers {
			request.Header.Set("Origin", origin)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode/100 != 2 {
			t.Fatalf("%s is answered %s", path, response.Status)
		}
	}
	ask("/v1/reset", `{"app_instance_id":"canary-in-audit-1"}`)
	ask("/v1/reset", `{"visitor_id":"canary-in-audit-2"}`, "http://localhost:1")
	ask("/v1/optout/google", `{"app_instance_id":"canary-in-audit-3"}`)
	ask("/v1/events", `{"type":"consent","site":"shop","app_instance_id":"canary-in-audit-4","consent":{"analytics":false,"advertising":false,"social":false}}`)
	out, problems, code := sekisho(t, nil, "reset", "--data", u.Dir, "--kind", "visitor_id", "--id", "canary-in-audit-5", "--by", "ops-7", "--wait", "--json")
	var answer struct {
		Status, Ticket string
		Identifiers    int
		Progress       ingest.ResetStatus
	}
	if err := json.Unmarshal([]byte(out), &answer); err != nil || code != 0 || answer.Status != "accepted" || answer.Identifiers != 1 || answer.Ticket == "" ||
		answer.Progress.Erased.State != "done" || answer.Progress.Erased.At.Before(*answer.Progress.InForce.At) {
		t.Errorf("%v: reset ended with %d: %s%s", err, code, out, problems)
	}
	for who, want := range map[string]uint64{
		"actor = 'app' AND action = 'reset' AND kind = 'app_instance_id'": 2, "actor = 'browser' AND action = 'reset'": 1,
		"actor = 'app' AND action = 'opt_out google'": 1, "actor = 'ops-7' AND action = 'reset' AND kind = 'visitor_id'": 1, "offset IS NOT NULL": 5,
	} {
		eventually(t, waitTime, "lines where "+who, func() bool { return count(t, u, "SELECT count() FROM sekisho.audit WHERE "+who) == want })
	}
	u.wantNowhere(t, "canary-in-audit")
}

// wantOneKind checks that an advertising identifier is exported whichever platform
// it is said to be of.
func wantOneKind(t *testing.T, u *running) {
	t.Helper()
	const id = "6d92078a-8246-4ba4-ae5b-76104861e7dc"
	event := `{"type":"pageview","site":"shop","url":"https://shop.example.jp/","gaid":"` + id + `","consent":{"analytics":true,"advertising":true}}`
	if status, answer := send(t, u.Collector+"/v1/events", event); status != http.StatusOK {
		t.Fatalf("an event is answered %s", answer)
	}
	for _, kind := range []string{"gaid", "idfa"} {
		eventually(t, waitTime, "the event to be exported by its "+kind, func() bool {
			out, problems, code := sekisho(t, nil, "export", "--data", u.Dir, "--kind", kind, "--id", strings.ToUpper(id))
			if code != 0 {
				t.Fatalf("export ended with %d: %s%s", code, out, problems)
			}
			return strings.Count(out, `"gaid":"k1.`) == 1
		})
	}
}

// wantOtherKeysRefused checks that what is under other keys than the resets is not
// made, that a collector which has them takes nothing, and that a sink does not start:
// what it anonymised would be other events than the collectors'. (It did.)
func wantOtherKeysRefused(t *testing.T, u *running) {
	t.Helper()
	other := "file:" + write(t, "other-secret", strings.Repeat("0f", 32))
	for variable, want := range map[string]string{
		"SEKISHO_KEYS_REGISTRY": "keys.registry is another secret", "SEKISHO_KEYS_SECRET": "keys.secret, or one of keys.previous, is another secret than theirs of the same id (k1:",
	} {
		for _, command := range []string{"reset", "export", "erase"} {
			before := count(t, u, "SELECT count() FROM sekisho.audit")
			out, problems, code := sekisho(t, []string{variable + "=" + other}, command, "--data", u.Dir, "--kind", "visitor_id", "--id", "canary-of-other-keys")
			if code != 1 || !strings.Contains(problems, want) || strings.Contains(out+problems, "canary") {
				t.Errorf("%s with another %s ended with %d: %s%s", command, variable, code, out, problems)
			}
			if n := count(t, u, "SELECT count() FROM sekisho.audit"); n != before {
				t.Errorf("%s with another %s is in the audit log", command, variable)
			}
		}
		environment := append(secretsOf(u), "SEKISHO_KAFKA_BROKERS="+u.Kafka, "SEKISHO_POLICY="+filepath.Join(u.Dir, "policy.yaml"),
			"SEKISHO_COLLECTOR_LISTEN=127.0.0.1:0", "SEKISHO_ADMIN_LISTEN=127.0.0.1:0", variable+"="+other)
		collector := startRole(t, environment, "collect")
		eventually(t, waitTime, "the collector to say why it takes nothing", func() bool {
			status, answer := send(t, "http://"+collector.listen+"/v1/events", pageOf("anybody"))
			if status == http.StatusOK {
				t.Fatal("a collector with other keys takes events")
			}
			return strings.Contains(answer, want)
		})
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTime)
	defer cancel()
	sink := exec.CommandContext(ctx, binary(t), "sink", "clickhouse")
	sink.Env = append(append(environment(), secretsOf(u)...), "SEKISHO_KAFKA_BROKERS="+u.Kafka, "SEKISHO_CLICKHOUSE_ADDRESSES="+u.ClickHouseNative,
		"SEKISHO_POLICY="+filepath.Join(u.Dir, "policy.yaml"), "SEKISHO_ADMIN_LISTEN=127.0.0.1:0", "SEKISHO_KEYS_SECRET="+other)
	said, _ := sink.CombinedOutput()
	if code := sink.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(said), "keys.secret, or one of keys.previous, is another secret") {
		t.Errorf("a sink with another secret ended with %d: %s", code, said)
	}
}
