package main_test

import (
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"sekisho/schemas/policy"
)

// sekisho runs a command to its end and returns what it printed and its code.
func sekisho(t *testing.T, env []string, arguments ...string) (out, problems string, code int) {
	t.Helper()
	cmd := exec.Command(binary(t), arguments...)
	cmd.Env = append(environment(), env...)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestRefusals: what cannot work stops the start, with a message that says
// where the fault is and what to do.
func TestRefusals(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	layout := t.TempDir()
	if err := os.WriteFile(filepath.Join(layout, "layout"), []byte("99\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := write(t, "file", "")
	secrets := []string{"SEKISHO_KEYS_SECRET=" + strings.Repeat("a", 64), "SEKISHO_KEYS_REGISTRY=" + strings.Repeat("b", 64)}

	check := func(want string, env []string, arguments ...string) {
		t.Helper()
		out, problems, code := sekisho(t, env, arguments...)
		if code != 1 || !strings.Contains(problems, want) {
			t.Errorf("sekisho %v: got code %d and %q, want code 1 and %q", arguments, code, problems, want)
		}
		if strings.Contains(out+problems, strings.Repeat("a", 64)) || strings.Contains(out+problems, "hunter2") {
			t.Errorf("sekisho %v prints a secret", arguments)
		}
	}
	config := func(text string) string { return "--config=" + write(t, "sekisho.yaml", text) }

	check(`kafka.brkers (line 1): unknown key, did you mean "brokers"?`, nil, "config", config("kafka: {brkers: [x]}"))
	check(`kafka.timeout (line 1): 5: want a duration with its unit`, nil, "config", config("kafka: {timeout: 5}"))
	check(`a secret is not written here; want env:NAME`, nil, "config", config("clickhouse: {password: hunter2}"))
	check(`embedded.clickhouse.library (line 1): cannot be combined with embedded.clickhouse.binary`, nil, "config", config("embedded: {clickhouse: {library: /a, binary: /b}}"))
	check(`must be a loopback address unless admin.token is set`, nil, "config", config(`admin: {listen: "0.0.0.0:1"}`))
	check(`collector.max_connections_per_address (line 1): -1: must be from 0 (no limit) to 1048576`, nil, "config", config("collector: {max_connections_per_address: -1}"))
	check(`needs trusted_proxies`, nil, "config", config("collector: {place_header: X-Place}"))
	check(`collector.listen (line 1): "8080": must be host:port`, nil, "config", config(`collector: {listen: "8080"}`))
	check(`must have a port from 0 to 65535`, nil, "config", config(`collector: {listen: "127.0.0.1:http-alt"}`))
	check(`must be at least 16MiB`, nil, "config", config("collector: {spool: {max_bytes: 1MiB}}"))
	check(`collector.spool.after (line 1): 2m: must be from 10ms to 1m`, nil, "config", config("collector: {spool: {after: 2m}}"))
	check(`kafka.topics.progress (line 1): "a.b": is the topic of resets already`, nil, "config", config(`kafka: {topics: {resets: a.b, progress: a.b}}`))
	check(`kafka.sasl.mechanism (line 1): "": is required with sasl.username`, nil, "config", config(`kafka: {sasl: {username: u}}`))
	check(`keys.secret is the same secret as keys.registry`, []string{"SEKISHO_KEYS_SECRET=" + strings.Repeat("a", 64), "SEKISHO_KEYS_REGISTRY=" + strings.Repeat("a", 64)}, "config")
	check(`keys.secret is the same secret as keys.previous.k0`, append(secrets, "OLD="+strings.Repeat("a", 64)), "config", config("keys: {previous: {k0: env:OLD}}"))
	check(`has the id k1 of the current key`, append(secrets, "OLD="+strings.Repeat("c", 64)), "config", config("keys: {previous: {k1: env:OLD}}"))
	check(`did you mean "SEKISHO_KAFKA_BROKERS"?`, []string{"SEKISHO_KAFKA_BROKRS=x"}, "config")
	check(`cannot read the configuration`, nil, "config", "--config=/does/not/exist")

	check(`kafka.brokers is empty`, nil, "topics")
	check(`no handling policy is named`, []string{"SEKISHO_KAFKA_BROKERS=127.0.0.1:1"}, "collect")
	check(`cannot read the handling policy`, append(secrets, "SEKISHO_KAFKA_BROKERS=127.0.0.1:1", "SEKISHO_POLICY=/does/not/exist"), "collect")
	check(`keys.secret and keys.registry are required`, []string{"SEKISHO_KAFKA_BROKERS=127.0.0.1:1", "SEKISHO_POLICY=" + write(t, "p.yaml", string(policy.Example))}, "collect")
	check(`recipients[0] (line`, nil, "policy", "check", write(t, "p.yaml", strings.Replace(string(policy.Example), "recipients: [google, meta]", "recipients: [goggle, meta]", 1)))
	check(`cannot read the handling policy`, nil, "policy", "check", file+"-missing")

	up := []string{"up", "--demo-port=0", "--collector-port=0", "--admin-port=0", "--kafka-port=0", "--clickhouse-native-port=0", "--clickhouse-http-port=0",
		"--google-port=0", "--meta-port=0", "--webhook-port=0"}
	check(`cannot listen for the embedded Kafka`, nil, append(up, "--data="+t.TempDir(), "--kafka-port="+port)...)
	check(`cannot listen for events (collector.listen)`, nil, append(up, "--data="+t.TempDir(), "--collector-port="+port)...)
	check(`has layout "99", this version has 1`, nil, append(up, "--data="+layout)...)
	check(`cannot make the data directory (name another with --data)`, nil, append(up, "--data="+file+"/below")...)
	check(`the handling policy is not valid`, nil, append(up, "--data="+t.TempDir(), "--policy="+write(t, "p.yaml", "schema: 1"))...)
	check(`is `+"`sekisho up`"+` running?`, nil, "demo", "--addresses="+file+"-missing")
	check(`unknown command`, nil, "forward-to-nowhere")

	// No npm, no cache, no network: the three ways out.
	_, problems, code := sekisho(t, []string{"PATH=/nonexistent", "XDG_CACHE_HOME=" + t.TempDir()}, append(up, "--data="+t.TempDir())...)
	for _, way := range []string{"npm", "embedded.clickhouse.library", "embedded.clickhouse.binary", "clickhouse.addresses"} {
		if code != 1 || !strings.Contains(problems, way) {
			t.Errorf("without npm: got code %d and %q, want code 1 and %q", code, problems, way)
		}
	}
}

// TestOneProcessHasTheData: a second `up` on the same directory is refused.
func TestOneProcessHasTheData(t *testing.T) {
	u := startUp(t, t.TempDir())
	_, problems, code := sekisho(t, nil, "up", "--data="+u.Dir)
	if code != 1 || !strings.Contains(problems, "has it") {
		t.Errorf("got code %d and %q", code, problems)
	}
}

// TestConfigRoundTrip: what `config` prints is a configuration that gives the
// same again, and secrets are not in it.
func TestConfigRoundTrip(t *testing.T) {
	env := []string{"SEKISHO_ADMIN_TOKEN=hunter2", "SEKISHO_KAFKA_BROKERS=a:1,b:2"}
	first, problems, code := sekisho(t, env, "config")
	if code != 0 || strings.Contains(first, "hunter2") || !strings.Contains(first, "a:1") {
		t.Fatalf("code %d, %s%s", code, first, problems)
	}
	plain, _, _ := sekisho(t, nil, "config")
	again, problems, code := sekisho(t, nil, "config", "--config="+write(t, "sekisho.yaml", plain))
	if code != 0 || again != plain {
		t.Errorf("code %d: %s\ngot\n%s\nwant\n%s", code, problems, again, plain)
	}
}

// TestSecretsInVariables: a variable holds a secret, or says where it is; a
// path is never taken for the secret itself.
func TestSecretsInVariables(t *testing.T) {
	missing := []string{"SEKISHO_KEYS_SECRET=file:/does/not/exist/but/is/long/enough/to/be/a/secret", "SEKISHO_KEYS_REGISTRY=" + strings.Repeat("b", 64)}
	if _, problems, code := sekisho(t, missing, "config"); code != 1 || !strings.Contains(problems, "keys.secret: cannot resolve secret") {
		t.Errorf("got code %d and %q", code, problems)
	}
	there := []string{"SEKISHO_KEYS_SECRET=file:" + write(t, "secret", strings.Repeat("a", 64))}
	if _, problems, code := sekisho(t, there, "config"); code != 0 {
		t.Errorf("got code %d and %q", code, problems)
	}
}

// TestUnknownSubcommands are errors, also below a command that only groups.
func TestUnknownSubcommands(t *testing.T) {
	for _, arguments := range [][]string{{"bogus"}, {"sink", "bogus"}, {"policy", "bogus"}, {"consent", "bogus"}} {
		if _, problems, code := sekisho(t, nil, arguments...); code != 1 || !strings.Contains(problems, "unknown command") {
			t.Errorf("sekisho %v: got code %d and %q", arguments, code, problems)
		}
	}
}
