package strict

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestEnvironmentFillsEveryKey(t *testing.T) {
	got := defaults()
	err := Load([]byte("site: file\nport: 1\nsites: {old: {name: Old}}\n"), got, "SEKISHO", []string{
		"SEKISHO_SITE=a: b, #c", "SEKISHO_DEBUG=true", "SEKISHO_PORT=9000", "SEKISHO_OFFSET=-1", "SEKISHO_RATIO=0.25",
		"SEKISHO_TIMEOUT=1m", "SEKISHO_LIMIT=1MiB", "SEKISHO_SINCE=2026-01-31", "SEKISHO_PURPOSE=social",
		"SEKISHO_ALLOW=10.0.0.0/8, ::1/128", "SEKISHO_KAFKA_BROKERS=[::1]:9092,b:9092", "SEKISHO_KAFKA_PASSWORD=env:literal",
		"SEKISHO_TLS_CERT=/c", "SEKISHO_TLS_KEY=hunter2", `SEKISHO_SITES={"new": {"name": "New", "retention": "1d"}}`,
		"SEKISHO_LIMITS=analytics: 3", "SEKISHO_WEBHOOKS=[{url: https://a.example, token: env:SEKISHO_TOKEN}]",
		"SEKISHO_TOKEN=t", "SEKISHO_LABELS={a: [x]}", "SEKISHO_SAMPLE=1",
		"PATH=/bin", "OTHER_PORT=x", "SEKISHO=x", "SEKISHOX_PORT=x", "SEKISHO_CONFIG=/etc", "SEKISHO_SERVICE_HOST=1",
	}, "SEKISHO_CONFIG", "SEKISHO_SERVICE_*")
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, want %#v", name, got, want)
		}
	}
	check("site", got.Site, "a: b, #c")
	check("debug", got.Debug, true)
	check("port", got.Port, uint16(9000))
	check("offset", got.Offset, int64(-1))
	check("ratio", got.Ratio, 0.25)
	check("timeout", got.Timeout, time.Minute)
	check("limit", got.Limit, Size(1<<20))
	check("since", got.Since, NewDate(2026, 1, 31))
	check("purpose", got.Purpose, purpose("social"))
	check("allow", got.Allow[1].String(), "::1/128")
	check("brokers", got.Kafka.Brokers, []string{"[::1]:9092", "b:9092"})
	check("password", got.Kafka.Password.reference(), "env:literal")
	check("cert", got.TLS.Cert, "/c")
	check("min", got.TLS.Min, "1.2")
	check("key", got.TLS.Key.Reveal(), "hunter2")
	check("sites", got.Sites, map[string]site{"new": {"New", 24 * time.Hour, nil}})
	check("limits", got.Limits, map[purpose]int{"analytics": 3})
	check("token", got.Webhooks[0].Token.reference(), "env:SEKISHO_TOKEN")
	check("labels", got.Labels, map[string][]string{"a": {"x"}})
	check("sample", *got.Sample, 1.0)
}

func TestEnvironmentErrors(t *testing.T) {
	check := func(file string, want string, environ ...string) {
		t.Helper()
		got := "accepted"
		if err := Load([]byte(file), defaults(), "S", environ); err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q: got\n%s\nwant\n%s", environ, got, want)
		}
	}
	check(minimal, "accepted", "S_KAFKA_BROKERS=")
	check("", "accepted", "S_KAFKA_BROKERS=a:1")
	check("kafka: {brokers: 5}", "kafka.brokers (line 1): 5: want: list of text", "S_PORT=1")
	check("", `kafka.brokers: is required`)
	check("", `kafka.brokers: is required`, "S_KAFKA_LINGER=1s")
	check(minimal, `S_KAFKA_BROKRES: no key has this environment variable; did you mean "S_KAFKA_BROKERS"?`, "S_KAFKA_BROKRES=x")
	check(minimal, `S_ZEBRA: no key has this environment variable`, "S_ZEBRA=x")
	check(minimal, `S_KAFKA: no key has this environment variable`, "S_KAFKA=x")
	check(minimal, `S_port: no key has this environment variable; did you mean "S_PORT"?`, "S_port=1")
	check(minimal, `port (from S_PORT): "": want a whole number from 0 to 65535`, "S_PORT=")
	check(minimal, `port (from S_PORT): "08": want a whole number from 0 to 65535`, "S_PORT=08")
	check(minimal, `debug (from S_DEBUG): "yes": want true or false`, "S_DEBUG=yes")
	check(minimal, `purpose (from S_PURPOSE): "socal": did you mean "social"? want one of: necessary, analytics, advertising, social`, "S_PURPOSE=socal")
	check(minimal, `allow[1] (from S_ALLOW): is empty, which a list between commas cannot hold`, "S_ALLOW=10.0.0.0/8,")
	check(minimal, `offset (from S_OFFSET): "1,2": want a whole number in decimal, of at most 64 bits`, "S_OFFSET=1,2")
	check(minimal, `allow[0] (from S_ALLOW): netip.ParsePrefix("x"): no '/'`, "S_ALLOW=x")
	check(minimal, `kafka.password (from S_KAFKA_PASSWORD): is empty`, "S_KAFKA_PASSWORD=")
	check(minimal, `sites (from S_SITES): is empty, want: map of section as inline YAML`, "S_SITES=")
	check(minimal, `sites (from S_SITES): "shop": want: map of section`, "S_SITES=shop")
	check(minimal, `sites (from S_SITES): not valid YAML: did not find expected node content`, "S_SITES={a: [")
	check(minimal, `sites.a.name (from S_SITES): is required
sites.a.nmae (from S_SITES): unknown key, did you mean "name"? allowed: name, retention, purposes`, "S_SITES={a: {nmae: x}}")
	check(minimal, `webhooks[0].token (from S_WEBHOOKS): a secret is not written here; want env:NAME (an environment variable) or file:/path (an absolute path)`,
		"S_WEBHOOKS=[{token: hunter2}]")
	check(minimal, `tls.key: is required`, "S_TLS_CERT=x")
	check(minimal+"tls: {key: 'env:K'}\nport: 70000", `tls.cert (line 2): is required
port (line 3): 70000: want a whole number from 0 to 65535
offset (from S_OFFSET): "x": want a whole number in decimal, of at most 64 bits`, "S_OFFSET=x")
	// A section that a variable replaces has none of the file's keys.
	check(minimal+"sites: {a: {name: A}}", `sites.a.name (from S_SITES): is required`, "S_SITES={a: {}}")
	// Conflicts and limits are those of the whole.
	check(minimal[:len(minimal)-2]+", linger: 1s}", `kafka.linger_ms (from S_KAFKA_LINGER_MS): cannot be combined with kafka.linger (line 1): keep linger`, "S_KAFKA_LINGER_MS=5")
	check(minimal, `kafka.linger_ms (from S_KAFKA_LINGER_MS): cannot be combined with kafka.linger (from S_KAFKA_LINGER): keep linger`,
		"S_KAFKA_LINGER_MS=5", "S_KAFKA_LINGER=5ms")
}

func TestTwoKeysWithOneVariablePanic(t *testing.T) {
	defer func() {
		if got, _ := recover().(string); !strings.Contains(got, "two keys") || !strings.Contains(got, "X_A_B_C") {
			t.Errorf("panic is %q", got)
		}
	}()
	Keys(&struct {
		A struct {
			BC int `yaml:"b_c"`
		} `yaml:"a"`
		AB struct {
			C int `yaml:"c"`
		} `yaml:"a_b"`
	}{}, "X")
}
