package webhook

import (
	"encoding/base64"
	"errors"
	"net"
	"net/url"
	"strings"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/schemas/strict"
	"sekisho/sinks/forward"
)

// Config is a recipient of kind webhook.
type Config struct {
	URL       string          `yaml:"url" required:"true" doc:"Where requests are sent: https, or http on this machine."`
	Secrets   []strict.Secret `yaml:"secrets" required:"true" doc:"Secrets that requests are signed with, whsec_ and base64 of 24 to 64 random bytes. While one replaces another both are here, and every request has a signature of each."`
	MaxEvents int             `yaml:"max_events" doc:"Most events in a request."`
	Resets    bool            `yaml:"resets" doc:"Whether the receiver deletes what it has when it is told of a reset."`
}

// SetDefaults fills in what holds where the configuration says nothing.
func (c *Config) SetDefaults() { c.MaxEvents = 100 }

// Kind makes the kind; see [forward.Section].
func (c *Config) Kind(string, *metrics.Set) (forward.Kind, error) { return New(*c) }

// Validate reports what the types alone do not show.
func (c *Config) Validate(check *strict.Check) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http":
		check.Problem("url", c.URL, "must be an https address, without a password in it")
	case u.Scheme == "http" && !isLocal(u.Hostname()):
		check.Problem("url", c.URL, "must be https, beyond this machine")
	}
	if len(c.Secrets) == 0 || len(c.Secrets) > 8 {
		check.Problem("secrets", nil, "must be 1 to 8 secrets")
	}
	if c.MaxEvents < 1 || c.MaxEvents > 10_000 {
		check.Problem("max_events", c.MaxEvents, "must be from 1 to 10000")
	}
}

func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

var errSecret = errors.New("a secret of the webhook must be whsec_ and base64 of 24 to 64 bytes; make one with: echo whsec_$(openssl rand -base64 32)")

func isSecret(text string) error {
	_, err := keyOf(text)
	return err
}

// keyOf returns the bytes that a secret is of.
func keyOf(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 24 || len(key) > 64 {
		return nil, errSecret
	}
	return key, nil
}
