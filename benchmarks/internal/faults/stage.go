package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sekisho/benchmarks/internal/parts"
	"sekisho/schemas/policy"
	"sekisho/sinks/clickhouse"
	"sekisho/stream"
)

// How many of each there are.
const (
	numCollectors = 2
	numSinks      = 2
	numPartitions = 4
	numBrokers    = 3 // with Apache Kafka

	kafkaTimeout = 5 * time.Second
)

// stage is what runs, and what faults can be done to.
type stage struct {
	options Options
	dir     string
	logs    string
	program string
	common  []string // environment of the roles

	kafka      kafkaServers
	clickhouse *clickHouse
	collectors []*roleProcess
	sinks      []*roleProcess
	disks      []*disk
	notCovered []string
}

// roleProcess is a role of Sekisho with a clock of its own.
type roleProcess struct {
	*parts.Process
	clock  *clock
	listen string // host:port
	admin  string // URL
	spool  string // directory of a collector's
}

// build makes the stage in a directory and starts everything on it.
func build(ctx context.Context, o Options, dir string) (*stage, error) {
	s := &stage{options: o, dir: dir, logs: filepath.Join(dir, "logs")}
	if err := os.MkdirAll(s.logs, 0o700); err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) start(ctx context.Context) error {
	var err error
	if s.program, err = buildProgram(s.dir); err != nil {
		return err
	}
	if s.kafka, err = s.startKafka(ctx); err != nil {
		return err
	}
	if s.clickhouse, err = s.startClickHouse(ctx); err != nil {
		return err
	}
	if err := s.configure(); err != nil {
		return err
	}
	for _, command := range []string{"topics", "migrate"} {
		if err := s.once(ctx, command); err != nil {
			return err
		}
	}
	for i := range numCollectors {
		p, err := s.role(fmt.Sprintf("collector-%d", i+1), "collect")
		if err != nil {
			return err
		}
		s.giveSpool(p)
		s.collectors = append(s.collectors, p)
	}
	for i := range numSinks {
		p, err := s.role(fmt.Sprintf("sink-%d", i+1), "sink", "clickhouse")
		if err != nil {
			return err
		}
		s.sinks = append(s.sinks, p)
	}
	for _, p := range s.roles() {
		if err := p.Begin(); err != nil {
			return err
		}
	}
	return s.awaitRoles(ctx, false)
}

// roles are the processes of Sekisho.
func (s *stage) roles() []*roleProcess {
	return append(append([]*roleProcess(nil), s.collectors...), s.sinks...)
}

func (s *stage) awaitRoles(ctx context.Context, again bool) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for _, p := range s.roles() {
		if err := p.Await(ctx, again); err != nil {
			return err
		}
	}
	return nil
}

// configure makes what all roles are told.
func (s *stage) configure() error {
	rules := filepath.Join(s.dir, "policy.yaml")
	if err := os.WriteFile(rules, policy.Example, 0o600); err != nil {
		return err
	}
	replication := "1"
	if s.options.Kafka == apacheKafka {
		replication = strconv.Itoa(numBrokers)
	}
	s.common = []string{
		"SEKISHO_POLICY=" + rules,
		"SEKISHO_KEYS_SECRET=" + parts.Secret(), "SEKISHO_KEYS_REGISTRY=" + parts.Secret(),
		"SEKISHO_KAFKA_BROKERS=" + strings.Join(s.kafka.addresses(), ","),
		"SEKISHO_KAFKA_PARTITIONS=" + strconv.Itoa(numPartitions),
		"SEKISHO_KAFKA_REPLICATION=" + replication,
		"SEKISHO_KAFKA_TIMEOUT=" + kafkaTimeout.String(),
		"SEKISHO_CLICKHOUSE_ADDRESSES=" + s.clickhouse.proxy.Address(),
		"SEKISHO_CLICKHOUSE_BATCH_MAX_WAIT=200ms",
		"SEKISHO_CLICKHOUSE_TIMEOUT=20s",
		"SEKISHO_COLLECTOR_RATE=0", "SEKISHO_COLLECTOR_MAX_CONNECTIONS_PER_ADDRESS=0", // all writers have one address
	}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "SEKISHO_") {
			s.common = append(s.common, pair)
		}
	}
	return nil
}

// once runs a command of the program to its end.
func (s *stage) once(ctx context.Context, arguments ...string) error {
	cmd := exec.CommandContext(ctx, s.program, arguments...)
	cmd.Env = s.common
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sekisho %s: %w: %s", strings.Join(arguments, " "), err, out)
	}
	return nil
}

// audit has `sekisho audit` look at everything. Clocks were wrong by up to half an
// hour, either way.
func (s *stage) audit(ctx context.Context) error {
	to := time.Now().Add(time.Hour).UTC().Format(time.RFC3339)
	return s.once(ctx, "audit", "--from=24h", "--to="+to)
}

func (s *stage) role(name string, arguments ...string) (*roleProcess, error) {
	c, err := newClock(filepath.Join(s.dir, name+".clock"))
	if err != nil {
		return nil, err
	}
	listen, admin := parts.FreePort(), parts.FreePort()
	if listen == 0 || admin == 0 {
		return nil, errors.New("there is no free port on loopback")
	}
	p := &roleProcess{clock: c, listen: parts.Loopback(listen), admin: "http://" + parts.Loopback(admin), Process: &parts.Process{
		Name: name, Path: s.program, Arguments: arguments, Log: filepath.Join(s.logs, name+".log"),
		Ready: parts.Answers("http://" + parts.Loopback(admin) + "/readyz"),
	}}
	p.Environment = append([]string{
		clockVariable + "=" + c.file,
		"SEKISHO_COLLECTOR_LISTEN=" + p.listen, "SEKISHO_ADMIN_LISTEN=" + parts.Loopback(admin),
	}, s.common...)
	return p, nil
}

// cluster connects to Kafka, past the roles.
func (s *stage) cluster() (*stream.Cluster, error) {
	c := stream.DefaultConfig()
	c.Brokers, c.Partitions, c.Timeout = s.kafka.addresses(), numPartitions, kafkaTimeout
	return stream.Connect(c)
}

// store connects to ClickHouse, past the proxy.
func (s *stage) store() (*clickhouse.Store, error) {
	c := clickhouse.DefaultConfig()
	c.Addresses = []string{s.clickhouse.server.NativeAddr()}
	return clickhouse.Connect(c)
}

// mend undoes every fault that is still there and waits until all answers.
func (s *stage) mend(ctx context.Context) error {
	for _, d := range s.disks {
		d.free()
	}
	if err := s.kafka.mend(); err != nil {
		return err
	}
	s.clickhouse.proxy.mend()
	for _, p := range s.roles() {
		if err := p.clock.set(0); err != nil {
			return err
		}
	}
	if err := s.kafka.await(ctx); err != nil {
		return err
	}
	return s.awaitRoles(ctx, true)
}

// close ends everything at once.
func (s *stage) close() {
	for _, p := range s.roles() {
		p.Kill()
	}
	if s.clickhouse != nil {
		s.clickhouse.close()
	}
	if s.kafka != nil {
		s.kafka.close()
	}
	for _, d := range s.disks {
		unmount(d.dir)
	}
}
