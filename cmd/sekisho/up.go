package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/cmd/sekisho/internal/demosite"
	"sekisho/cmd/sekisho/internal/local"
	"sekisho/cmd/sekisho/internal/role"
	"sekisho/cmd/sekisho/internal/vendors"
	"sekisho/schemas/policy"
	"sekisho/schemas/strict"
	clickhouse "sekisho/sinks/clickhouse/embedded"
	kafka "sekisho/stream/embedded"
)

// upFlags are the flags of `sekisho up`.
type upFlags struct {
	data, addresses, policy                        string
	demo, collector, admin, kafka, native, httpAPI int
	vendors                                        vendors.Ports
}

func upCommand() *cobra.Command {
	var f upFlags
	cmd := withConfig(&cobra.Command{
		Use:   "up",
		Short: "Run everything on this machine: Kafka, ClickHouse, collector, sink, forwarders, demo site",
		Long: `Run the whole of Sekisho on this machine, in one command: an embedded Kafka and
an embedded ClickHouse (or the servers that the configuration names), the
topics and tables, the collector, the ClickHouse sink, servers that stand in for
the third parties (see sekisho vendors), the forwarders (to these, where the
configuration names none), and a demo site.

Everything is kept in the data directory and is there again at the next start.
Ctrl-C finishes what is under way and stops; a second one aborts.`,
		Example: `  sekisho up
  sekisho up --data /tmp/sekisho --policy my-policy.yaml
  sekisho up --data "$(mktemp -d)" --demo-port 0 --collector-port 0 --admin-port 0 \
    --kafka-port 0 --clickhouse-native-port 0 --clickhouse-http-port 0 \
    --google-port 0 --meta-port 0 --webhook-port 0 --addresses addresses.json`,
		GroupID: "try",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return up(cmd, f) },
	})
	flags := cmd.Flags()
	flags.StringVar(&f.data, "data", local.DefaultDir(), "data `DIR`")
	flags.StringVar(&f.addresses, "addresses", "", "write the addresses as JSON to `FILE` once everything is ready")
	flags.StringVar(&f.policy, "policy", "", "handling policy `FILE`; the example policy when empty")
	for _, p := range []struct {
		port *int
		name string
		of   string
		def  int
	}{
		{&f.demo, "demo", "the demo site", 8600},
		{&f.collector, "collector", "the collector", 8601},
		{&f.admin, "admin", "metrics and operators", 8602},
		{&f.kafka, "kafka", "the embedded Kafka", 8603},
		{&f.httpAPI, "clickhouse-http", "the embedded ClickHouse, HTTP", 8604},
		{&f.native, "clickhouse-native", "the embedded ClickHouse, native", 8605},
	} {
		flags.IntVar(p.port, p.name+"-port", p.def, "port of "+p.of+"; 0 takes a free one")
	}
	vendorPorts(cmd, &f.vendors)
	return cmd
}

// up starts the parts in the order in which they depend on each other, waits,
// and stops them in reverse.
func up(cmd *cobra.Command, f upFlags) (err error) {
	started := time.Now()
	dir, err := local.Open(f.data)
	if err != nil {
		return err
	}
	defer dir.Close()
	c, log, err := upConfig(cmd, f, dir)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	machine := &parts{log: log}
	defer func() {
		deadline, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		err = errors.Join(err, machine.stop(deadline))
	}()
	addresses, ended, err := machine.start(ctx, c, f, dir)
	if err != nil {
		if ctx.Err() != nil {
			return nil // stopped while starting
		}
		return err
	}
	for _, file := range []string{dir.Path(local.AddressesFile), f.addresses} {
		if file == "" {
			continue
		}
		withdraw, err := addresses.Announce(file)
		if err != nil {
			return err
		}
		defer withdraw()
	}
	announce(addresses, c, time.Since(started))
	select {
	case <-ctx.Done():
		fmt.Fprintln(os.Stderr, "\nfinishing what is under way; Ctrl-C again to abort")
		return nil
	case err := <-ended:
		return err
	}
}

// upConfig is the configuration of `up`: the file and the environment, then
// what the flags and the data directory give where those say nothing.
func upConfig(cmd *cobra.Command, f upFlags, dir *local.Dir) (*config.Config, *slog.Logger, error) {
	file, err := cmd.Flags().GetString("config")
	if err != nil {
		return nil, nil, err
	}
	c := config.Default()
	c.Log.Level = "warn"
	c.Kafka.Partitions = 4
	c.Collector.Rate, c.Collector.MaxConnectionsPerAddress = 0, 0 // the demo comes from one address
	c.ClickHouse.Erasure.MaxWait = 10 * time.Second
	if err := config.Load(file, c); err != nil {
		return nil, nil, err
	}
	c.Collector.Listen = loopback(f.collector)
	c.Admin.Listen = loopback(f.admin)
	if f.policy != "" {
		c.Policy = f.policy
	}
	if c.Policy == "" {
		if c.Policy, err = dir.Keep("policy.yaml", policy.Example); err != nil {
			return nil, nil, err
		}
	}
	if c.Registry.Dir == "" {
		c.Registry.Dir = dir.Path("registry")
	}
	if c.Collector.Spool.Dir == "" {
		c.Collector.Spool.Dir = dir.Path("spool")
	}
	for _, s := range []struct {
		secret *strict.Secret
		name   string
	}{{&c.Keys.Secret, "pseudonyms"}, {&c.Keys.Registry, "registry"}} {
		if s.secret.IsSet() {
			continue
		}
		file, err := dir.Secret(s.name)
		if err != nil {
			return nil, nil, err
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, nil, fmt.Errorf("cannot read a secret of the data directory: %w", err)
		}
		*s.secret = strict.NewSecret(strings.TrimSpace(string(text)))
	}
	return c, c.Log.Logger(os.Stderr), nil
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// parts are what runs, in the order in which it was started.
type parts struct {
	log     *slog.Logger
	running []part
}

type part struct {
	name string
	stop func(context.Context) error
}

func (p *parts) add(name string, stop func(context.Context) error) {
	p.running = append(p.running, part{name, stop})
}

// stop stops the parts in reverse.
func (p *parts) stop(ctx context.Context) (err error) {
	for i := len(p.running) - 1; i >= 0; i-- {
		if e := p.running[i].stop(ctx); e != nil {
			err = errors.Join(err, fmt.Errorf("cannot stop the %s: %w", p.running[i].name, e))
		}
	}
	return err
}

// start starts the parts. What was started is stopped by stop, also when it
// fails half-way. ended gets the error of a part that ends by itself.
func (p *parts) start(ctx context.Context, c *config.Config, f upFlags, dir *local.Dir) (a local.Addresses, ended <-chan error, err error) {
	if err := p.startServers(ctx, c, f, dir, &a); err != nil {
		return a, nil, err
	}
	cluster, err := connectKafka(ctx, c, p.log)
	if err != nil {
		return a, nil, err
	}
	p.add("connection to Kafka", func(context.Context) error { cluster.Close(); return nil })
	partitions, err := cluster.EnsureTopics(ctx)
	if err != nil {
		return a, nil, err
	}
	store, err := openClickHouse(ctx, c, p.log)
	if err != nil {
		return a, nil, err
	}
	p.add("connection to ClickHouse", func(context.Context) error { return store.Close() })
	if err := migrate(ctx, c, store, p.log); err != nil {
		return a, nil, err
	}

	var third *vendors.Set
	if len(c.Forwarders) == 0 {
		if third, err = vendors.Start(dir, f.vendors, p.log); err != nil {
			return a, nil, err
		}
		p.add("stand-ins of third parties", third.Stop)
		a.Vendors = third.URLs()
	}
	if a.Policy, err = filepath.Abs(c.Policy); err != nil {
		return a, nil, err
	}

	set := metrics.NewSet()
	sink, err := role.StartSink(c, cluster, store, set, p.log)
	if err != nil {
		return a, nil, err
	}
	p.add("ClickHouse sink", sink.Stop)
	ends := []stoppable{sink}
	forwarders, err := p.startForwarders(c, third, cluster, set)
	if err != nil {
		return a, nil, err
	}
	if forwarders != nil {
		ends = append(ends, forwarders)
	}
	collector, err := role.StartCollector(c, cluster, partitions, set, p.log)
	if err != nil {
		return a, nil, err
	}
	p.add("collector", collector.Stop)
	a.Collector = "http://localhost:" + portOf(collector.Address())
	admin, err := role.StartAdmin(c.Admin, set, func() error { return errors.Join(collector.Ready(), sink.Ready()) }, p.log, append(collector.Pages(), sink.Pages()...)...)
	if err != nil {
		return a, nil, err
	}
	p.add("admin listener", admin.Stop)
	a.Admin = "http://" + admin.Address()
	site, err := demosite.Start(loopback(f.demo), a.Collector, p.log)
	if err != nil {
		return a, nil, err
	}
	p.add("demo site", site.Stop)
	a.Demo = "http://localhost:" + portOf(site.Address())
	return a, firstOf(append(ends, collector)...), awaitReady(ctx, collector.Ready)
}

// startServers brings the Kafka and the ClickHouse that the configuration does
// not name, and puts their addresses into it.
func (p *parts) startServers(ctx context.Context, c *config.Config, f upFlags, dir *local.Dir, a *local.Addresses) error {
	if len(c.Kafka.Brokers) == 0 {
		broker, err := kafka.Start(dir.Path("kafka"), f.kafka)
		if err != nil {
			return err
		}
		p.add("embedded Kafka", func(context.Context) error { broker.Close(); return nil })
		c.Kafka.Brokers = []string{broker.Address()}
	}
	a.Kafka = c.Kafka.Brokers[0]
	if len(c.ClickHouse.Addresses) == 0 {
		server, err := clickhouse.Start(ctx, clickhouse.Options{
			Dir:        dir.Path("clickhouse"),
			Library:    c.Embedded.ClickHouse.Library,
			Binary:     c.Embedded.ClickHouse.Binary,
			NativePort: f.native,
			HTTPPort:   f.httpAPI,
			Log:        p.log,
		})
		if err != nil {
			return err
		}
		p.add("embedded ClickHouse", server.Stop)
		c.ClickHouse.Addresses = []string{server.NativeAddr()}
		a.ClickHouseHTTP = "http://" + server.HTTPAddr()
	}
	a.ClickHouseNative = c.ClickHouse.Addresses[0]
	return nil
}

func portOf(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// firstOf gets the error of the first role that ends.
func firstOf(roles ...stoppable) <-chan error {
	first := make(chan error, len(roles))
	for _, r := range roles {
		go func() {
			<-r.Done()
			first <- r.Err()
		}()
	}
	return first
}

// awaitReady returns when the collector takes events.
func awaitReady(ctx context.Context, ready func() error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for ready() != nil {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
	return nil
}

// announce prints the few addresses that matter and one query to begin with.
func announce(a local.Addresses, c *config.Config, took time.Duration) {
	fmt.Printf(`Sekisho is ready (%.1f s). Ctrl-C stops it.

  demo site          %s
  collector          %s
  metrics            %s/metrics
`, took.Seconds(), a.Demo, a.Collector, a.Admin)
	if a.ClickHouseHTTP != "" {
		fmt.Printf("  ClickHouse HTTP    %s\n", a.ClickHouseHTTP)
	}
	fmt.Printf("  ClickHouse native  %s\n  Kafka              %s\n", a.ClickHouseNative, a.Kafka)
	for _, name := range slices.Sorted(maps.Keys(a.Vendors)) {
		fmt.Printf("  %-18s %s\n", "stand-in: "+name, a.Vendors[name])
	}
	if a.ClickHouseHTTP != "" {
		fmt.Printf(`
Open the demo site, accept or decline, look around, then ask:

  curl -s '%s/' --data-binary 'SELECT time, type, outcome, url, visitor_id FROM %s.events ORDER BY time DESC LIMIT 10 FORMAT PrettyCompact'

`, a.ClickHouseHTTP, c.ClickHouse.Database)
	}
}
