package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"sekisho/benchmarks/internal/parts"
	"sekisho/stream/apache"
	"sekisho/stream/kafkatest"
)

// kafkaServers are the brokers, each behind a proxy.
type kafkaServers interface {
	addresses() []string
	brokers() []broker
	proxies() []*kafkatest.Proxy
	await(context.Context) error
	mend() error
	close()
}

// broker is what can be done to one of them.
type broker interface {
	Kill() bool
	Begin() error
	Signal(os.Signal) error
}

func (s *stage) startKafka(ctx context.Context) (kafkaServers, error) {
	if s.options.Kafka == apacheKafka {
		return s.startApache(ctx)
	}
	return s.startEmbedded(ctx)
}

// embeddedServer is the embedded Kafka in a process of its own.
type embeddedServer struct {
	*parts.Process
	proxy *kafkatest.Proxy
}

func (s *stage) startEmbedded(ctx context.Context) (kafkaServers, error) {
	proxy, err := kafkatest.NewProxy()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	port := parts.FreePort()
	if port == 0 {
		return nil, errors.New("there is no free port on loopback")
	}
	proxy.SetBroker(parts.Loopback(port))
	dir := filepath.Join(s.dir, "kafka")
	s.addDisk("broker-1", dir, brokerDisk)
	k := &embeddedServer{proxy: proxy, Process: &parts.Process{
		Name: "broker", Path: self, Log: filepath.Join(s.logs, "broker.log"), Environment: os.Environ(),
		Arguments: []string{parts.KafkaCommand, filepath.Join(dir, "data"), strconv.Itoa(port), proxy.Address()},
		Ready:     parts.Listens(parts.Loopback(port)),
	}}
	if err := k.Begin(); err != nil {
		return nil, err
	}
	return k, k.await(ctx)
}

func (k *embeddedServer) addresses() []string         { return []string{k.proxy.Address()} }
func (k *embeddedServer) brokers() []broker           { return []broker{k.Process} }
func (k *embeddedServer) proxies() []*kafkatest.Proxy { return []*kafkatest.Proxy{k.proxy} }
func (k *embeddedServer) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return k.Process.Await(ctx, true)
}
func (k *embeddedServer) mend() error {
	k.proxy.Mend()
	return k.proxy.Open()
}
func (k *embeddedServer) close() { k.proxy.Close(); k.Kill() }

// apacheServers are brokers of Apache Kafka, each on a small disk.
type apacheServers struct {
	cluster *apache.Cluster
	ways    []*kafkatest.Proxy
}

type apacheBroker struct{ *apache.Node }

func (b apacheBroker) Kill() bool { ran := b.Running(); b.Node.Kill(); return ran }

// brokerDisk is what the data of a broker may take. A broker of Apache Kafka that
// finds its disk full ends by itself.
const brokerDisk = 384 << 20

func (s *stage) startApache(ctx context.Context) (kafkaServers, error) {
	k := &apacheServers{}
	var addresses []string
	for range numBrokers {
		proxy, err := kafkatest.NewProxy()
		if err != nil {
			return nil, err
		}
		k.ways = append(k.ways, proxy)
		addresses = append(addresses, proxy.Address())
	}
	dir := filepath.Join(s.dir, "kafka")
	for i := range numBrokers {
		s.addDisk(fmt.Sprintf("broker-%d", i+1), filepath.Join(dir, strconv.Itoa(i+1)), brokerDisk)
	}
	var err error
	k.cluster, err = apache.Start(ctx, apache.Options{
		Dir: dir, Brokers: numBrokers, Advertised: addresses,
		Properties: map[string]string{
			"log.segment.bytes": strconv.Itoa(8 << 20),
			// Made in full at once, and there are many.
			"log.index.size.max.bytes": strconv.Itoa(64 << 10),
		},
	})
	if err != nil {
		return nil, err
	}
	for i, n := range k.cluster.Nodes() {
		k.ways[i].SetBroker(n.Address())
	}
	return k, nil
}

func (k *apacheServers) addresses() []string         { return k.cluster.Addresses() }
func (k *apacheServers) proxies() []*kafkatest.Proxy { return k.ways }
func (k *apacheServers) brokers() (all []broker) {
	for _, n := range k.cluster.Nodes() {
		all = append(all, apacheBroker{n})
	}
	return all
}

func (k *apacheServers) await(ctx context.Context) error {
	for _, n := range k.cluster.Nodes() {
		if err := n.Start(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (k *apacheServers) mend() (err error) {
	for _, p := range k.ways {
		p.Mend()
		err = errors.Join(err, p.Open())
	}
	return err
}

func (k *apacheServers) close() {
	for _, p := range k.ways {
		p.Close()
	}
	k.cluster.Close()
}
