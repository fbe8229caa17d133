package forward

import (
	"net/netip"
	"regexp"
	"strconv"
	"time"

	"sekisho/schemas/strict"
)

// Config is what can be set of any forwarder, whatever its kind.
type Config struct {
	Group        string        `yaml:"group" doc:"Kafka consumer group; sekisho-forward-NAME when empty."`
	Concurrency  int           `yaml:"concurrency" doc:"Most requests under way at once; what suits the kind when 0."`
	Rate         float64       `yaml:"rate" doc:"Most requests in a second, for events and for deletions together; no limit when 0."`
	Timeout      time.Duration `yaml:"timeout" doc:"How long a request may take, its answer included; what suits the kind when 0."`
	MaxEvents    int           `yaml:"max_events" doc:"Most events of a partition that are worked on at once. More of them share requests. Of so many, those that were answered within the last quarter of a second may arrive twice when the forwarder is killed, at a recipient that knows no event again."`
	MaxWait      time.Duration `yaml:"max_wait" doc:"Longest that an event waits for others to share a request with."`
	Attempts     int           `yaml:"attempts" doc:"How often an event is tried while others get through, before it becomes a dead letter. While none gets through it waits as long as it takes."`
	AllowPrivate []string      `yaml:"allow_private" doc:"Names of hosts that may be at private, local or link-local addresses, as the request's address has them. All others may not."`
	TLS          TLS           `yaml:"tls" doc:"Encryption."`
}

// GroupOf returns the consumer group of the forwarders to a recipient.
func (c *Config) GroupOf(recipient string) string {
	if c.Group != "" {
		return c.Group
	}
	return "sekisho-forward-" + recipient
}

// GroupsOf returns all groups of the forwarders to a recipient: of events, and of resets.
func (c *Config) GroupsOf(recipient string) [2]string {
	events := c.GroupOf(recipient)
	return [...]string{events, events + "-resets"}
}

// TLS configures encrypted connections to a recipient.
type TLS struct {
	CA          string `yaml:"ca" doc:"File of the certificate authorities; the system's when empty."`
	Certificate string `yaml:"certificate" doc:"File of the forwarder's certificate, when the recipient asks for one. Read anew when it changes."`
	Key         string `yaml:"key" doc:"File of its key."`
}

// SetDefaults fills in what holds where the configuration says nothing.
func (c *Config) SetDefaults() {
	c.MaxEvents, c.MaxWait, c.Attempts = 2000, time.Second, 8
}

// Validate reports what the types alone do not show.
func (c *Config) Validate(check *strict.Check) {
	if c.Concurrency < 0 || c.Concurrency > 256 {
		check.Problem("concurrency", c.Concurrency, "must be from 1 to 256, or 0")
	}
	if c.Rate < 0 {
		check.Problem("rate", c.Rate, "must not be negative")
	}
	if c.Timeout != 0 && (c.Timeout < 100*time.Millisecond || c.Timeout > 5*time.Minute) {
		check.Problem("timeout", c.Timeout, "must be from 100ms to 5m")
	}
	if c.MaxEvents < 1 || c.MaxEvents > 100_000 {
		check.Problem("max_events", c.MaxEvents, "must be from 1 to 100000")
	}
	if c.MaxWait < 10*time.Millisecond || c.MaxWait > time.Minute {
		check.Problem("max_wait", c.MaxWait, "must be from 10ms to 1m")
	}
	if c.Attempts < 1 || c.Attempts > 100 {
		check.Problem("attempts", c.Attempts, "must be from 1 to 100")
	}
	for i, host := range c.AllowPrivate {
		if _, err := netip.ParseAddr(host); err != nil && !hostPattern.MatchString(host) {
			check.Problem("allow_private["+strconv.Itoa(i)+"]", host, "must be the name of a host, or an address, without a port")
		}
	}
	if (c.TLS.Certificate == "") != (c.TLS.Key == "") {
		check.Problem("tls.key", c.TLS.Key, "tls.certificate and tls.key go together")
	}
}

var hostPattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$`)

// The defaults of a kind that says nothing.
const (
	defaultTimeout     = 30 * time.Second
	defaultConcurrency = 4
	maxEventsDefault   = 100
)

// within returns the kind's limits with what the configuration changes.
func (c *Config) within(l Limits) Limits {
	if c.Timeout > 0 {
		l.Timeout = c.Timeout
	}
	if l.Timeout == 0 {
		l.Timeout = defaultTimeout
	}
	if c.Concurrency > 0 {
		l.Concurrency = c.Concurrency
	}
	if l.Concurrency == 0 {
		l.Concurrency = defaultConcurrency
	}
	if c.Rate > 0 && (l.Rate == 0 || c.Rate < l.Rate) {
		l.Rate = c.Rate
	}
	if l.Events == 0 {
		l.Events = maxEventsDefault
	}
	return l
}
