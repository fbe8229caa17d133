package stream

import (
	"regexp"
	"time"

	"sekisho/schemas/strict"
)

// Config is the `kafka` part of the configuration.
type Config struct {
	Brokers     []string      `yaml:"brokers" doc:"Addresses (host:port) of some of Kafka's brokers."`
	Topics      Topics        `yaml:"topics" doc:"Names of the topics."`
	Partitions  int           `yaml:"partitions" doc:"Partitions of the events topic when it is created."`
	Replication int           `yaml:"replication" doc:"Replicas of each partition when a topic is created. 3 on a real cluster."`
	Retention   time.Duration `yaml:"retention" doc:"How long the topics keep events and dead letters: the range that can be replayed."`
	Timeout     time.Duration `yaml:"timeout" doc:"How long a batch may take to be acknowledged before clients are told to try again."`
	MaxQueued   strict.Size   `yaml:"max_queued" doc:"Memory for events that wait to be acknowledged."`
	TLS         TLS           `yaml:"tls" doc:"Encryption."`
	SASL        SASL          `yaml:"sasl" doc:"Authentication."`
}

// Topics are the names of the topics.
type Topics struct {
	Events      string `yaml:"events" doc:"Enforced events and the accounts of decisions."`
	Resets      string `yaml:"resets" doc:"Reset identifiers and opt-outs, compacted."`
	Consents    string `yaml:"consents" doc:"Receipts of consent, compacted."`
	Progress    string `yaml:"progress" doc:"How far resets have come with each recipient."`
	DeadLetters string `yaml:"dead_letters" doc:"Records that could not be stored or sent."`
}

// Validate reports what the types alone do not show.
func (t *Topics) Validate(check *strict.Check) {
	taken := map[string]string{}
	for _, topic := range []struct{ key, name string }{
		{"events", t.Events}, {"resets", t.Resets}, {"consents", t.Consents}, {"progress", t.Progress}, {"dead_letters", t.DeadLetters},
	} {
		switch other, ok := taken[topic.name]; {
		case !topicName.MatchString(topic.name):
			check.Problem(topic.key, topic.name, `must be 1 to 249 letters, digits and "._-"`)
		case ok:
			check.Problem(topic.key, topic.name, "is the topic of "+other+" already; each needs its own")
		}
		taken[topic.name] = topic.key
	}
}

// topicName is what Kafka takes.
var topicName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

// SASL configures authentication.
type SASL struct {
	Mechanism string        `yaml:"mechanism" doc:"plain, scram-sha-256 or scram-sha-512; none when empty."`
	Username  string        `yaml:"username" doc:"User name."`
	Password  strict.Secret `yaml:"password" doc:"Password."`
}

// DefaultConfig is what holds where the configuration says nothing.
func DefaultConfig() Config {
	return Config{
		Topics: Topics{
			Events: "sekisho.events", Resets: "sekisho.resets", Consents: "sekisho.consents",
			Progress: "sekisho.progress", DeadLetters: "sekisho.dead_letters",
		},
		Partitions:  8,
		Replication: 1,
		Retention:   7 * 24 * time.Hour,
		Timeout:     10 * time.Second,
		MaxQueued:   64 << 20,
	}
}

// Validate reports what the types alone do not show.
func (c *Config) Validate(check *strict.Check) {
	if c.Partitions < 1 || c.Partitions > 10000 {
		check.Problem("partitions", c.Partitions, "must be from 1 to 10000")
	}
	if c.Replication < 1 || c.Replication > 32767 {
		check.Problem("replication", c.Replication, "must be from 1 to 32767")
	}
	if c.Timeout < 100*time.Millisecond || c.Timeout > 5*time.Minute {
		check.Problem("timeout", c.Timeout, "must be from 100ms to 5m")
	}
	if c.Retention < time.Hour {
		check.Problem("retention", c.Retention, "must be at least 1h")
	}
	if c.MaxQueued < 1<<20 {
		check.Problem("max_queued", c.MaxQueued, "must be at least 1MiB")
	}
	switch c.SASL.Mechanism {
	case "", "plain", "scram-sha-256", "scram-sha-512":
	default:
		check.Problem("sasl.mechanism", c.SASL.Mechanism, "must be plain, scram-sha-256 or scram-sha-512")
	}
	if c.SASL.Mechanism == "" && (c.SASL.Username != "" || c.SASL.Password.IsSet()) {
		check.Problem("sasl.mechanism", c.SASL.Mechanism, "is required with sasl.username and sasl.password: plain, scram-sha-256 or scram-sha-512")
	}
	if c.SASL.Mechanism != "" && c.SASL.Username == "" {
		check.Problem("sasl.username", c.SASL.Username, "is required with sasl.mechanism")
	}
}
