package main_test

import (
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"sekisho/schemas/policy"
)

// TestRolesApart runs the roles as processes of their own against a Kafka and
// a ClickHouse that are there already, as a real deployment does.
func TestRolesApart(t *testing.T) {
	servers := startUp(t, t.TempDir())
	rules := write(t, "policy.yaml", string(policy.Example))
	env := []string{
		"SEKISHO_POLICY=" + rules,
		"SEKISHO_KEYS_SECRET=" + strings.Repeat("s", 64), "SEKISHO_KEYS_REGISTRY=" + strings.Repeat("r", 64),
		"SEKISHO_KAFKA_BROKERS=" + servers.Kafka,
		"SEKISHO_KAFKA_TOPICS_EVENTS=apart.events", "SEKISHO_KAFKA_TOPICS_RESETS=apart.resets", "SEKISHO_KAFKA_PARTITIONS=2",
		"SEKISHO_CLICKHOUSE_ADDRESSES=" + servers.ClickHouseNative, "SEKISHO_CLICKHOUSE_DATABASE=apart",
		"SEKISHO_COLLECTOR_LISTEN=127.0.0.1:0", "SEKISHO_ADMIN_LISTEN=127.0.0.1:0",
	}
	refused := func(want string, arguments ...string) {
		t.Helper()
		if _, problems, code := sekisho(t, env, arguments...); code != 1 || !strings.Contains(problems, want) {
			t.Errorf("sekisho %v: got code %d and %q, want %q", arguments, code, problems, want)
		}
	}
	done := func(want string, arguments ...string) {
		t.Helper()
		if out, problems, code := sekisho(t, env, arguments...); code != 0 || !strings.Contains(out+problems, want) {
			t.Fatalf("sekisho %v: got code %d, %q and %q, want %q", arguments, code, out, problems, want)
		}
	}
	refused("topic apart.events does not exist; create it with `sekisho topics`", "topics", "--verify")
	refused("topic apart.events does not exist; create it with `sekisho topics`", "collect")
	done("apart.events (2 partitions)", "topics")
	done("apart.events (2 partitions)", "topics")
	refused("run `sekisho migrate`", "sink", "clickhouse")
	done("applied migration", "migrate")
	done("", "migrate")

	collector := startRole(t, env, "collect")
	startRole(t, env, "sink", "clickhouse")
	eventually(t, waitTime, "the collector to be ready", func() bool {
		answer, err := http.Get("http://" + collector.listen + "/readyz")
		if err != nil {
			return false
		}
		answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	const event = `{"type":"pageview","site":"shop","url":"https://shop.example.jp/","visitor_id":"v1","consent":{"analytics":true}}`
	post := func(body string) (status int) {
		t.Helper()
		answer, err := http.Post("http://"+collector.listen+"/v1/events", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer.StatusCode
	}
	if status := post(event); status != http.StatusNoContent {
		t.Fatalf("the collector answered %d", status)
	}
	eventually(t, waitTime, "the row", func() bool {
		return count(t, servers, "SELECT count() FROM apart.events WHERE startsWith(visitor_id, 'k1.')") == 1
	})
	if n := count(t, servers, "SELECT count() FROM sekisho.events"); n != 0 {
		t.Errorf("%d rows are in the other database", n)
	}

	// The policy is taken up when its file changes, and a bad one is refused.
	renamed := strings.ReplaceAll(string(policy.Example), "\n  shop:\n", "\n  store-front:\n")
	if err := os.WriteFile(rules, []byte(renamed), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, waitTime, "the new policy", func() bool { return post(event) == http.StatusBadRequest })
	if err := os.WriteFile(rules, []byte("sites: [broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, waitTime, "the bad policy to be refused", func() bool {
		return strings.Contains(fetch(t, "http://"+collector.admin+"/metrics"), `sekisho_policy_reloads_total{result="refused"} 1`)
	})
	if status := post(strings.Replace(event, `"shop"`, `"store-front"`, 1)); status != http.StatusNoContent {
		t.Errorf("after a bad policy the collector answers %d: the old one should be in force", status)
	}
}

// roleProcess is a role in a process of its own.
type roleProcess struct{ listen, admin string }

// startRole starts a role and returns once it says that it runs. It is stopped
// when the test ends, and has to end well.
func startRole(t *testing.T, env []string, arguments ...string) roleProcess {
	t.Helper()
	cmd := exec.Command(binary(t), arguments...)
	cmd.Env = append(environment(), env...)
	var out output
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("sekisho %v: %v\n%s", arguments, err, out.String())
			}
		case <-time.After(stopTime):
			_ = cmd.Process.Kill()
			t.Errorf("sekisho %v had to be killed\n%s", arguments, out.String())
		}
	})
	var role roleProcess
	eventually(t, startTime, "the role to run", func() bool {
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, " runs\"") {
				role.listen, role.admin = word(line, "listen="), word(line, "admin=")
				return true
			}
		}
		return false
	})
	return role
}

// word returns what follows a key in a line of the log.
func word(line, key string) string {
	_, rest, _ := strings.Cut(line, key)
	rest, _, _ = strings.Cut(strings.TrimSpace(rest), " ")
	return strings.Trim(rest, `"`)
}
