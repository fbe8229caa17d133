package main_test

import (
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
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
	replace(t, rules, renamed)
	eventually(t, waitTime, "the new policy", func() bool { return post(event) == http.StatusBadRequest })
	replace(t, rules, "sites: [broken")
	eventually(t, waitTime, "the bad policy to be refused", func() bool {
		return strings.Contains(fetch(t, "http://"+collector.admin+"/metrics"), `sekisho_policy_reloads_total{result="refused"} 1`)
	})
	if status := post(strings.Replace(event, `"shop"`, `"store-front"`, 1)); status != http.StatusNoContent {
		t.Errorf("after a bad policy the collector answers %d: the old one should be in force", status)
	}
}

// replace puts another file in the place of one, so that nobody reads half of it.
func replace(t *testing.T, file, content string) {
	t.Helper()
	if err := os.Rename(write(t, "new", content), file); err != nil {
		t.Fatal(err)
	}
}

// roleProcess is a role in a process of its own.
type roleProcess struct{ listen, admin string }

// TestCollectorAwaitsKafka: a collector that is started while Kafka is away says so
// to clients and operators, and takes events once Kafka is there.
func TestCollectorAwaitsKafka(t *testing.T) {
	servers := startUp(t, t.TempDir())
	// Its address is kept from others for as long as it is away: it hangs up on everybody.
	there, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	bootstrap := there.Addr().String()
	var back atomic.Bool
	go func() {
		for {
			from, err := there.Accept()
			if err != nil {
				return
			}
			go func() {
				defer from.Close()
				if !back.Load() {
					return
				}
				to, err := net.Dial("tcp", servers.Kafka)
				if err != nil {
					return
				}
				defer to.Close()
				go func() { _, _ = io.Copy(to, from); to.Close() }()
				_, _ = io.Copy(from, to)
			}()
		}
	}()
	env := []string{
		"SEKISHO_POLICY=" + write(t, "policy.yaml", string(policy.Example)),
		"SEKISHO_KEYS_SECRET=" + strings.Repeat("s", 64), "SEKISHO_KEYS_REGISTRY=" + strings.Repeat("r", 64),
		"SEKISHO_KAFKA_TOPICS_EVENTS=await.events", "SEKISHO_KAFKA_TOPICS_RESETS=await.resets",
		"SEKISHO_COLLECTOR_LISTEN=127.0.0.1:0", "SEKISHO_ADMIN_LISTEN=127.0.0.1:0",
	}
	if _, problems, code := sekisho(t, append(env, "SEKISHO_KAFKA_BROKERS="+servers.Kafka), "topics"); code != 0 {
		t.Fatal(problems)
	}
	role, out := launchRole(t, append(env, "SEKISHO_KAFKA_BROKERS="+bootstrap), " awaits Kafka\"", "collect")
	post := func(address string) *http.Response {
		t.Helper()
		answer, err := http.Post("http://"+address+"/v1/events", "application/json",
			strings.NewReader(`{"type":"pageview","site":"shop","url":"https://shop.example.jp/","consent":{"analytics":true}}`))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		return answer
	}
	if answer := post(role.listen); answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" {
		t.Errorf("without Kafka: %s, %v", answer.Status, answer.Header)
	}
	for _, address := range []string{role.listen, role.admin} {
		answer, err := http.Get("http://" + address + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(answer.Body)
		answer.Body.Close()
		if answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(text), "Kafka does not answer") {
			t.Errorf("readiness is %s, %q", answer.Status, text)
		}
	}
	if text := fetch(t, "http://"+role.admin+"/metrics"); !strings.Contains(text, "sekisho_unavailable_total 1\n") || !strings.Contains(text, "sekisho_producer_healthy 0\n") {
		t.Errorf("the metrics are\n%s", text)
	}

	back.Store(true)
	role = awaitRole(t, out, " runs\"")
	eventually(t, waitTime, "an event to be taken", func() bool { return post(role.listen).StatusCode == http.StatusNoContent })
}

// startRole starts a role and returns once it says that it runs. It is stopped
// when the test ends, and has to end well.
func startRole(t *testing.T, env []string, arguments ...string) roleProcess {
	t.Helper()
	role, _ := launchRole(t, env, " runs\"", arguments...)
	return role
}

// launchRole is startRole for another message to wait for.
func launchRole(t *testing.T, env []string, message string, arguments ...string) (roleProcess, *output) {
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
	return awaitRole(t, &out, message), &out
}

// awaitRole returns the addresses that a role tells with a message.
func awaitRole(t *testing.T, out *output, message string) (role roleProcess) {
	t.Helper()
	eventually(t, startTime, "the role to say"+message, func() bool {
		for line := range strings.Lines(out.String()) {
			if strings.Contains(line, message) {
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
