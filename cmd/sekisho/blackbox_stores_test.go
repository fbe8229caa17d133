package main_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/segmentio/kafka-go"
)

// What a running `sekisho up` has in ClickHouse, Kafka and its metrics.

// clickHouse returns a connection to its ClickHouse, natively.
func (u *running) clickHouse(t *testing.T) driver.Conn {
	t.Helper()
	if u.store == nil {
		store, err := clickhouse.Open(&clickhouse.Options{
			Addr: []string{u.ClickHouseNative},
			Auth: clickhouse.Auth{Database: "sekisho"},
		})
		if err != nil {
			t.Fatal(err)
		}
		u.store = store
	}
	return u.store
}

// rows reads the rows of a query into structs by their ch tags.
func rows[T any](t *testing.T, u *running, query string, arguments ...any) (all []T) {
	t.Helper()
	u.ask(t, query, func(ctx context.Context, store driver.Conn) error {
		all = nil
		return store.Select(ctx, &all, query, arguments...)
	})
	return all
}

// count reads the one number of a query.
func count(t *testing.T, u *running, query string, arguments ...any) (n uint64) {
	t.Helper()
	u.ask(t, query, func(ctx context.Context, store driver.Conn) error {
		return store.QueryRow(ctx, query, arguments...).Scan(&n)
	})
	return n
}

// ask asks ClickHouse, again while it does not answer: the embedded one ends, and is
// started again, also when a client hangs up on it at a bad moment, as one does that was
// killed or waited in vain.
func (u *running) ask(t *testing.T, query string, ask func(context.Context, driver.Conn) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTime)
	defer cancel()
	for {
		err := ask(ctx, u.clickHouse(t))
		if err == nil {
			return
		}
		if errors.As(err, new(*clickhouse.Exception)) || ctx.Err() != nil {
			t.Fatalf("cannot query: %v\n%s", err, query)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// messages reads all of a topic's partitions from the beginning.
func (u *running) messages(t *testing.T, topic string) (all []kafka.Message) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), waitTime)
	defer cancel()
	conn, err := kafka.DialContext(ctx, "tcp", u.Kafka)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	partitions, err := conn.ReadPartitions(topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range partitions {
		all = append(all, u.partition(ctx, t, topic, p.ID)...)
	}
	return all
}

func (u *running) partition(ctx context.Context, t *testing.T, topic string, id int) (all []kafka.Message) {
	t.Helper()
	leader, err := kafka.DialLeader(ctx, "tcp", u.Kafka, topic, id)
	if err != nil {
		t.Fatal(err)
	}
	defer leader.Close()
	first, end, err := leader.ReadOffsets()
	if err != nil {
		t.Fatal(err)
	}
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{u.Kafka}, Topic: topic, Partition: id, MaxWait: 50 * time.Millisecond,
	})
	defer reader.Close()
	if err := reader.SetOffset(first); err != nil {
		t.Fatal(err)
	}
	for next := first; next < end; {
		m, err := reader.ReadMessage(ctx)
		if err != nil {
			t.Fatalf("cannot read %s/%d at %d of %d: %v", topic, id, next, end, err)
		}
		all = append(all, m)
		next = m.Offset + 1
	}
	return all
}

// wantNowhere fails the test when one of the texts is in Kafka, in the metrics
// or in what the process printed.
func (u *running) wantNowhere(t *testing.T, texts ...string) {
	t.Helper()
	places := map[string]string{"output": u.out.String(), "metrics": fetch(t, u.Admin+"/metrics")}
	for _, topic := range []string{"sekisho.events", "sekisho.resets"} {
		var all strings.Builder
		for _, m := range u.messages(t, topic) {
			fmt.Fprintf(&all, "%s %s", m.Key, m.Value)
			for _, h := range m.Headers {
				fmt.Fprintf(&all, " %s: %s", h.Key, h.Value)
			}
			all.WriteByte('\n')
		}
		places["topic "+topic] = all.String()
	}
	for place, content := range places {
		for _, text := range texts {
			if text == "" {
				t.Error("asked to look for nothing")
			} else if strings.Contains(content, text) {
				t.Errorf("%q is in the %s", text, place)
			}
		}
	}
}

func fetch(t *testing.T, address string) string {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, answer.Status, err)
	}
	return string(body)
}
