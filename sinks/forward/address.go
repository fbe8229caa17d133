package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"syscall"
	"time"
)

// ErrPrivate: the host is at an address that no recipient can have.
var ErrPrivate = errors.New("the recipient's host is at a private, local or reserved address; name it in allow_private if that is meant")

// dialer connects to public addresses, and to others only for hosts that are
// allowed by name. The address is judged at the moment of connecting, in the
// dialer's control hook: a name that was judged before may resolve to another
// address by then.
type dialer struct {
	allowed []string
	dial    net.Dialer
}

func newDialer(allowed []string) *dialer {
	d := &dialer{dial: net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}}
	for _, host := range allowed {
		d.allowed = append(d.allowed, normalHost(host))
	}
	return d
}

func normalHost(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// DialContext serves http.Transport.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	dial := d.dial
	if !slices.Contains(d.allowed, normalHost(host)) {
		dial.Control = refusePrivate
	}
	return dial.DialContext(ctx, network, address)
}

func refusePrivate(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("cannot judge the address of the recipient: %w", err)
	}
	if !isPublic(at.Addr()) {
		return ErrPrivate
	}
	return nil
}

// isPublic reports whether the address is one of the Internet's own: globally
// reachable by the registries of special addresses (RFC 6890), and not a way
// around that, as an IPv4 address inside an IPv6 one is.
func isPublic(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return a.IsGlobalUnicast()
}

var reserved = func() (list []netip.Prefix) {
	for _, p := range []string{
		"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
		"192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
		"::/96", "::1/128", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
		"3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
	} {
		list = append(list, netip.MustParsePrefix(p))
	}
	return list
}()
