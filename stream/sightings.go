package stream

import (
	"time"

	"github.com/segmentio/kafka-go"
)

// Sightings know since when messages are there for certain, of a partition that is read
// in order: since they were seen to be. Their own times are of others' clocks. A backlog
// is seen at once. The zero Sightings have seen nothing.
type Sightings struct {
	end int64 // offset
	at  time.Time
}

// Since returns when all messages of a run were there for certain.
func (s *Sightings) Since(run []kafka.Message) time.Time {
	last := &run[len(run)-1]
	end := max(last.HighWaterMark, last.Offset+1)
	if last.Offset >= s.end || end < s.end { // the second: the topic was made anew
		s.end, s.at = end, time.Now()
	}
	return s.at
}
