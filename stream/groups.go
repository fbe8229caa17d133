package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// Commit is how far a consumer group has come with a partition, and a note that
// was left with it.
type Commit struct {
	Offset int64
	Note   string // at most 4 KiB
}

// Commits returns how far the group has come with the topic's partitions; those
// with which it has not begun are missing.
func (c *Cluster) Commits(ctx context.Context, group, topic string, partitions int) (map[int]Commit, error) {
	all := make([]int, partitions)
	for i := range all {
		all[i] = i
	}
	commits := map[int]Commit{}
	err := c.coordinate(ctx, func(ctx context.Context) error {
		clear(commits)
		answer, err := c.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: all}})
		if err == nil {
			err = answer.Error
		}
		if err != nil {
			return err
		}
		for _, p := range answer.Topics[topic] {
			if p.Error != nil {
				return p.Error
			}
			if p.CommittedOffset >= 0 {
				commits[p.Partition] = Commit{Offset: p.CommittedOffset, Note: p.Metadata}
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, kafka.GroupIdNotFound) {
		return nil, fmt.Errorf("cannot read how far group %s is: %w", group, err)
	}
	return commits, nil
}

// coordinate asks a group's coordinator, again while there is none yet or it has
// moved, until kafka.timeout.
func (c *Cluster) coordinate(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := ask(ctx)
		switch {
		case errors.Is(err, kafka.GroupCoordinatorNotAvailable), errors.Is(err, kafka.NotCoordinatorForGroup), errors.Is(err, kafka.GroupLoadInProgress):
		default:
			return err
		}
		if pause(ctx, wait); ctx.Err() != nil {
			return err
		}
	}
}

// Members returns how many members the group has. One that was killed is a member
// for up to [MemberLife].
func (c *Cluster) Members(ctx context.Context, group string) (n int, err error) {
	err = c.coordinate(ctx, func(ctx context.Context) error {
		answer, err := c.client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{group}})
		if err != nil {
			return err
		}
		n = 0
		for _, g := range answer.Groups {
			if g.Error != nil {
				return g.Error
			}
			n += len(g.Members)
		}
		return nil
	})
	if err != nil && !errors.Is(err, kafka.GroupIdNotFound) {
		return 0, fmt.Errorf("cannot find who is in group %s: %w", group, err)
	}
	return n, nil
}

// SetCommits sets how far a group has come. The group must have no [Cluster.Members].
func (c *Cluster) SetCommits(ctx context.Context, group, topic string, commits map[int]Commit) error {
	return c.commit(ctx, &kafka.OffsetCommitRequest{GroupID: group, GenerationID: -1}, topic, commits)
}

// commit sets how far a group has come, for who the request says.
func (c *Cluster) commit(ctx context.Context, by *kafka.OffsetCommitRequest, topic string, commits map[int]Commit) error {
	var list []kafka.OffsetCommit
	for id, commit := range commits {
		list = append(list, kafka.OffsetCommit{Partition: id, Offset: commit.Offset, Metadata: commit.Note})
	}
	err := c.coordinate(ctx, func(ctx context.Context) error {
		by.Topics = map[string][]kafka.OffsetCommit{topic: list}
		answer, err := c.client.OffsetCommit(ctx, by)
		if err != nil {
			return err
		}
		for _, p := range answer.Topics[topic] {
			if p.Error != nil {
				return p.Error
			}
		}
		return nil
	})
	if errors.Is(err, kafka.OffsetMetadataTooLarge) {
		err = fmt.Errorf("%w: the brokers do not take notes of 4 KiB; set their offset.metadata.max.bytes to 4096, as it is by default", err)
	}
	if err != nil {
		return fmt.Errorf("cannot set how far group %s is: %w", by.GroupID, err)
	}
	return nil
}

// OffsetsAt returns, for each partition, the offset of the first message whose
// time is not before t, or the partition's end when there is none. A message's
// time is its event's, so later ones may be of an earlier time.
func (c *Cluster) OffsetsAt(ctx context.Context, topic string, partitions int, t time.Time) ([]int64, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	offsets := make([]int64, partitions)
	for id := range offsets {
		answer, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
			Topics: map[string][]kafka.OffsetRequest{topic: {kafka.TimeOffsetOf(id, t)}},
		})
		if err != nil {
			return nil, fmt.Errorf("cannot find where topic %s is at a time: %w", topic, err)
		}
		offsets[id] = -1
		for _, p := range answer.Topics[topic] {
			if p.Error != nil {
				return nil, fmt.Errorf("cannot find where topic %s is at a time: %w", topic, p.Error)
			}
			for offset := range p.Offsets {
				offsets[id] = offset
			}
		}
		if offsets[id] < 0 {
			if _, offsets[id], err = c.bounds(ctx, topic, id); err != nil {
				return nil, err
			}
		}
	}
	return offsets, nil
}
