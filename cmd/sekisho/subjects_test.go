package main_test

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
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
	status, answer := send(t, u.Admin+"/erase", `{"by":"portal","identifiers":[{"kind":"visitor_id","id":"`+other+`"}]}`)
	if status != http.StatusAccepted || !strings.Contains(answer, `"ticket":"`) {
		t.Errorf("POST /erase is answered %d %s", status, answer)
	}
	eventually(t, waitTime, "the other visitor to be erased too", func() bool {
		return count(t, u, "SELECT count() FROM sekisho.events WHERE visitor_id != ''") == 0
	})

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
	u.wantNowhere(t, visitor)
}
