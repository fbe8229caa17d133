package stream

import (
	"context"
	"strings"
	"testing"
	"time"
)

// TestTopicsAreCreatedOnce, as they must be, and found so.
func TestTopicsAreCreatedOnce(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	c.Partitions = 3
	cluster := open(t, c)
	check := func(what string, do func(context.Context) (int, error)) {
		t.Helper()
		if partitions, err := do(t.Context()); err != nil || partitions != 3 {
			t.Errorf("%s: %d partitions, %v", what, partitions, err)
		}
	}
	check("again", cluster.EnsureTopics)
	check("verify", cluster.VerifyTopics)
	if policy, err := b.TopicConfig(c.Topics.Resets, "cleanup.policy"); policy != "compact" || err != nil {
		t.Errorf("the resets topic has cleanup.policy %s, %v", policy, err)
	}
}

// TestWrongTopicsAreRefused with what is wrong.
func TestWrongTopicsAreRefused(t *testing.T) {
	t.Parallel()
	check := func(want string, partitions int, events, resets map[string]string) {
		t.Helper()
		b := startBroker(t)
		c := testConfig(b)
		for topic, configs := range map[string]map[string]string{c.Topics.Events: events, c.Topics.Resets: resets} {
			n := 2
			if topic == c.Topics.Resets {
				n = partitions
			}
			if configs == nil {
				continue
			}
			if err := b.CreateTopic(topic, n, configs); err != nil {
				t.Fatal(err)
			}
		}
		cluster, err := Connect(c)
		if err != nil {
			t.Fatal(err)
		}
		defer cluster.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		do := cluster.EnsureTopics
		if resets == nil {
			do = cluster.VerifyTopics
		}
		if _, err = do(ctx); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	del, compact := map[string]string{"cleanup.policy": "delete"}, map[string]string{"cleanup.policy": "compact"}
	check("sekisho.resets has cleanup.policy delete", 1, del, del)
	check("sekisho.resets has cleanup.policy", 1, del, map[string]string{"cleanup.policy": "compact,delete"})
	check("sekisho.events has cleanup.policy compact", 1, compact, compact)
	check("sekisho.resets has 3 partitions", 3, del, compact)
	check("max.message.bytes 1000", 1, map[string]string{"max.message.bytes": "1000"}, compact)
	check("sekisho.resets does not exist", 1, del, nil)
}

// TestUnreachableBroker: Wait reports failures and ends with its context.
func TestUnreachableBroker(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	c := testConfig(b)
	b.stop()
	cluster, err := Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	reported := 0
	err = cluster.Wait(ctx, func(error, time.Duration) {
		if reported++; reported == 3 {
			cancel()
		}
	})
	if err == nil || !strings.Contains(err.Error(), "cannot reach Kafka") || reported < 3 {
		t.Errorf("%v after %d reports", err, reported)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	b.start(t)
	if err := cluster.Wait(ctx, func(error, time.Duration) {}); err != nil {
		t.Error(err)
	}
}

// TestBrokerGoneWhileTopicsAreVerified is waited for, as it is before; what the
// topics themselves lack is not. (Roles that were started while Kafka was being
// restarted ended with code 1.)
func TestBrokerGoneWhileTopicsAreVerified(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	b.stop()
	failures := 0
	back := func(err error, _ time.Duration) {
		if failures++; failures == 2 {
			b.start(t)
		}
	}
	if partitions, err := cluster.AwaitTopics(t.Context(), back); err != nil || partitions == 0 || failures < 2 {
		t.Errorf("%d partitions after %d failures: %v", partitions, failures, err)
	}
	b.stop()
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := cluster.AwaitTopics(ctx, func(error, time.Duration) { cancel() }); err == nil {
		t.Error("it is stopped while Kafka is away, and says that all is well")
	}
	b.start(t)
	other := testConfig(b)
	other.Topics.Events = "none"
	missing, err := Connect(other)
	if err != nil {
		t.Fatal(err)
	}
	defer missing.Close()
	_, err = missing.AwaitTopics(t.Context(), func(err error, _ time.Duration) {
		if strings.Contains(err.Error(), "does not exist") {
			t.Errorf("it waits for somebody to create a topic: %v", err)
		}
	})
	if err == nil || !strings.Contains(err.Error(), "none does not exist") {
		t.Errorf("a topic that is not there: %v", err)
	}
}
