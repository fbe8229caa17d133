package stream

import (
	"context"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
)

// Note is what a member of a group leaves with its commits of a partition, for
// whoever has the partition next: what the offset alone does not say. Kafka keeps it
// as long as the offset, which is as long as the group has members, and
// offsets.retention.minutes after that; and takes it from none but whose partition it
// is. Safe for concurrent use.
type Note struct {
	cluster   *Cluster
	group     *kafka.Generation
	topic     string
	partition int
	end       int64 // from here on nothing is handed out to the group

	mu     sync.Mutex
	offset int64 // that is committed, or could be
	text   string
	// The next commit, unless it is of more than to, is of from.
	from, to int64
}

type noteKey struct{}

// NoteOf returns the note of the assignment that a [Handler] was called for with ctx:
// the same for all its runs. It is nil where nothing is committed.
func NoteOf(ctx context.Context) *Note {
	n, _ := ctx.Value(noteKey{}).(*Note)
	return n
}

// Left returns the note that whoever had the partition before has left, and goes on
// with it. It is called before anything is committed, or that is gone.
func (n *Note) Left(ctx context.Context) (string, error) {
	commits, err := n.cluster.Commits(ctx, n.group.GroupID, n.topic, n.partition+1)
	if err != nil {
		return "", err
	}
	text := commits[n.partition].Note
	n.Set(text)
	return text, nil
}

// Set has the next commit bear a text, of at most 4 KiB, and those after it.
func (n *Note) Set(text string) { n.SetFrom(text, 0, 0) }

// SetFrom is Set for a text that begins with a message that has been handled, at from,
// and speaks of messages up to to: unless these have been handled, too, the next commit
// is of from, so that whoever has the partition next is given that message, once more.
// Not where nothing more is handed out: that message would be left for ever.
func (n *Note) SetFrom(text string, from, to int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text, n.from, n.to = text, from, to
}

// Keep is Set, and commits at once what has been handled, nothing new, with the text.
func (n *Note) Keep(ctx context.Context, text string) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.text, n.to = text, 0
	return n.send(ctx)
}

// at notes what has been handled.
func (n *Note) at(offset int64) {
	if n == nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.offset = offset
}

// commit commits an offset.
func (n *Note) commit(offset int64) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.offset = offset; offset <= n.to && offset < n.end {
		n.offset = n.from
	}
	n.to = 0
	if n.text == "" {
		return n.group.CommitOffsets(map[string]map[int]int64{n.topic: {n.partition: offset}})
	}
	return n.send(context.Background())
}

// commitTimeout is how long a commit may take.
const commitTimeout = 5 * time.Second

// send commits. It is not broken off when ctx ends: it could land behind a later one.
func (n *Note) send(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	by := &kafka.OffsetCommitRequest{GroupID: n.group.GroupID, GenerationID: int(n.group.ID), MemberID: n.group.MemberID}
	return n.cluster.commit(ctx, by, n.topic, map[int]Commit{n.partition: {Offset: n.offset, Note: n.text}})
}
