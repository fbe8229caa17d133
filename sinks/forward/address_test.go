package forward_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"testing"
	"time"

	"sekisho/sinks/forward"
)

// TestPublicAddresses: only addresses of the Internet's own are connected to.
func TestPublicAddresses(t *testing.T) {
	check := func(want bool, addresses ...string) {
		t.Helper()
		for _, a := range addresses {
			if forward.IsPublic(netip.MustParseAddr(a)) != want {
				t.Errorf("%s: want %v", a, want)
			}
		}
	}
	check(true, "8.8.8.8", "142.250.0.1", "172.15.255.255", "172.32.0.1", "100.63.0.1", "100.128.0.1", "2a00:1450:4001::1", "2600::1")
	check(false,
		"127.0.0.1", "127.1.2.3", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1", "169.254.169.254",
		"192.0.0.192", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.51.100.1", "203.0.113.1", "192.88.99.1",
		"::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
		"ff02::1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2001:0:1::1", "2001:db8::1", "100::1", "fec0::1")
}

// TestPrivateAddresses: the address is judged when it is connected to, whatever it
// is called, and the name alone is what can be allowed.
func TestPrivateAddresses(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	dial := func(host string, allowed ...string) error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		connection, err := forward.Dialer(allowed...).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		if err == nil {
			connection.Close()
		}
		return err
	}
	for _, host := range []string{"127.0.0.1", "localhost", "127.0.0.1.", "::ffff:127.0.0.1", "0.0.0.0", "LOCALHOST"} {
		if err := dial(host); err == nil {
			t.Errorf("%s was connected to", host)
		}
	}
	for _, host := range []string{"127.0.0.1", "localhost", "::ffff:127.0.0.1"} {
		if err := dial(host); !errors.Is(err, forward.ErrPrivate) {
			t.Errorf("%s: %v", host, err)
		}
	}
	if err := dial("localhost", "LocalHost."); err != nil {
		t.Error(err)
	}
	if err := dial("127.0.0.1", "localhost"); !errors.Is(err, forward.ErrPrivate) {
		t.Errorf("an address is allowed by another's name: %v", err)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	check := func(text string, want time.Duration) {
		t.Helper()
		if got := forward.RetryAfter(http.Header{"Retry-After": {text}}, now); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	check("", 0)
	check("0", 0)
	check("120", 2*time.Minute)
	check("86400", time.Hour)
	check("99999999999999999999", 0)
	check("-1", 0)
	check("1.5", 0)
	check("soon", 0)
	check("Wed, 25 Nov 2026 12:00:30 GMT", 30*time.Second)
	check("Wed, 25 Nov 2026 11:00:00 GMT", 0)
	check("Thu, 26 Nov 2026 12:00:00 GMT", time.Hour)
}
