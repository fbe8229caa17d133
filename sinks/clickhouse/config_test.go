package clickhouse

import (
	"fmt"
	"strings"
	"testing"

	"sekisho/schemas/strict"
	"sekisho/stream"
)

func TestConfig(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		c := DefaultConfig()
		if got := errorText(strict.Decode([]byte(in), &c)); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
	check("addresses: [a:9000, '[::1]:9000']\ncluster: main-1\ntls: {enabled: true}", "")
	check("addresses: [a]", `addresses[0] (line 1): "a": must be host:port, such as clickhouse:9000`)
	check("database: a.b", `database (line 1): "a.b": must be letters, digits and "_", at most 64, not beginning with a digit`)
	check("database: ''", `database (line 1): "": must be letters, digits and "_", at most 64, not beginning with a digit`)
	check(`cluster: "a'b"`, `cluster (line 1): "a'b": must be letters, digits and "_.-", at most 64`)
	check("group: ''", `group (line 1): "": must not be empty`)
	check("batch: {max_events: 0}", "batch.max_events (line 1): 0: must be from 1 to 1000000")
	check("batch: {max_events: 1000001}", "batch.max_events (line 1): 1000001: must be from 1 to 1000000")
	check("batch: {max_wait: 9ms}", "batch.max_wait (line 1): 9ms: must be from 10ms to 1m")
	check("timeout: 11m", "timeout (line 1): 11m: must be from 1s to 10m")
	check("tls: {certificate: a}", `tls.key (line 1): "": tls.certificate and tls.key go together`)
}

func TestConnectRefuses(t *testing.T) {
	check := func(change func(*Config), want string) {
		t.Helper()
		c := DefaultConfig()
		c.Addresses = []string{"localhost:9000"}
		change(&c)
		if _, err := Connect(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	check(func(c *Config) { c.Addresses = nil }, "clickhouse.addresses is empty: name a server")
	check(func(c *Config) { c.TLS = stream.TLS{Enabled: true, CA: "/nowhere"} }, "cannot read clickhouse.tls.ca")
	check(func(c *Config) { c.TLS = stream.TLS{Enabled: true, CA: "config.go"} }, "it has no PEM certificate")
	check(func(c *Config) { c.TLS = stream.TLS{Enabled: true, Certificate: "config.go", Key: "config.go"} }, "cannot use clickhouse.tls.certificate and clickhouse.tls.key")
}

func TestPasswordIsNotPrinted(t *testing.T) {
	c := DefaultConfig()
	c.Password = strict.NewSecret("hunter2")
	if text := fmt.Sprintf("%v %+v %#v", c, c, c); strings.Contains(text, "hunter2") {
		t.Error(text)
	}
}
