package clickhouse

import (
	"net"
	"regexp"
	"strconv"
	"time"

	"sekisho/schemas/strict"
	"sekisho/stream"
)

// Config is the `clickhouse` part of the configuration.
type Config struct {
	Addresses []string      `yaml:"addresses" doc:"Addresses (host:port, native protocol) of the server or of some of the cluster's. The first that answers is used; all members name them in the same order."`
	Database  string        `yaml:"database" doc:"Database, made where it is missing."`
	Username  string        `yaml:"username" doc:"User name; the server's default user when empty."`
	Password  strict.Secret `yaml:"password" doc:"Password."`
	TLS       stream.TLS    `yaml:"tls" doc:"Encryption."`
	Cluster   string        `yaml:"cluster" doc:"Name of the cluster for replicated and distributed tables; a single server when empty."`
	Group     string        `yaml:"group" doc:"Kafka consumer group of the sink."`
	Batch     Batch         `yaml:"batch" doc:"How events are gathered to be stored."`
	Erasure   Erasure       `yaml:"erasure" doc:"How what was reset is erased."`
	Timeout   time.Duration `yaml:"timeout" doc:"How long a query or an insert may take."`
}

// Batch bounds what is gathered before it is stored, for each partition.
type Batch struct {
	MaxEvents int           `yaml:"max_events" doc:"Most events in one insert."`
	MaxWait   time.Duration `yaml:"max_wait" doc:"Longest that an event waits for others."`
}

// Erasure bounds the work of erasing, which reads whole tables each time.
type Erasure struct {
	Group     string        `yaml:"group" doc:"Kafka consumer group of those who erase."`
	MaxResets int           `yaml:"max_resets" doc:"Most resets that are erased together."`
	MaxWait   time.Duration `yaml:"max_wait" doc:"Longest that a reset waits for others to be erased with."`
}

// DefaultConfig is what holds where the configuration says nothing.
func DefaultConfig() Config {
	return Config{
		Database: "sekisho",
		Group:    "sekisho-clickhouse",
		Batch:    Batch{MaxEvents: 100_000, MaxWait: time.Second},
		Erasure:  Erasure{Group: "sekisho-eraser", MaxResets: 200_000, MaxWait: 5 * time.Minute},
		Timeout:  time.Minute,
	}
}

// maxEvents is below the rows (max_insert_block_size) up to which ClickHouse
// stores an insert as one part, so as a whole or not at all.
const maxEvents = 1_000_000

var (
	databasePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)
	clusterPattern  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.-]{0,63}$`)
)

// Validate reports what the types alone do not show.
func (c *Config) Validate(check *strict.Check) {
	for i, address := range c.Addresses {
		if _, port, err := net.SplitHostPort(address); err != nil || port == "" {
			check.Problem("addresses["+strconv.Itoa(i)+"]", address, "must be host:port, such as clickhouse:9000")
		}
	}
	if !databasePattern.MatchString(c.Database) {
		check.Problem("database", c.Database, `must be letters, digits and "_", at most 64, not beginning with a digit`)
	}
	if c.Cluster != "" && !clusterPattern.MatchString(c.Cluster) {
		check.Problem("cluster", c.Cluster, `must be letters, digits and "_.-", at most 64`)
	}
	if c.Group == "" {
		check.Problem("group", c.Group, "must not be empty")
	}
	if c.Batch.MaxEvents < 1 || c.Batch.MaxEvents > maxEvents {
		check.Problem("batch.max_events", c.Batch.MaxEvents, "must be from 1 to "+strconv.Itoa(maxEvents))
	}
	if c.Batch.MaxWait < 10*time.Millisecond || c.Batch.MaxWait > time.Minute {
		check.Problem("batch.max_wait", c.Batch.MaxWait, "must be from 10ms to 1m")
	}
	if c.Erasure.Group == "" || c.Erasure.Group == c.Group {
		check.Problem("erasure.group", c.Erasure.Group, "must be a group of its own")
	}
	if c.Erasure.MaxResets < 1 || c.Erasure.MaxResets > 1_000_000 {
		check.Problem("erasure.max_resets", c.Erasure.MaxResets, "must be from 1 to 1000000")
	}
	if c.Erasure.MaxWait < 10*time.Millisecond || c.Erasure.MaxWait > 24*time.Hour {
		check.Problem("erasure.max_wait", c.Erasure.MaxWait, "must be from 10ms to 24h")
	}
	if c.Timeout < time.Second || c.Timeout > 10*time.Minute {
		check.Problem("timeout", c.Timeout, "must be from 1s to 10m")
	}
}
