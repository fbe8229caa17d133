package kafkatest

import (
	"context"
	"encoding/binary"
	"io"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Fault disturbs the answers to produce requests: the broker has appended the
// records, and the client does not learn of it.
type Fault struct {
	// Topic limits it to requests for the topic; all when empty.
	Topic string
	// Err is what the client is told instead; when nil the answer is swallowed
	// and the connection cut.
	Err *kerr.Error
	// Count is how many answers are disturbed; all when negative.
	Count int

	mu   sync.Mutex
	hits int
}

// Hits returns how many answers have been disturbed.
func (f *Fault) Hits() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hits
}

// Wait returns when that many answers have been disturbed, or with ctx's error.
func (f *Fault) Wait(ctx context.Context, hits int) error {
	for f.Hits() < hits {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// Fault begins a fault.
func (p *Proxy) Fault(f *Fault) *Fault {
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	p.faults.list = append(p.faults.list, f)
	return f
}

// Mend ends all faults.
func (p *Proxy) Mend() {
	p.faults.mu.Lock()
	defer p.faults.mu.Unlock()
	p.faults.list = nil
}

// Produced is a produce request as a watcher sees it.
type Produced struct {
	Batch   int // bytes, as they are on the wire
	Records int
}

// Watch has f told of every produce request; it is called from many goroutines.
func (p *Proxy) Watch(f func(Produced)) { p.watch.Store(&f) }

type faults struct {
	mu   sync.Mutex
	list []*Fault
}

// hit returns the fault that disturbs an answer, nil for none.
func (f *faults) hit(topics []string) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, fault := range f.list {
		if fault.hit(topics) {
			return fault
		}
	}
	return nil
}

func (f *Fault) hit(topics []string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Count >= 0 && f.hits >= f.Count {
		return false
	}
	for _, topic := range topics {
		if f.Topic == "" || f.Topic == topic {
			f.hits++
			return true
		}
	}
	return false
}

// conn is a connection's produce requests that have no answer yet.
type conn struct {
	proxy    *Proxy
	mu       sync.Mutex
	produced map[int32]produceRequest // by correlation id
}

type produceRequest struct {
	version int16
	topics  []string
}

// request notes a produce request.
func (c *conn) request(frame []byte) ([]byte, error) {
	const header = 4 + 2 + 2 + 4 // length, key, version, correlation id
	if len(frame) < header+2 || int16(binary.BigEndian.Uint16(frame[4:])) != int16(kmsg.Produce) {
		return frame, nil
	}
	r := kmsg.NewProduceRequest()
	r.Version = int16(binary.BigEndian.Uint16(frame[6:]))
	body := frame[header+2:]
	if n := int16(binary.BigEndian.Uint16(frame[header:])); n > 0 { // the client's name
		body = body[min(int(n), len(body)):]
	}
	if r.IsFlexible() && len(body) > 0 {
		body = body[1:] // no tags
	}
	if err := r.ReadFrom(body); err != nil {
		return frame, nil // as it is: the broker will tell
	}
	topics := make([]string, 0, 1)
	for _, t := range r.Topics {
		topics = append(topics, t.Topic)
		if watch := c.proxy.watch.Load(); watch != nil {
			for _, p := range t.Partitions {
				var batch kmsg.RecordBatch
				_ = batch.ReadFrom(p.Records)
				(*watch)(Produced{Batch: len(p.Records), Records: int(batch.NumRecords)})
			}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.produced[int32(binary.BigEndian.Uint32(frame[8:]))] = produceRequest{r.Version, topics}
	return frame, nil
}

// response disturbs the answer to a produce request when a fault says so.
func (c *conn) response(frame []byte) ([]byte, error) {
	if len(frame) < 8 {
		return frame, nil
	}
	id := int32(binary.BigEndian.Uint32(frame[4:]))
	c.mu.Lock()
	asked, ok := c.produced[id]
	delete(c.produced, id)
	c.mu.Unlock()
	if !ok {
		return frame, nil
	}
	r := kmsg.NewProduceResponse()
	r.Version = asked.version
	header := 8
	if r.IsFlexible() {
		header++ // no tags
	}
	if err := r.ReadFrom(frame[header:]); err != nil {
		return nil, err
	}
	if !appended(&r) {
		return frame, nil
	}
	fault := c.proxy.faults.hit(asked.topics)
	switch {
	case fault == nil:
		return frame, nil
	case fault.Err == nil:
		return nil, io.EOF
	}
	for i := range r.Topics {
		for j := range r.Topics[i].Partitions {
			r.Topics[i].Partitions[j].ErrorCode = fault.Err.Code
		}
	}
	disturbed := r.AppendTo(frame[:header:header])
	binary.BigEndian.PutUint32(disturbed, uint32(len(disturbed)-4))
	return disturbed, nil
}

// appended reports whether the broker did what it was asked to.
func appended(r *kmsg.ProduceResponse) bool {
	for i := range r.Topics {
		for j := range r.Topics[i].Partitions {
			if r.Topics[i].Partitions[j].ErrorCode != 0 {
				return false
			}
		}
	}
	return true
}
