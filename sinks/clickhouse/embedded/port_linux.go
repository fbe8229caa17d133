package embedded

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// sharePort makes the engine set SO_REUSEPORT, without which it could not
// listen on a port that is held.
const sharePort = true

// port is one on 127.0.0.1, held by a socket that is bound and never listens,
// so that nobody else gets it while the engine restarts.
type port struct {
	number int
	fd     int
}

// holdPort takes the port, or a free one for 0.
func holdPort(number int) (*port, error) {
	if number != 0 {
		if err := checkFree(number); err != nil {
			return nil, err
		}
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	p := &port{fd: fd}
	err = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrInet4{Port: number, Addr: [4]byte{127, 0, 0, 1}})
	}
	var bound unix.Sockaddr
	if err == nil {
		bound, err = unix.Getsockname(fd)
	}
	if err != nil {
		p.release()
		return nil, fmt.Errorf("cannot take port %d on 127.0.0.1: %w", number, err)
	}
	p.number = bound.(*unix.SockaddrInet4).Port
	return p, nil
}

// checkFree refuses a port that even another engine of ours holds, which the
// kernel would let us share.
func checkFree(number int) error {
	l, err := net.Listen("tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(number)))
	if err != nil {
		return fmt.Errorf("cannot take port %d on 127.0.0.1: %w", number, err)
	}
	return l.Close()
}

func (p *port) release() { _ = unix.Close(p.fd) }
