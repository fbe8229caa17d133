package speed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sekisho/benchmarks/internal/parts"
	"sekisho/schemas/policy"
	"sekisho/sinks/clickhouse"
	"sekisho/sinks/clickhouse/embedded"
	"sekisho/stream"
)

// stage is what runs for all scenarios: the program, Kafka, and, once it is
// asked for, ClickHouse.
type stage struct {
	options     Options
	dir         string
	program     string
	self        string
	environment []string // of every role
	secret      string   // of pseudonyms
	registry    string   // of the registry
	policy      string   // file
	broker      string   // address
	kafka       *parts.Process
	clickhouse  *embedded.Server
	servers     []*server
}

// server takes events, or writes them to ClickHouse.
type server struct {
	*parts.Process
	name   string
	listen string // host:port
	admin  string // URL
	// profiles is where profiles go, "" for none.
	profiles string
}

const numPartitions = 4

// newStage builds the program and starts Kafka.
func newStage(ctx context.Context, o Options, dir string) (*stage, error) {
	s := &stage{options: o, dir: dir, program: filepath.Join(dir, "sekisho"), secret: parts.Secret(), registry: parts.Secret()}
	if err := s.start(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *stage) start(ctx context.Context) (err error) {
	if s.self, err = os.Executable(); err != nil {
		return err
	}
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", s.program, "sekisho/cmd/sekisho").CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build sekisho: %w\n%s", err, out)
	}
	s.policy = filepath.Join(s.dir, "policy.yaml")
	if err := os.WriteFile(s.policy, policy.Example, 0o600); err != nil {
		return err
	}
	port := parts.FreePort()
	if port == 0 {
		return errPort
	}
	s.broker = parts.Loopback(port)
	arguments := []string{parts.KafkaCommand, filepath.Join(s.dir, "kafka"), strconv.Itoa(port), s.broker}
	if !s.options.Sync {
		arguments = append(arguments, parts.Lazily)
	}
	s.kafka = &parts.Process{
		Name: "Kafka", Path: s.self, Arguments: arguments, Environment: os.Environ(),
		Log: s.log("kafka"), Ready: parts.Listens(s.broker),
	}
	if err := s.run(ctx, s.kafka); err != nil {
		return err
	}
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "SEKISHO_") {
			s.environment = append(s.environment, pair)
		}
	}
	s.environment = append(s.environment,
		"SEKISHO_POLICY="+s.policy, "SEKISHO_KEYS_SECRET="+s.secret, "SEKISHO_KEYS_REGISTRY="+s.registry,
		"SEKISHO_KAFKA_BROKERS="+s.broker, "SEKISHO_KAFKA_PARTITIONS="+strconv.Itoa(numPartitions),
		"SEKISHO_COLLECTOR_RATE=0", "SEKISHO_COLLECTOR_MAX_CONNECTIONS_PER_ADDRESS=0", // all connections have one address
	)
	return errors.Join(s.once(ctx, nil, "topics"), s.once(ctx, []string{"SEKISHO_KAFKA_TOPICS_EVENTS=" + unenforcedTopic}, "topics"))
}

var errPort = errors.New("there is no free port on loopback")

func (s *stage) log(name string) string { return filepath.Join(s.dir, name+".log") }

// run starts a process and waits until it is ready.
func (s *stage) run(ctx context.Context, p *parts.Process) error {
	if err := p.Begin(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	return p.Await(ctx, false)
}

// once runs a command of the program to its end.
func (s *stage) once(ctx context.Context, environment []string, arguments ...string) error {
	cmd := exec.CommandContext(ctx, s.program, arguments...)
	cmd.Env = append(append([]string(nil), s.environment...), environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sekisho %s: %w: %s", strings.Join(arguments, " "), err, out)
	}
	return nil
}

// role starts a role of the program.
func (s *stage) role(ctx context.Context, name string, environment []string, arguments ...string) (*server, error) {
	listen, admin := parts.FreePort(), parts.FreePort()
	if listen == 0 || admin == 0 {
		return nil, errPort
	}
	p := &server{name: name, listen: parts.Loopback(listen), admin: "http://" + parts.Loopback(admin), profiles: s.options.Profiles}
	p.Process = &parts.Process{
		Name: name, Path: s.program, Arguments: arguments, Log: s.log(strings.ReplaceAll(name, " ", "-")),
		Environment: append(append([]string{
			"SEKISHO_COLLECTOR_LISTEN=" + p.listen, "SEKISHO_ADMIN_LISTEN=" + parts.Loopback(admin),
		}, s.environment...), environment...),
		Ready: parts.Answers(p.admin + "/readyz"),
	}
	s.servers = append(s.servers, p)
	return p, s.run(ctx, p.Process)
}

// compared starts a server to compare with.
func (s *stage) compared(ctx context.Context, kind, snapshot string) (*server, error) {
	listen, admin := parts.FreePort(), parts.FreePort()
	if listen == 0 || admin == 0 {
		return nil, errPort
	}
	o := serverOptions{
		Kind: kind, Listen: parts.Loopback(listen), Admin: parts.Loopback(admin), Brokers: []string{s.broker}, Partitions: numPartitions,
		Policy: s.policy, Snapshot: snapshot, Secret: s.secret, Registry: s.registry,
	}
	text, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	p := &server{name: kind, listen: o.Listen, admin: "http://" + o.Admin}
	p.Process = &parts.Process{
		Name: kind, Path: s.self, Arguments: []string{ServerCommand, string(text)}, Environment: os.Environ(),
		Log: s.log("compared"), Ready: answersEvents(o.Listen),
	}
	s.servers = append(s.servers, p)
	return p, s.run(ctx, p.Process)
}

// answersEvents returns a check that events are taken.
func answersEvents(address string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		l := &load{address: address, connections: 1}
		c, err := l.dial(ctx, 0)
		if err != nil {
			return false
		}
		defer c.conn.Close()
		return c.exchange(time.Now()) == nil && c.refused == 0
	}
}

// end stops a server, when nothing else needs it.
func (s *stage) end(p *server) error { return p.Stop(time.Minute) }

// startClickHouse starts ClickHouse unless it runs.
func (s *stage) startClickHouse(ctx context.Context) error {
	if s.clickhouse != nil {
		return nil
	}
	log, err := os.OpenFile(s.log("clickhouse-supervisor"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	s.clickhouse, err = embedded.Start(ctx, embedded.Options{
		Dir: filepath.Join(s.dir, "clickhouse"), MemoryLimit: 4 << 30, Log: slog.New(slog.NewTextHandler(log, nil)), Progress: s.options.Log,
	})
	if err == nil {
		s.environment = append(s.environment, "SEKISHO_CLICKHOUSE_ADDRESSES="+s.clickhouse.NativeAddr())
	}
	return err
}

// cluster connects to Kafka, and store to a database of ClickHouse.
func (s *stage) cluster() (*stream.Cluster, error) {
	c := stream.DefaultConfig()
	c.Brokers, c.Partitions = []string{s.broker}, numPartitions
	return stream.Connect(c)
}

func (s *stage) store(database string) (*clickhouse.Store, error) {
	c := clickhouse.DefaultConfig()
	c.Addresses, c.Database = []string{s.clickhouse.NativeAddr()}, database
	return clickhouse.Connect(c)
}

// close ends everything at once.
func (s *stage) close() {
	for _, p := range s.servers {
		p.Kill()
	}
	if s.clickhouse != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = s.clickhouse.Stop(ctx)
	}
	if s.kafka != nil {
		s.kafka.Kill()
	}
}
