package stream

import (
	"context"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// behind is how far a consumer is behind in a partition.
type behind struct {
	mu    sync.Mutex
	lag   int64
	at    int64     // offset of the first message that is being handled
	since time.Time // when that was received; zero while there is none
}

// OldestAge returns how long the oldest message has waited that is being handled
// by this member, 0 for none. It is exact to a minute.
func (c *Consumer) OldestAge() (age time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for p := range c.working {
		p.mu.Lock()
		if !p.since.IsZero() {
			age = max(age, time.Since(p.since))
		}
		p.mu.Unlock()
	}
	return age
}

// begin notes the messages that are being handled. An event's time is what its
// client says; an account beside it has the minute of receipt.
func (p *partition) begin(messages []kafka.Message) {
	since := time.Now()
	for i := range messages {
		m := &messages[i]
		if string(HeaderOf(m.Headers, schemas.HeaderKind)) == schemas.KindAccount && m.Time.Before(since) {
			since = m.Time
			break // accounts are in the order of their time, but for what was spooled
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.at = messages[0].Offset
	p.since = since
}

func (p *partition) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.since = time.Time{}
}

func (p *partition) setLag(lag int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.consumer.lag.Add(lag - p.lag)
	p.lag = lag
}

// findLag asks how far the partition is behind, while it cannot be read.
func (p *partition) findLag(ctx context.Context) {
	if p.offset < 0 {
		return // there is no telling before it has begun
	}
	if _, end, err := p.consumer.cluster.bounds(ctx, p.consumer.options.Topic, p.id); err == nil {
		p.setLag(max(min(end, p.span.To)-p.offset, 0))
	}
}

// held is how long a run may be handled before the topic's end is asked for: until
// then the lag is what it was when the run was read.
const held = 3 * time.Second

// watch keeps the lag true while a run is held up, until stop is called.
func (p *partition) watch(ctx context.Context) (stop func()) {
	c := p.consumer
	c.mu.Lock()
	c.working[p] = struct{}{}
	c.mu.Unlock()
	ctx, cancel := context.WithCancel(ctx)
	var ended sync.WaitGroup
	ended.Go(func() {
		for pause(ctx, held); ctx.Err() == nil; pause(ctx, held) {
			p.mu.Lock()
			at, busy := p.at, !p.since.IsZero()
			p.mu.Unlock()
			if !busy {
				continue
			}
			_, end, err := c.cluster.bounds(ctx, c.options.Topic, p.id)
			if err != nil {
				continue
			}
			p.mu.Lock()
			if p.at == at && !p.since.IsZero() { // the same run, still
				lag := max(end-at, 0)
				c.lag.Add(lag - p.lag)
				p.lag = lag
			}
			p.mu.Unlock()
		}
	})
	return func() {
		cancel()
		ended.Wait()
		c.mu.Lock()
		delete(c.working, p)
		c.mu.Unlock()
	}
}
