package stream

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// Receipts is the compacted topic of consent receipts. Those of one pseudonym
// are in one partition, unless partitions were added since: whoever looks for
// them looks into all. Safe for concurrent use.
type Receipts struct {
	cluster *Cluster

	mu         sync.Mutex
	partitions []int // none before the topic was asked
}

// NewReceipts prepares to use the topic.
func NewReceipts(cluster *Cluster) *Receipts { return &Receipts{cluster: cluster} }

// Append makes receipts durable. To append one again does no harm.
func (r *Receipts) Append(ctx context.Context, receipts []schemas.Receipt) error {
	partitions, err := r.all(ctx)
	if err != nil {
		return err
	}
	byPartition := map[int][]Entry{}
	for i := range receipts {
		receipt := &receipts[i]
		p := kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: []byte(receipt.Pseudonym)}, partitions...)
		// A client's clock may be ahead, and Kafka refuses messages of the future.
		byPartition[p] = append(byPartition[p], Entry{Time: time.Now(), Key: receipt.Key(), Value: receipt.AppendJSON(nil)})
	}
	for p, entries := range byPartition {
		if _, err := r.cluster.Append(ctx, r.cluster.config.Topics.Consents, p, entries); err != nil {
			return err
		}
	}
	return nil
}

func (r *Receipts) all(ctx context.Context) ([]int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.partitions == nil {
		spans, err := r.cluster.Spans(ctx, r.cluster.config.Topics.Consents)
		if err != nil {
			return nil, err
		}
		for i := range spans {
			r.partitions = append(r.partitions, i)
		}
	}
	return r.partitions, nil
}

// Find returns the receipts of the pseudonyms, oldest first: of each choice the
// last, and none that was taken back. It reads the whole topic.
func (r *Receipts) Find(ctx context.Context, pseudonyms ...string) ([]schemas.Receipt, error) {
	found := map[string]schemas.Receipt{}
	err := r.each(ctx, func(m *kafka.Message) error {
		if !slices.Contains(pseudonyms, schemas.ReceiptPseudonym(m.Key)) {
			return nil
		}
		if len(m.Value) == 0 {
			delete(found, string(m.Key))
			return nil
		}
		receipt, err := schemas.DecodeReceipt(m.Value)
		if err != nil {
			return fmt.Errorf("partition %d, offset %d of topic %s: %w", m.Partition, m.Offset, m.Topic, err)
		}
		found[string(m.Key)] = receipt
		return nil
	})
	if err != nil {
		return nil, err
	}
	receipts := make([]schemas.Receipt, 0, len(found))
	for _, receipt := range found {
		receipts = append(receipts, receipt)
	}
	slices.SortFunc(receipts, func(a, b schemas.Receipt) int {
		if c := a.At.Compare(b.At); c != 0 {
			return c
		}
		return slices.Compare(a.Key(), b.Key())
	})
	return receipts, nil
}

// Withdraw takes the receipts of pseudonyms out of the topic: tombstones take
// their place until the broker compacts it. It reads the whole topic, once for
// all of them, and returns how many it took out.
func (r *Receipts) Withdraw(ctx context.Context, pseudonyms map[string]struct{}) (taken int, err error) {
	type place struct {
		partition int
		key       string
	}
	found := map[place]struct{}{}
	err = r.each(ctx, func(m *kafka.Message) error {
		if _, ok := pseudonyms[schemas.ReceiptPseudonym(m.Key)]; !ok {
			return nil
		}
		at := place{m.Partition, string(m.Key)}
		if len(m.Value) == 0 {
			delete(found, at)
		} else {
			found[at] = struct{}{}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	byPartition := map[int][]Entry{}
	for at := range found {
		byPartition[at.partition] = append(byPartition[at.partition], Entry{Time: time.Now(), Key: []byte(at.key)})
	}
	const together = 1000 // well below the largest batch
	for p, entries := range byPartition {
		for some := range slices.Chunk(entries, together) {
			if _, err := r.cluster.Append(ctx, r.cluster.config.Topics.Consents, p, some); err != nil {
				return taken, err
			}
			taken += len(some)
		}
	}
	return taken, nil
}

func (r *Receipts) each(ctx context.Context, take func(*kafka.Message) error) error {
	topic := r.cluster.config.Topics.Consents
	spans, err := r.cluster.Spans(ctx, topic)
	if err != nil {
		return err
	}
	for _, span := range spans {
		if err := r.cluster.Read(ctx, topic, span, take); err != nil {
			return err
		}
	}
	return nil
}
