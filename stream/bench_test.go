package stream

import (
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"sekisho/schemas"
)

// BenchmarkProducer has many requests wait for one broker that stores nothing;
// its own work is in the numbers.
func BenchmarkProducer(b *testing.B) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BlackholeProduce())
	if err != nil {
		b.Fatal(err)
	}
	defer k.Close()
	c := DefaultConfig()
	c.Brokers = k.ListenAddrs()
	cluster := open(b, c)
	p := NewProducer(cluster, c.Partitions, ProducerOptions{Log: discard()})
	defer p.Close()
	value := []byte(strings.Repeat("0123456789abcdef", 60))
	for _, events := range []int{1, 20} {
		b.Run(map[int]string{1: "one event", 20: "20 events"}[events], func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(events * len(value)))
			b.SetParallelism(200)
			b.RunParallel(func(pb *testing.PB) {
				var messages []Message
				for range events {
					messages = append(messages, Message{
						Key: []byte("k1.0123456789abcdef0123456789abcdef"), Value: value, Time: time.Now(),
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
		})
	}
}
