package stream

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// topicSpec is a topic as Sekisho needs it.
type topicSpec struct {
	name       string
	partitions int
	settings   []kafka.ConfigEntry
}

// progressKept is for how long a ticket can be asked about.
const progressKept = 90 * 24 * time.Hour

func (c *Config) topicSpecs() []topicSpec {
	kept := kafka.ConfigEntry{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(c.Retention.Milliseconds(), 10)}
	// Apache Kafka keeps what is only compacted whatever its age; the embedded
	// one has to be told.
	forever := kafka.ConfigEntry{ConfigName: "retention.ms", ConfigValue: "-1"}
	cleanup := func(policy string) kafka.ConfigEntry {
		return kafka.ConfigEntry{ConfigName: "cleanup.policy", ConfigValue: policy}
	}
	return []topicSpec{
		{c.Topics.Events, c.Partitions, []kafka.ConfigEntry{cleanup("delete"), kept}},
		// One partition: a registry is caught up when it has read one offset.
		{c.Topics.Resets, 1, []kafka.ConfigEntry{cleanup("compact"), forever}},
		{c.Topics.Consents, c.Partitions, []kafka.ConfigEntry{cleanup("compact"), forever}},
		{c.Topics.Progress, 1, []kafka.ConfigEntry{
			cleanup("compact,delete"),
			{ConfigName: "retention.ms", ConfigValue: strconv.FormatInt(progressKept.Milliseconds(), 10)},
		}},
		{c.Topics.DeadLetters, 1, []kafka.ConfigEntry{cleanup("delete"), kept}},
	}
}

// EnsureTopics creates the topics that are missing and verifies all, as
// VerifyTopics does. It returns the number of partitions of the events topic.
func (c *Cluster) EnsureTopics(ctx context.Context) (partitions int, err error) {
	specs := c.config.topicSpecs()
	if err := c.createTopics(ctx, specs); err != nil {
		return 0, err
	}
	// A topic's leaders are elected a moment after it was created.
	for {
		partitions, err = c.VerifyTopics(ctx)
		var pending *pendingError
		if !errors.As(err, &pending) || ctx.Err() != nil {
			return partitions, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// EnsureCopy creates a topic like the events topic under another name, unless it
// is there, and returns the number of its partitions, which is that of the events
// topic.
func (c *Cluster) EnsureCopy(ctx context.Context, name string) (partitions int, err error) {
	specs := c.config.topicSpecs()
	for _, s := range specs {
		if s.name == name {
			return 0, fmt.Errorf("topic %s is one that Sekisho works with; name another", name)
		}
	}
	events, err := c.Spans(ctx, c.config.Topics.Events)
	if err != nil {
		return 0, err
	}
	copied := specs[0]
	copied.name, copied.partitions = name, len(events)
	if err := c.createTopics(ctx, []topicSpec{copied}); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	for {
		there, err := c.Spans(ctx, name)
		switch {
		case err == nil && len(there) != len(events):
			return 0, fmt.Errorf("topic %s has %d partitions, and the events topic %d: name one that has as many, or none that is there", name, len(there), len(events))
		case err == nil:
			return len(there), nil
		case ctx.Err() != nil:
			return 0, err
		}
		pause(ctx, 50*time.Millisecond) // leaders are elected a moment after it was created
	}
}

func (c *Cluster) createTopics(ctx context.Context, specs []topicSpec) error {
	var create []kafka.TopicConfig
	for _, s := range specs {
		create = append(create, kafka.TopicConfig{
			Topic:             s.name,
			NumPartitions:     s.partitions,
			ReplicationFactor: c.config.Replication,
			ConfigEntries:     s.settings,
		})
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	quietly := func(error, time.Duration) {}
	return Retry(ctx, quietly, func() (again bool, err error) {
		answer, err := c.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: create})
		if err != nil {
			return false, fmt.Errorf("cannot create topics: %w", err)
		}
		for topic, err := range answer.Errors {
			if err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
				var problem kafka.Error
				// A broker that has just started may not know the others yet.
				again := errors.As(err, &problem) && (problem.Temporary() || problem == kafka.BrokerNotAvailable)
				return again, fmt.Errorf("cannot create topic %s: %w", topic, err)
			}
		}
		return false, nil
	})
}

// pendingError: the topic is not there, or not whole, yet.
type pendingError struct{ problem string }

func (e *pendingError) Error() string { return e.problem }

// unsureError: what could not be asked, or may be otherwise in a moment.
type unsureError struct{ cause error }

func (e *unsureError) Error() string { return e.cause.Error() }
func (e *unsureError) Unwrap() error { return e.cause }

// AwaitTopics verifies the topics, as VerifyTopics does, and tries again with
// growing pauses while brokers do not answer or elect leaders; report is told of
// each failure. It fails when the topics are not as Sekisho needs them, or when
// ctx ends.
func (c *Cluster) AwaitTopics(ctx context.Context, report func(error, time.Duration)) (partitions int, err error) {
	err = Retry(ctx, report, func() (again bool, err error) {
		partitions, err = c.VerifyTopics(ctx)
		var unsure *unsureError
		return errors.As(err, &unsure), err
	})
	return partitions, err
}

// sure returns an error of the broker as one that stays, unless it may pass.
func sure(format string, name string, err error) error {
	told := fmt.Errorf(format, name, err)
	var problem kafka.Error
	if errors.As(err, &problem) && !problem.Temporary() {
		return told
	}
	return &unsureError{&pendingError{told.Error()}}
}

// VerifyTopics reports what about the topics is not as Sekisho needs it.
func (c *Cluster) VerifyTopics(ctx context.Context) (partitions int, err error) {
	specs := c.config.topicSpecs()
	names := make([]string, len(specs))
	for i := range specs {
		names[i] = specs[i].name
	}
	meta, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: names})
	if err != nil {
		return 0, &unsureError{fmt.Errorf("cannot verify topics: %w", err)}
	}
	found := map[string]kafka.Topic{}
	for _, t := range meta.Topics {
		if errors.Is(t.Error, kafka.UnknownTopicOrPartition) {
			continue
		}
		if t.Error != nil {
			return 0, sure("cannot verify topic %s: %w", t.Name, t.Error)
		}
		found[t.Name] = t
	}
	for _, s := range specs {
		topic, ok := found[s.name]
		if !ok {
			return 0, &pendingError{fmt.Sprintf("topic %s does not exist; create it with `sekisho topics`", s.name)}
		}
		for _, p := range topic.Partitions {
			if p.Leader.Host == "" {
				return 0, &unsureError{&pendingError{fmt.Sprintf("partition %d of topic %s has no leader", p.ID, s.name)}}
			}
		}
	}
	for _, name := range []string{c.config.Topics.Resets, c.config.Topics.Progress, c.config.Topics.DeadLetters} {
		if n := len(found[name].Partitions); n != 1 {
			return 0, fmt.Errorf("topic %s has %d partitions: it must have one, so that who reads it knows when it has all", name, n)
		}
	}
	return len(found[c.config.Topics.Events].Partitions), c.verifySettings(ctx)
}

// minBrokerBatch is the smallest limit of batches (max.message.bytes) with
// which a topic is taken: Kafka's default is a little larger.
const minBrokerBatch = 1 << 20

// verifySettings makes sure that resets are never deleted by age, that no
// visitor's events are taken for older versions of one another, and that every
// batch fits.
func (c *Cluster) verifySettings(ctx context.Context) error {
	topics := c.config.Topics
	request := &kafka.DescribeConfigsRequest{}
	for _, name := range []string{topics.Events, topics.Resets} {
		request.Resources = append(request.Resources, kafka.DescribeConfigRequestResource{
			ResourceType: kafka.ResourceTypeTopic, ResourceName: name, ConfigNames: []string{"cleanup.policy", "max.message.bytes"},
		})
	}
	answer, err := c.client.DescribeConfigs(ctx, request)
	if err != nil {
		return &unsureError{fmt.Errorf("cannot verify topics: %w", err)}
	}
	for _, r := range answer.Resources {
		if r.Error != nil {
			return sure("cannot verify topic %s: %w", r.ResourceName, r.Error)
		}
		for _, e := range r.ConfigEntries {
			largest, err := strconv.Atoi(e.ConfigValue)
			switch {
			case e.ConfigName == "max.message.bytes" && (err != nil || largest < minBrokerBatch):
				return fmt.Errorf("topic %s has max.message.bytes %s: it must be at least %d", r.ResourceName, e.ConfigValue, minBrokerBatch)
			case e.ConfigName == "cleanup.policy" && r.ResourceName == topics.Resets && e.ConfigValue != "compact":
				return fmt.Errorf("topic %s has cleanup.policy %s: it must be compact, or resets would be forgotten", r.ResourceName, e.ConfigValue)
			case e.ConfigName == "cleanup.policy" && r.ResourceName == topics.Events && e.ConfigValue != "delete":
				return fmt.Errorf("topic %s has cleanup.policy %s: it must be delete, or of a visitor only the last event would be kept", r.ResourceName, e.ConfigValue)
			}
		}
	}
	return nil
}
