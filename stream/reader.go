package stream

import (
	"bytes"
	"context"

	"github.com/segmentio/kafka-go"
)

// partitionReader hands out a partition's messages in order. It fetches while what was
// fetched before is worked on.
type partitionReader struct {
	fetched chan fetched
	stop    context.CancelFunc

	records *records
	offset  int64           // after those that are decoded
	decoded []kafka.Message // of one batch
	given   int             // of them
	plain   bytes.Buffer
}

type fetched struct {
	records *records
	err     error
}

// newPartitionReader begins to fetch from offset on.
func newPartitionReader(ctx context.Context, c *Cluster, topic string, partition int, offset int64) *partitionReader {
	ctx, stop := context.WithCancel(ctx)
	r := &partitionReader{fetched: make(chan fetched), stop: stop, offset: offset}
	go r.fetch(ctx, c, topic, partition, offset)
	return r
}

// close ends fetching.
func (r *partitionReader) close() { r.stop() }

// fetch goes on until ctx ends or something is wrong.
func (r *partitionReader) fetch(ctx context.Context, c *Cluster, topic string, partition int, offset int64) {
	for ctx.Err() == nil {
		records, err := c.fetchRecords(ctx, topic, partition, offset)
		if err == nil {
			offset, err = records.end(offset)
		}
		if err == nil && len(records.rest) == 0 {
			continue
		}
		select {
		case r.fetched <- fetched{records, err}:
		case <-ctx.Done():
		}
		if err != nil {
			return
		}
	}
}

// message returns the next message if there is one without waiting.
func (r *partitionReader) message() (m kafka.Message, ok bool, err error) {
	for r.given == len(r.decoded) {
		if r.records == nil || len(r.records.rest) == 0 {
			return m, false, nil
		}
		r.given = 0
		r.decoded, r.offset, err = r.records.next(r.decoded[:0], r.offset)
		if err != nil {
			r.decoded = r.decoded[:0]
			return m, false, err
		}
	}
	m = r.decoded[r.given]
	r.given++
	return m, true, nil
}

// next waits for the next message.
func (r *partitionReader) next(ctx context.Context) (kafka.Message, error) {
	for {
		m, ok, err := r.message()
		if ok || err != nil {
			return m, err
		}
		select {
		case f := <-r.fetched:
			if f.err != nil {
				return m, f.err
			}
			r.records, f.records.plain = f.records, &r.plain
		case <-ctx.Done():
			return m, ctx.Err()
		}
	}
}
