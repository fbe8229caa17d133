package ingest

import (
	"net"
	"net/netip"
	"strconv"
	"time"

	"sekisho/schemas/strict"
	"sekisho/stream/spool"
)

// Config is the `collector` part of the configuration.
type Config struct {
	Listen                   string        `yaml:"listen" doc:"Address (host:port) of the public listener."`
	MaxBody                  strict.Size   `yaml:"max_body" doc:"Largest body of a request, as sent."`
	MaxDecoded               strict.Size   `yaml:"max_decoded" doc:"Largest body of a request after gzip, br or zstd is undone."`
	MaxBuffered              strict.Size   `yaml:"max_buffered" doc:"Memory for the bodies of all requests under way and what is made of them; further requests are answered 503. Beside it a connection takes some 50KiB, and decompression 32MiB and twice max_decoded for each processor."`
	MaxAge                   time.Duration `yaml:"max_age" doc:"How old an event may be; older ones are rejected."`
	Concurrency              int           `yaml:"concurrency" doc:"Connections served at once; further ones are refused with 503, and those that have sent no whole request for 2s are ended."`
	MaxConnectionsPerAddress int           `yaml:"max_connections_per_address" doc:"Connections that one client address (IPv6: /64 network) may have open, unless it is a trusted proxy; further ones are refused with 429. 0 is no limit."`
	ReadTimeout              time.Duration `yaml:"read_timeout" doc:"How long a client may take to send a request."`
	IdleTimeout              time.Duration `yaml:"idle_timeout" doc:"How long a connection may wait for its next request."`
	Rate                     int           `yaml:"rate" doc:"Requests a second that one client address may send; 0 is no limit. Resets and opt-outs are limited to 5 identifiers a second and 50 at once all the same, but for this machine's own."`
	Burst                    int           `yaml:"burst" doc:"Requests that one client address may send at once."`
	TrustedProxies           []Prefix      `yaml:"trusted_proxies" doc:"Networks (CIDR) of proxies whose X-Forwarded-For and place header are believed."`
	PlaceHeader              string        `yaml:"place_header" doc:"Header in which a trusted proxy states the country (JP) or region (US-CA)."`
	Spool                    spool.Config  `yaml:"spool" doc:"Where events are kept on disk while Kafka is slow or away."`
	PlaceDatabase            string        `yaml:"place_database" doc:"File in MaxMind's format (.mmdb) that tells the country and region of an address, for events of which neither the place header nor the event itself says where they come from. Read at the start."`
}

// DefaultConfig is what holds where the configuration says nothing.
func DefaultConfig() Config {
	return Config{
		Listen:                   "127.0.0.1:8080",
		MaxBody:                  1 << 20,
		MaxDecoded:               4 << 20,
		MaxBuffered:              256 << 20,
		MaxAge:                   31 * 24 * time.Hour,
		Concurrency:              4096,
		MaxConnectionsPerAddress: 256,
		ReadTimeout:              10 * time.Second,
		IdleTimeout:              60 * time.Second,
		Rate:                     200,
		Burst:                    1000,
		Spool:                    spool.DefaultConfig(),
	}
}

// Validate reports what the types alone do not show.
func (c *Config) Validate(check *strict.Check) {
	if _, port, err := net.SplitHostPort(c.Listen); err != nil {
		check.Problem("listen", c.Listen, "must be host:port, such as 0.0.0.0:8080")
	} else if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		check.Problem("listen", c.Listen, "must have a port from 0 to 65535")
	}
	if c.MaxBody < 1<<10 || c.MaxBody > 64<<20 {
		check.Problem("max_body", c.MaxBody, "must be from 1KiB to 64MiB")
	}
	if c.MaxDecoded < c.MaxBody || c.MaxDecoded > 256<<20 {
		check.Problem("max_decoded", c.MaxDecoded, "must be from max_body to 256MiB")
	}
	if c.MaxBuffered < 2*c.MaxDecoded {
		check.Problem("max_buffered", c.MaxBuffered, "must be at least twice max_decoded")
	}
	if c.MaxAge < time.Hour || c.MaxAge > 366*24*time.Hour {
		check.Problem("max_age", c.MaxAge, "must be from 1h to 8784h")
	}
	if c.Concurrency < 1 || c.Concurrency > 1<<20 {
		check.Problem("concurrency", c.Concurrency, "must be from 1 to 1048576")
	}
	if c.MaxConnectionsPerAddress < 0 || c.MaxConnectionsPerAddress > 1<<20 {
		check.Problem("max_connections_per_address", c.MaxConnectionsPerAddress, "must be from 0 (no limit) to 1048576")
	}
	if c.ReadTimeout < 100*time.Millisecond || c.ReadTimeout > 10*time.Minute {
		check.Problem("read_timeout", c.ReadTimeout, "must be from 100ms to 10m")
	}
	if c.IdleTimeout < time.Second || c.IdleTimeout > time.Hour {
		check.Problem("idle_timeout", c.IdleTimeout, "must be from 1s to 1h")
	}
	if c.Rate < 0 || c.Rate > 1e6 {
		check.Problem("rate", c.Rate, "must be from 0 (no limit) to 1000000")
	}
	if c.Rate > 0 && (c.Burst < 1 || c.Burst > 1e6) {
		check.Problem("burst", c.Burst, "must be from 1 to 1000000 with a rate")
	}
	if c.PlaceHeader != "" && len(c.TrustedProxies) == 0 {
		check.Problem("place_header", c.PlaceHeader, "needs trusted_proxies: from anyone else the header is not believed")
	}
}

// Prefix is a network, as in 10.0.0.0/8.
type Prefix struct{ netip.Prefix }

// UnmarshalText accepts CIDR notation and a single address.
func (p *Prefix) UnmarshalText(text []byte) error {
	if address, err := netip.ParseAddr(string(text)); err == nil {
		p.Prefix = netip.PrefixFrom(address, address.BitLen())
		return nil
	}
	return p.Prefix.UnmarshalText(text)
}
