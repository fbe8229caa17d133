package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// stall is how long a reader may read nothing before it is asked whether there
// is something to read.
const stall = 3 * time.Second

// patience tells a reader that is stuck from one that has nothing to read or is
// slow. It is asked each time that nothing was read for as long as stall. The
// messages may have come a moment ago, so it takes two looks; and a reader that
// has not read anything yet has more: where its first answer takes longer than
// that, on a busy machine, one that is made anew in its place never reads at all.
type patience struct {
	looks   int // at which there was something to read, in a row
	started bool
}

// slowStart is how many looks a reader has for its first message.
const slowStart = 5

// read notes that something was read.
func (p *patience) read() { p.looks, p.started = 0, true }

// over reports whether to begin again with another reader.
func (p *patience) over(behind bool) bool {
	if !behind {
		p.looks = 0
		return false
	}
	p.looks++
	return p.looks >= slowStart || p.started && p.looks >= 2
}

// Why reading must begin again.
var (
	errStalled = errors.New("nothing arrives though there are messages")
	errShorter = errors.New("the topic is shorter than it was: messages were lost, or it was made anew; reading it from its beginning")
)

// maxLost is how often a connection is made again that turns out to be lost: a
// leader may have left several behind.
const maxLost = 3

// bounds returns the offset of a partition's first message and that after its
// last. A leader that is being elected is waited for, for a moment, and a connection
// that was lost is made again.
func (c *Cluster) bounds(ctx context.Context, topic string, partition int) (first, end int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	for lost := 0; ; {
		first, end, err = c.askBounds(ctx, topic, partition)
		if err == nil || ctx.Err() != nil {
			return first, end, err
		}
		var problem kafka.Error
		if !errors.As(err, &problem) || problem == kafka.Unknown { // as the client calls what is not of the broker
			lost++
		} else if !problem.Temporary() {
			return first, end, err
		}
		if lost > maxLost {
			return first, end, err
		}
		pause(ctx, 100*time.Millisecond)
	}
}

func (c *Cluster) askBounds(ctx context.Context, topic string, partition int) (first, end int64, err error) {
	answer, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)}},
	})
	if err != nil {
		return 0, 0, fmt.Errorf("cannot find the end of topic %s: %w", topic, err)
	}
	for _, p := range answer.Topics[topic] {
		if p.Partition != partition {
			continue
		}
		if p.Error != nil {
			return 0, 0, fmt.Errorf("cannot find the end of topic %s: %w", topic, p.Error)
		}
		return p.FirstOffset, p.LastOffset, nil
	}
	return 0, 0, fmt.Errorf("cannot find the end of topic %s: the broker did not say", topic)
}
