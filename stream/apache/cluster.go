package apache

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Cluster is a Kafka cluster on loopback.
type Cluster struct {
	options   Options
	classPath string
	ports     []ports
	nodes     []*Node
}

// Start runs a cluster and returns when every broker takes connections. ctx
// bounds the start alone. [Cluster.Close] ends it, and so does the end of this
// process, however it comes.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("cannot start Apache Kafka: %w", err)
	}
	classPath, err := Fetch(ctx, o.Progress)
	if err != nil {
		return nil, err
	}
	c := &Cluster{options: o, classPath: classPath}
	if c.ports, err = freePorts(o.Brokers); err != nil {
		return nil, fmt.Errorf("cannot start Apache Kafka: %w", err)
	}
	for id := range o.Brokers {
		c.nodes = append(c.nodes, &Node{cluster: c, id: id})
	}
	if err := c.prepare(ctx); err != nil {
		return nil, fmt.Errorf("cannot start Apache Kafka: %w", err)
	}
	for _, n := range c.nodes {
		if err := n.Begin(); err != nil {
			c.Close()
			return nil, err
		}
	}
	for _, n := range c.nodes {
		if err := n.Await(ctx); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// Addresses are where clients find the brokers (host:port).
func (c *Cluster) Addresses() (all []string) {
	for id := range c.nodes {
		all = append(all, c.advertised(id))
	}
	return all
}

// Nodes are the brokers.
func (c *Cluster) Nodes() []*Node { return c.nodes }

// Close ends all brokers at once. What they acknowledged is in the directory.
func (c *Cluster) Close() {
	for _, n := range c.nodes {
		n.Kill()
	}
}

func (c *Cluster) advertised(id int) string {
	if c.options.Advertised != nil {
		return c.options.Advertised[id]
	}
	return loopback(c.ports[id].Client)
}

func (c *Cluster) nodeDir(id int) string { return filepath.Join(c.options.Dir, strconv.Itoa(id+1)) }
func (c *Cluster) dataDir(id int) string { return filepath.Join(c.nodeDir(id), "data") }
func (c *Cluster) config(id int) string  { return filepath.Join(c.nodeDir(id), "server.properties") }

// prepare writes the configuration, and formats data directories that are new.
func (c *Cluster) prepare(ctx context.Context) error {
	id := uuid.New() // names the cluster
	problems := make([]error, c.options.Brokers)
	var formatting sync.WaitGroup
	for i := range c.options.Brokers {
		if err := os.MkdirAll(c.nodeDir(i), 0o700); err != nil {
			return err
		}
		if err := writeProperties(c.config(i), c.properties(i)); err != nil {
			return err
		}
		if _, err := os.Stat(filepath.Join(c.dataDir(i), "meta.properties")); err == nil {
			continue
		}
		formatting.Go(func() { problems[i] = c.format(ctx, i, id) })
	}
	formatting.Wait()
	return errors.Join(problems...)
}

func (c *Cluster) format(ctx context.Context, node int, id uuid.UUID) error {
	arguments := []string{"kafka.tools.StorageTool", "format", "--cluster-id=" + clusterID(id), "--config", c.config(node)}
	if s := c.options.Security; s != nil {
		for name, password := range s.Users {
			for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
				arguments = append(arguments, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, name, password))
			}
		}
	}
	cmd := exec.CommandContext(ctx, "java", slices.Concat(c.virtualMachine(), arguments)...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("cannot format the data directory: %w: %s", err, tail(out))
	}
	return nil
}

// clusterID writes an id as Kafka does. It may begin with "-".
func clusterID(id uuid.UUID) string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// virtualMachine are the options of a small Java virtual machine that is quick
// to start.
func (c *Cluster) virtualMachine() []string {
	return []string{
		"-Xms64m", "-Xmx320m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-XX:-UsePerfData",
		"-Djava.net.preferIPv4Stack=true", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
		"-Dorg.slf4j.simpleLogger.showDateTime=true", "-cp", c.classPath,
	}
}

// given are the ports that brokers of this process have, also those that have not
// begun yet, or are stopped for a while.
var given = struct {
	sync.Mutex
	ports map[int]bool
}{ports: map[int]bool{}}

// freePorts finds free ports on loopback, below those that systems give to
// connections and to whoever asks for any: a broker that is stopped for a while finds
// its own again. It finds none twice.
func freePorts(brokers int) (_ []ports, err error) {
	given.Lock()
	defer given.Unlock()
	all := make([]ports, brokers)
	for i := range all {
		for _, port := range []*int{&all[i].Client, &all[i].Internal, &all[i].Controller} {
			var l net.Listener
			for range 100 {
				*port = 15_000 + rand.IntN(17_000)
				if given.ports[*port] {
					err = fmt.Errorf("port %d is another broker's", *port)
					continue
				}
				if l, err = net.Listen("tcp", loopback(*port)); err == nil {
					break
				}
			}
			if err != nil {
				return nil, err
			}
			given.ports[*port] = true
			defer l.Close() // when all are found, so that they differ
		}
	}
	return all, nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// startTime is how long a broker may take to start on a busy machine.
const startTime = 3 * time.Minute
