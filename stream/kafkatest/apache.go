//go:build apache

package kafkatest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/stream/apache"
)

// Apache reports whether it is Apache Kafka.
const Apache = true

// broker is a cluster of one broker, made at the first start.
type broker struct{ cluster *apache.Cluster }

func (b *broker) start(dir, advertised string) (err error) {
	ctx := context.Background()
	if b.cluster != nil {
		return b.cluster.Nodes()[0].Start(ctx)
	}
	b.cluster, err = apache.Start(ctx, apache.Options{Dir: dir, Advertised: []string{advertised}})
	return err
}

// Close is a crash rather than a shutdown, which would be waited for.
func (b *broker) Close() { b.cluster.Close() }

// Address is where it listens, not what it advertises.
func (b *broker) Address() string { return b.cluster.Nodes()[0].Address() }

// Compact has the broker forget all but the last version of each key of a
// compacted topic. It writes a tombstone, since the broker leaves alone the
// segment that is written to.
func (k *Kafka) Compact(topic string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	client, end := k.client()
	defer end()
	answer, err := client.IncrementalAlterConfigs(ctx, &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: topic, Configs: []kafka.IncrementalAlterConfigsRequestConfig{
				{Name: "min.cleanable.dirty.ratio", Value: "0", ConfigOperation: kafka.ConfigOperationSet},
				{Name: "segment.ms", Value: "1", ConfigOperation: kafka.ConfigOperationSet},
				{Name: "max.compaction.lag.ms", Value: "1", ConfigOperation: kafka.ConfigOperationSet},
			},
		}},
	})
	if err == nil {
		for i := range answer.Resources {
			err = errors.Join(err, answer.Resources[i].Error)
		}
	}
	if err != nil {
		return fmt.Errorf("cannot compact topic %s: %w", topic, err)
	}
	// The answer may come before the brokers go by it: then a later tombstone ends
	// the segment.
	for {
		if err := produce(ctx, client, topic, kafka.Record{Key: kafka.NewBytes([]byte("compact"))}); err != nil {
			return fmt.Errorf("cannot compact topic %s: %w", topic, err)
		}
		for range 5 {
			if hasHole(ctx, client, topic) {
				return nil
			}
			select {
			case <-ctx.Done():
				return fmt.Errorf("topic %s was not compacted: %w", topic, ctx.Err())
			case <-time.After(200 * time.Millisecond):
			}
		}
	}
}

func produce(ctx context.Context, client *kafka.Client, topic string, r kafka.Record) error {
	answer, err := client.Produce(ctx, &kafka.ProduceRequest{
		Topic: topic, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(r),
	})
	if err != nil {
		return err
	}
	return answer.Error
}

// hasHole reports whether the first message that the topic has is not the first it
// had.
func hasHole(ctx context.Context, client *kafka.Client, topic string) bool {
	answer, err := client.Fetch(ctx, &kafka.FetchRequest{Topic: topic, Partition: 0, Offset: 0, MinBytes: 1, MaxBytes: 1 << 20, MaxWait: time.Second})
	if err != nil {
		return false
	}
	record, err := answer.Records.ReadRecord()
	return err == nil && record.Offset > 0
}

// StartSecure runs a broker to which clients connect as s says, and which no
// proxy stands before.
func StartSecure(dir string, s *apache.Security) (address string, end func(), err error) {
	c, err := apache.Start(context.Background(), apache.Options{Dir: dir, Security: s})
	if err != nil {
		return "", nil, err
	}
	return c.Addresses()[0], c.Close, nil
}
