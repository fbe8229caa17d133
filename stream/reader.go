package stream

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

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
	err     error // why there is nothing after that
}

// fetched is what came, and what is wrong with that behind it.
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
			if offset, err = records.end(offset); err != nil {
				err = &unreadable{offset: offset, why: err}
			}
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

// unreadable is a batch that cannot be read. It is passed over by nobody but an
// operator: nobody can say what is in it.
type unreadable struct {
	offset int64
	after  int64 // the offset behind the batch, 0 when it does not tell
	why    error
}

func (u *unreadable) Error() string {
	return fmt.Sprintf("cannot read what is at offset %d: %v", u.offset, u.why)
}

func (u *unreadable) Unwrap() error { return u.why }

// hint is how an operator moves a group beyond the batch.
func (u *unreadable) hint(brokers []string, group, topic string, partition int) string {
	to := "OFFSET"
	if u.after > 0 {
		to = strconv.FormatInt(u.after, 10)
	}
	hint := fmt.Sprintf("it is read when the partition's leader has it whole, which another replica may have; to give its messages up, end all members of the group, run "+
		"kafka-consumer-groups.sh --bootstrap-server %s --group %s --topic %s:%d --reset-offsets --to-offset %s --execute, and start them again",
		strings.Join(brokers, ","), group, topic, partition, to)
	if u.after == 0 {
		hint += "; OFFSET is where the next batch begins, which kafka-dump-log.sh tells"
	}
	return hint
}

// message returns the next message if there is one without waiting.
func (r *partitionReader) message() (m kafka.Message, ok bool, err error) {
	for r.given == len(r.decoded) {
		if r.records == nil || len(r.records.rest) == 0 {
			return m, false, nil
		}
		from := r.offset
		r.given = 0
		head := r.records.rest
		r.decoded, r.offset, err = r.records.next(r.decoded[:0], from)
		if err != nil {
			problem := &unreadable{offset: from, why: err}
			if after := afterBatch(head); after > from && after <= r.records.mark { // else the head is damaged, too
				problem.after = after
			}
			r.decoded, r.records = r.decoded[:0], nil
			return m, false, problem
		}
	}
	m = r.decoded[r.given]
	r.given++
	return m, true, nil
}

// take is message that keeps an error: what is behind it is never handed out.
func (r *partitionReader) take() (m kafka.Message, ok bool, err error) {
	if m, ok, err = r.message(); err != nil {
		r.err = err
	}
	if ok {
		return m, true, nil
	}
	return m, false, r.err
}

// next waits for the next message. An error that is not of ctx is final: it comes
// again until reading begins anew, and nothing behind it is handed out.
func (r *partitionReader) next(ctx context.Context) (kafka.Message, error) {
	for {
		if m, ok, err := r.step(ctx, 0); ok || err != nil {
			return m, err
		}
	}
}

// step is next for those who must know how far they have read: ok is false when no
// message came within the time, or when what came has none, as marks of transactions
// and what compaction left. Then all before r.offset has been handed out. No limit is 0.
func (r *partitionReader) step(ctx context.Context, limit time.Duration) (m kafka.Message, ok bool, err error) {
	before := r.offset
	if m, ok, err = r.take(); ok || err != nil || r.offset > before {
		return m, ok, err
	}
	var late <-chan time.Time
	if limit > 0 {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		late = timer.C
	}
	select {
	case f := <-r.fetched:
		if r.records, r.err = f.records, f.err; r.records != nil {
			r.records.plain = &r.plain
		}
		return r.take()
	case <-late:
		return m, false, nil
	case <-ctx.Done():
		return m, false, ctx.Err()
	}
}
