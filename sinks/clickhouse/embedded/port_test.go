package embedded

import (
	"net"
	"testing"
)

func TestHoldPort(t *testing.T) {
	p, err := holdPort(0)
	if err != nil {
		t.Fatal(err)
	}
	if p.number == 0 {
		t.Fatal("no port was chosen")
	}
	if l, err := net.Listen("tcp4", loopback(p.number)); sharePort && err == nil {
		l.Close()
		t.Error("a port that is held was free for others")
	}
	if second, err := holdPort(p.number); sharePort && err == nil {
		second.release()
		t.Error("a port was held twice")
	}
	p.release()
	again, err := holdPort(p.number)
	if err != nil {
		t.Fatal(err)
	}
	again.release()
}
