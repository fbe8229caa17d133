package spool

import (
	"time"

	"sekisho/schemas/strict"
)

// Config is the `collector.spool` part of the configuration.
type Config struct {
	Dir      string        `yaml:"dir" doc:"Directory of the spool, on a disk that keeps what is synced, for this collector alone. Without one events are refused with 503 while Kafka is away; sekisho up has one in its data directory."`
	MaxBytes strict.Size   `yaml:"max_bytes" doc:"Most bytes on disk. When it is full, events are refused with 503 until Kafka has taken some. Its index takes up to 5% of that in memory."`
	After    time.Duration `yaml:"after" doc:"How long Kafka may take to acknowledge a batch before it goes to the spool."`
}

// DefaultConfig is what holds where the configuration says nothing.
func DefaultConfig() Config { return Config{MaxBytes: 4 << 30, After: 2 * time.Second} }

// Validate reports what the types alone do not show.
func (c *Config) Validate(check *strict.Check) {
	if c.MaxBytes < 16<<20 {
		check.Problem("max_bytes", c.MaxBytes, "must be at least 16MiB")
	}
	if c.After < 10*time.Millisecond || c.After > time.Minute {
		check.Problem("after", c.After, "must be from 10ms to 1m")
	}
}
