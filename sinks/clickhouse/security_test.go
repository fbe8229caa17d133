package clickhouse

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"

	"sekisho/schemas/strict"
	"sekisho/sinks/clickhouse/embedded"
	"sekisho/stream"
	"sekisho/stream/kafkatest"
)

const rightPassword, wrongPassword = "correct-horse", "battery-staple"

// startWithPasswords runs a ClickHouse that has a user sekisho with a password,
// which it checks.
func startWithPasswords(t *testing.T) *embedded.Server {
	t.Helper()
	dir := t.TempDir()
	own, err := embedded.Start(t.Context(), embedded.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = own.Stop(context.Background()) })
	file := filepath.Join(dir, "users.xml")
	users, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	const user = `<sekisho>
            <password>` + rightPassword + `</password>
            <networks><ip>127.0.0.1</ip></networks>
            <profile>default</profile>
            <quota>default</quota>
        </sekisho>`
	if err := os.WriteFile(file, []byte(strings.Replace(string(users), "</users>", user+"</users>", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(own.Pid(), syscall.SIGKILL); err != nil { // it reads the file when it starts
		t.Fatal(err)
	}
	eventually(t, "ClickHouse is back", func() bool { return own.Restarts() > 0 && own.Pid() != 0 })
	return own
}

// encrypt is a way to ClickHouse that is encrypted: the engine of the tests has
// no such listener (its SYSTEM START LISTEN knows TCP and HTTP alone). The
// client sees what it would see of a server with this certificate.
func encrypt(t *testing.T, certificate, clientCA, to string) (address string) {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(certificate, certificate)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}}
	if clientCA != "" {
		pem, err := os.ReadFile(clientCA)
		if err != nil {
			t.Fatal(err)
		}
		config.ClientAuth, config.ClientCAs = tls.RequireAndVerifyClientCert, x509.NewCertPool()
		config.ClientCAs.AppendCertsFromPEM(pem)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer client.Close()
				server, err := net.Dial("tcp", to)
				if err != nil {
					return
				}
				go func() { _, _ = io.Copy(server, client); server.Close() }()
				_, _ = io.Copy(client, server)
			}()
		}
	}()
	return l.Addr().String()
}

// TestSecureClickHouse: who it is must be known, by the right authority and
// under the right name, and so must be who asks.
func TestSecureClickHouse(t *testing.T) {
	t.Parallel()
	own := startWithPasswords(t)
	authority, err := kafkatest.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	other, err := kafkatest.NewAuthority(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	issue := func(name string, hosts ...string) string {
		file, err := authority.Issue(name, hosts...)
		if err != nil {
			t.Fatal(err)
		}
		return file
	}
	certificate, client := issue("server", "127.0.0.1", "clickhouse.example"), issue("client")
	plain := own.NativeAddr()
	encrypted := encrypt(t, certificate, "", plain)
	mutual := encrypt(t, certificate, authority.File, plain)

	connect := func(address string, change func(*Config)) *Store {
		t.Helper()
		c := DefaultConfig()
		c.Addresses, c.Timeout = []string{address}, time.Minute
		c.Username, c.Password = "sekisho", strict.NewSecret(rightPassword)
		change(&c)
		s, err := Connect(c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	databases := 0
	takes := func(what, address string, change func(*Config)) {
		t.Helper()
		databases++
		s := connect(address, func(c *Config) {
			change(c)
			c.Database = "secure_" + string(rune('a'+databases))
		})
		eventually(t, what+": it answers", func() bool { return s.Ping(t.Context()) == nil })
		if err := s.Migrate(t.Context(), RetentionOf(examplePolicy(t))); err != nil {
			t.Errorf("%s: %v", what, err)
			return
		}
		messages := append(viewMessages(ids7(t, 3)...), accountMessage(uuid.New(), 3))
		handle(t, newSink(t, s, topicOf(t, 1)), partitionLog(messages...))
		wantRows(t, s, 3)
	}
	refuses := func(what, reason, address string, change func(*Config)) {
		t.Helper()
		err := connect(address, change).Ping(t.Context())
		switch {
		case err == nil:
			t.Errorf("%s: it is let in", what)
		case !strings.Contains(err.Error(), reason):
			t.Errorf("%s: got %q, want %q", what, err, reason)
		case strings.Contains(err.Error(), wrongPassword):
			t.Errorf("%s: the error has the password: %q", what, err)
		}
	}
	with := func(tls stream.TLS) func(*Config) { return func(c *Config) { c.TLS = tls } }
	none := with(stream.TLS{})

	takes("the password", plain, none)
	refuses("a wrong password", "", plain, func(c *Config) { c.Password = strict.NewSecret(wrongPassword) })
	refuses("an unknown name", "", plain, func(c *Config) { c.Username = "nobody" })

	takes("its authority", encrypted, with(stream.TLS{Enabled: true, CA: authority.File}))
	takes("its name", encrypted, with(stream.TLS{Enabled: true, CA: authority.File, ServerName: "clickhouse.example"}))
	refuses("the system's authorities", "unknown authority", encrypted, with(stream.TLS{Enabled: true}))
	refuses("another authority", "unknown authority", encrypted, with(stream.TLS{Enabled: true, CA: other.File}))
	refuses("another name", "not other.example", encrypted, with(stream.TLS{Enabled: true, CA: authority.File, ServerName: "other.example"}))
	refuses("in the clear", "", encrypted, none)
	refuses("a wrong password, encrypted", "", encrypted, func(c *Config) {
		c.TLS, c.Password = stream.TLS{Enabled: true, CA: authority.File}, strict.NewSecret(wrongPassword)
	})

	takes("a client's certificate", mutual, with(stream.TLS{Enabled: true, CA: authority.File, Certificate: client, Key: client}))
	refuses("no client's certificate", "certificate required", mutual, with(stream.TLS{Enabled: true, CA: authority.File}))
}
