package faults

import (
	"fmt"
	"io"
	"os"
	"time"
)

// Options say how much to break.
type Options struct {
	Kills int           // processes to kill
	Seed  uint64        // of the faults and of the traffic
	Kafka string        // "embedded" or "apache"
	Rate  int           // events a second
	Drain time.Duration // how long ClickHouse may go without progress at the end
	Dir   string        // for data and logs; a temporary directory when empty
	Log   io.Writer     // is told of each fault
}

const (
	embeddedKafka = "embedded"
	apacheKafka   = "apache"
)

func (o *Options) check() error {
	switch {
	case o.Kills < 1 || o.Kills > 100_000:
		return fmt.Errorf("--kills is %d, must be from 1 to 100000", o.Kills)
	case o.Kafka != embeddedKafka && o.Kafka != apacheKafka:
		return fmt.Errorf("--kafka is %q, must be %s or %s", o.Kafka, embeddedKafka, apacheKafka)
	case o.Rate < 1 || o.Rate > 100_000:
		return fmt.Errorf("--rate is %d, must be from 1 to 100000", o.Rate)
	case o.Drain < 10*time.Second:
		return fmt.Errorf("--drain is %s, must be at least 10s", o.Drain)
	}
	if o.Dir == "" {
		return nil
	}
	if entries, err := os.ReadDir(o.Dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("--dir %s is not empty: name one that is, or none", o.Dir)
	}
	return os.MkdirAll(o.Dir, 0o700)
}
