// Package embedded is the Kafka that `sekisho up` brings: a broker in the same
// process that speaks Kafka's protocol over loopback, keeps its log in a
// directory, and syncs every batch to disk before it acknowledges it.
package embedded

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Kafka is a running broker.
type Kafka struct {
	cluster *kfake.Cluster
	address string
	end     func() // ends what serveSessions began
}

// Start runs a broker with its log in dir, on a port of the loopback address;
// port 0 takes a free one. What an earlier broker kept in dir is there again.
func Start(dir string, port int) (*Kafka, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the Kafka directory: %w", err)
	}
	port, err := freePort(port)
	if err != nil {
		return nil, err
	}
	k, err := start(dir, port, net.Listen)
	if err != nil {
		return nil, err
	}
	k.serveSessions()
	return k, nil
}

// StartBehind runs a broker on a port of the loopback address that tells its
// clients to find it at another one: a proxy's.
func StartBehind(dir string, port int, advertised string) (*Kafka, error) {
	var address string
	k, err := start(dir, port, func(network, at string) (net.Listener, error) {
		l, err := net.Listen(network, at)
		if err != nil {
			return nil, err
		}
		address = l.Addr().String()
		found, err := net.ResolveTCPAddr(network, advertised)
		return &advertiser{l, found}, err
	})
	if err != nil {
		return nil, err
	}
	k.address = address
	k.serveSessions()
	return k, nil
}

// advertiser listens at one address and says that it does at another.
type advertiser struct {
	net.Listener
	advertised net.Addr
}

func (a *advertiser) Addr() net.Addr { return a.advertised }

func start(dir string, port int, listen func(network, address string) (net.Listener, error)) (*Kafka, error) {
	cluster, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.Ports(port),
		kfake.ListenFn(listen),
		kfake.DataDir(dir),
		kfake.SyncWrites(),
	)
	if err != nil {
		return nil, fmt.Errorf("cannot start the embedded Kafka: %w", err)
	}
	return &Kafka{cluster: cluster, address: cluster.ListenAddrs()[0]}, nil
}

// Address returns the address (host:port) at which the broker listens.
func (k *Kafka) Address() string { return k.address }

// Compact forgets all but the last version of each key of the compacted topics,
// as the broker does by itself from time to time.
func (k *Kafka) Compact() { k.cluster.Compact() }

// Close stops the broker; what it acknowledged is in its directory.
func (k *Kafka) Close() {
	k.end()
	k.cluster.Close()
}

// freePort makes sure that the port can be had, so that a taken one gives a
// clear error.
func freePort(port int) (int, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return 0, fmt.Errorf("cannot listen for the embedded Kafka (give another port with --kafka-port): %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
