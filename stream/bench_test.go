package stream

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"sekisho/schemas"
	"sekisho/stream/spool"
)

// BenchmarkProducer has many requests wait for one broker that stores nothing;
// its own work is in the numbers. With a spool that is not needed it is to be as
// fast as without.
func BenchmarkProducer(b *testing.B) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BlackholeProduce())
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	c := DefaultConfig()
	c.Brokers = k.ListenAddrs()
	cluster := open(b, c)
	s, err := spool.Open(spool.Config{Dir: b.TempDir(), MaxBytes: 1 << 30}, discard())
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	never := func([][16]byte) bool { return false }
	spooling := &Spooling{Spool: s, After: time.Minute, Current: func() error { return nil }, Withdrawn: never}
	for _, m := range []struct {
		name   string
		events int
		spool  *Spooling
	}{{"one event", 1, nil}, {"one event, with a spool", 1, spooling}, {"20 events", 20, nil}, {"20 events, with a spool", 20, spooling}} {
		b.Run(m.name, func(b *testing.B) {
			p := NewProducer(cluster, c.Partitions, ProducerOptions{Log: discard(), Spool: m.spool})
			defer p.Close()
			benchmarkWrites(b, p, m.events)
		})
	}
	if st := s.Stats(); st.Bytes > 0 {
		b.Errorf("%d bytes are spooled", st.Bytes)
	}
}

// BenchmarkSpooling has Kafka take nothing.
func BenchmarkSpooling(b *testing.B) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BlackholeProduce())
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	c := DefaultConfig()
	c.Brokers = k.ListenAddrs()
	cluster := open(b, c)
	for _, events := range []int{1, 20} {
		b.Run(map[int]string{1: "one event", 20: "20 events"}[events], func(b *testing.B) {
			s, err := spool.Open(spool.Config{Dir: b.TempDir(), MaxBytes: 64 << 30}, discard())
			if err != nil {
				b.Fatal(err)
			}
			defer s.Close()
			p := NewProducer(cluster, c.Partitions, ProducerOptions{Log: discard(), Spool: &Spooling{
				Spool: s, After: time.Minute, Current: func() error { return ErrStale }, Withdrawn: func([][16]byte) bool { return false },
			}})
			defer p.Close()
			benchmarkWrites(b, p, events)
		})
	}
}

func benchmarkWrites(b *testing.B, p *Producer, events int) {
	value := []byte(strings.Repeat("0123456789abcdef", 60))
	b.ReportAllocs()
	b.SetBytes(int64(events * len(value)))
	b.SetParallelism(200)
	b.RunParallel(func(pb *testing.PB) {
		var messages []Message
		for range events {
			messages = append(messages, Message{
				Key: []byte("k1.0123456789abcdef0123456789abcdef"), Value: value, Time: time.Now(), Hashes: make([][16]byte, 2),
				Decisions: []schemas.Decision{allowed, {Recipient: "store", Outcome: schemas.Allowed}, {Recipient: "google", Outcome: schemas.Dropped}},
			})
		}
		for pb.Next() {
			if err := p.Write(b.Context(), messages); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
