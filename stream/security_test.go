package stream

import (
	"context"
	"strings"
	"testing"
	"time"

	"sekisho/schemas/strict"
	"sekisho/stream/apache"
	"sekisho/stream/kafkatest"
)

// secure is a Kafka that is connected to in a certain way, and what a client
// has to know.
type secure struct {
	authority *kafkatest.Authority
	address   string
}

// startSecure runs a Kafka whose certificate names its address, and another
// host.
func startSecure(t *testing.T, prepare func(*kafkatest.Authority, *apache.Security)) *secure {
	t.Helper()
	authority, err := kafkatest.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &apache.Security{}
	prepare(authority, s)
	address, end, err := kafkatest.StartSecure(t.TempDir(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(end)
	return &secure{authority, address}
}

func issue(t *testing.T, a *kafkatest.Authority, name string, hosts ...string) string {
	t.Helper()
	file, err := a.Issue(name, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

func (s *secure) config(change func(*Config)) Config {
	c := DefaultConfig()
	c.Brokers, c.Partitions = []string{s.address}, 1
	change(&c)
	return c
}

// takes fails unless everything that Sekisho does with Kafka can be done.
func (s *secure) takes(t *testing.T, what string, change func(*Config)) {
	t.Helper()
	cluster := open(t, s.config(change))
	p, _ := produceTo(t, cluster)
	write(t, p, 0, 10)
	m := join(t, cluster)
	wait(t, what+": events are consumed", func() bool { return len(m.events()) >= 10 })
	m.stop()
	f := follow(t, cluster)
	appendResets(t, f.Resets, 1)
	wait(t, what+": resets are followed", func() bool { return f.has(1) })
	f.stop()
	p.Close()
}

// refuses fails unless Kafka cannot be used, for the reason given and without a
// word of the password.
func (s *secure) refuses(t *testing.T, what, reason string, change func(*Config)) {
	t.Helper()
	c := s.config(change)
	cluster, err := Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	_ = cluster.Wait(ctx, func(why error, _ time.Duration) { err = why; cancel() })
	switch {
	case err == nil:
		t.Errorf("%s: it is let in", what)
	case !strings.Contains(err.Error(), reason):
		t.Errorf("%s: got %q, want %q", what, err, reason)
	case strings.Contains(err.Error(), wrongPassword):
		t.Errorf("%s: the error has the password: %q", what, err)
	default:
		t.Logf("%s: %v", what, err)
	}
}

const rightPassword, wrongPassword = "correct-horse", "battery-staple"

// TestEncryptedKafka: who it is must be known, by the right authority and under
// the right name.
func TestEncryptedKafka(t *testing.T) {
	t.Parallel()
	k := startSecure(t, func(a *kafkatest.Authority, s *apache.Security) {
		s.Certificate = issue(t, a, "broker", "127.0.0.1", "kafka.example")
	})
	other, err := kafkatest.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	k.takes(t, "its authority", func(c *Config) { c.TLS = TLS{Enabled: true, CA: k.authority.File} })
	k.takes(t, "its name", func(c *Config) {
		c.TLS = TLS{Enabled: true, CA: k.authority.File, ServerName: "kafka.example"}
	})
	k.refuses(t, "the system's authorities", "certificate", func(c *Config) { c.TLS = TLS{Enabled: true} })
	k.refuses(t, "another authority", "certificate", func(c *Config) { c.TLS = TLS{Enabled: true, CA: other.File} })
	k.refuses(t, "another name", "not other.example", func(c *Config) {
		c.TLS = TLS{Enabled: true, CA: k.authority.File, ServerName: "other.example"}
	})
}

// TestKafkaThatKnowsItsClients by their certificates.
func TestKafkaThatKnowsItsClients(t *testing.T) {
	t.Parallel()
	k := startSecure(t, func(a *kafkatest.Authority, s *apache.Security) {
		s.Certificate, s.ClientCA = issue(t, a, "broker", "127.0.0.1"), a.File
	})
	file := issue(t, k.authority, "client")
	k.takes(t, "a certificate", func(c *Config) {
		c.TLS = TLS{Enabled: true, CA: k.authority.File, Certificate: file, Key: file}
	})
	k.refuses(t, "no certificate", "", func(c *Config) { c.TLS = TLS{Enabled: true, CA: k.authority.File} })
}

// TestKafkaWithPasswords, encrypted and not.
func TestKafkaWithPasswords(t *testing.T) {
	t.Parallel()
	for _, encrypted := range []bool{false, true} {
		k := startSecure(t, func(a *kafkatest.Authority, s *apache.Security) {
			if encrypted {
				s.Certificate = issue(t, a, "broker", "127.0.0.1")
			}
			s.Users = map[string]string{"sekisho": rightPassword}
		})
		with := func(mechanism, name, password string) func(*Config) {
			return func(c *Config) {
				c.TLS = TLS{Enabled: encrypted, CA: k.authority.File}
				c.SASL = SASL{Mechanism: mechanism, Username: name, Password: strict.NewSecret(password)}
			}
		}
		for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
			k.takes(t, mechanism, with(mechanism, "sekisho", rightPassword))
			k.refuses(t, mechanism+", wrong password", "", with(mechanism, "sekisho", wrongPassword))
			k.refuses(t, mechanism+", wrong name", "", with(mechanism, "nobody", rightPassword))
		}
		k.refuses(t, "no name", "", with("", "", ""))
	}
}
