//go:build !linux

package embedded

import (
	"fmt"
	"net"
	"strconv"
)

// sharePort: elsewhere the kernel may hand connections to the socket that holds
// the port, so ports are not held.
const sharePort = false

// port is one on 127.0.0.1 that was free when it was chosen.
type port struct{ number int }

// holdPort finds that the port is free, or finds a free one for 0.
func holdPort(number int) (*port, error) {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
	if err != nil {
		return nil, fmt.Errorf("cannot take port %d on 127.0.0.1: %w", number, err)
	}
	defer l.Close()
	return &port{l.Addr().(*net.TCPAddr).Port}, nil
}

func (p *port) release() {}
