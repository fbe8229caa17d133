// Package config is the configuration file of every role: the parts of the
// packages it configures, put together.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"slices"

	"sekisho/ingest"
	"sekisho/schemas/strict"
	"sekisho/sinks/clickhouse"
	"sekisho/stream"
)

// Prefix of the environment variables that override the file: kafka.brokers is
// SEKISHO_KAFKA_BROKERS.
const Prefix = "SEKISHO"

// Config is the configuration of all roles. Each role reads the parts that it
// needs.
type Config struct {
	Policy     string               `yaml:"policy" doc:"File of the handling policy."`
	Keys       Keys                 `yaml:"keys" doc:"Secrets under which identifiers are hashed."`
	Registry   Registry             `yaml:"registry" doc:"The set of reset identifiers that a process has in memory."`
	Collector  ingest.Config        `yaml:"collector" doc:"The public listener, which takes events."`
	Admin      Admin                `yaml:"admin" doc:"The listener for metrics and operators."`
	Kafka      stream.Config        `yaml:"kafka" doc:"The Kafka cluster."`
	ClickHouse clickhouse.Config    `yaml:"clickhouse" doc:"The ClickHouse server or cluster."`
	Forwarders map[string]Forwarder `yaml:"forwarders" doc:"Third parties that are sent events, by the name that the handling policy has for the recipient."`
	Embedded   Embedded             `yaml:"embedded" doc:"What sekisho up brings where no server is named."`
	Log        Log                  `yaml:"log" doc:"The log, on standard error."`
}

// Keys are the secrets under which identifiers are hashed.
type Keys struct {
	ID       string                   `yaml:"id" doc:"Name of the pseudonym key, 1 to 8 letters and digits; give a new key a new one."`
	Secret   strict.Secret            `yaml:"secret" doc:"Secret of the pseudonyms, at least 32 random bytes."`
	Previous map[string]strict.Secret `yaml:"previous" doc:"Earlier secrets of the pseudonyms by their id, for as long as something is stored under them: a reset covers those pseudonyms too."`
	Registry strict.Secret            `yaml:"registry" doc:"Secret of the reset registry, at least 32 random bytes. It must never change: resets would be forgotten."`
}

// Validate reports what the types alone do not show.
func (k *Keys) Validate(check *strict.Check) {
	if _, ok := k.Previous[k.ID]; ok {
		check.Problem("previous", nil, "has the id "+k.ID+" of the current key: a new key needs a new keys.id")
	}
}

// distinct reports secrets that are the same, which none may be: whoever learnt
// one would have the other. Only once they are resolved.
func (k *Keys) distinct() error {
	names := map[string]string{}
	all := map[string]strict.Secret{"keys.secret": k.Secret, "keys.registry": k.Registry}
	for id, secret := range k.Previous {
		all["keys.previous."+id] = secret
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !all[name].IsSet() {
			continue
		}
		value := all[name].Reveal()
		if other, ok := names[value]; ok {
			return fmt.Errorf("%s is the same secret as %s: each needs its own; make one with `openssl rand -hex 32`", name, other)
		}
		names[value] = name
	}
	return nil
}

// Registry is the set of reset identifiers that a process has in memory.
type Registry struct {
	Dir string `yaml:"dir" doc:"Directory of this process alone for snapshots of the set, so that a start reads only the resets that are newer; none are kept when empty. They hold keyed hashes only, some 16 bytes for each reset."`
}

// Admin is the listener for metrics and operators.
type Admin struct {
	Listen string        `yaml:"listen" doc:"Address (host:port). Loopback only, unless a token is set."`
	Token  strict.Secret `yaml:"token" doc:"Bearer token that requests must have."`
}

// Validate reports what the types alone do not show.
func (a *Admin) Validate(check *strict.Check) {
	host, _, err := net.SplitHostPort(a.Listen)
	if err != nil {
		check.Problem("listen", a.Listen, "must be host:port")
		return
	}
	if ip := net.ParseIP(host); !a.Token.IsSet() && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		check.Problem("listen", a.Listen, "must be a loopback address unless admin.token is set")
	}
}

// Embedded is what `sekisho up` brings where no server is named.
type Embedded struct {
	ClickHouse EmbeddedClickHouse `yaml:"clickhouse" doc:"The embedded ClickHouse."`
}

// EmbeddedClickHouse names a ClickHouse that is on the machine already.
type EmbeddedClickHouse struct {
	Library string `yaml:"library" doc:"File of libchdb, instead of the one that npm fetches."`
	Binary  string `yaml:"binary" doc:"File of a clickhouse binary, instead of a library."`
}

// Validate reports what the types alone do not show.
func (e *EmbeddedClickHouse) Validate(check *strict.Check) {
	if e.Library != "" && e.Binary != "" {
		check.Conflict("library", "binary", "name one of them")
	}
}

// Log is the log.
type Log struct {
	Level  Level  `yaml:"level" doc:"debug, info, warn or error."`
	Format Format `yaml:"format" doc:"text or json."`
}

// Default is what holds where neither the file nor the environment says
// anything.
func Default() *Config {
	return &Config{
		Keys:       Keys{ID: "k1"},
		Collector:  ingest.DefaultConfig(),
		Admin:      Admin{Listen: "127.0.0.1:9464"},
		Kafka:      stream.DefaultConfig(),
		ClickHouse: clickhouse.DefaultConfig(),
		Log:        Log{Level: "info", Format: "text"},
	}
}

// Load reads the file (none when empty) and the environment into c, which
// holds the defaults, and the secrets that they refer to.
func Load(file string, c *Config) error {
	var text []byte
	if file != "" {
		var err error
		if text, err = os.ReadFile(file); err != nil {
			return fmt.Errorf("cannot read the configuration: %w", hint(err))
		}
	}
	if err := strict.Load(text, c, Prefix, os.Environ()); err != nil {
		return fmt.Errorf("the configuration is not valid:\n%w", err)
	}
	if err := strict.Resolve(c, os.LookupEnv, os.ReadFile); err != nil {
		return fmt.Errorf("the configuration names a secret that cannot be had:\n%w", err)
	}
	if err := c.Keys.distinct(); err != nil {
		return fmt.Errorf("the configuration is not valid: %w", err)
	}
	return nil
}

func hint(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w; `sekisho config` prints one to begin with", err)
	}
	return err
}
