package main_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sekisho/sinks/clickhouse"
	"sekisho/stream"
)

// What stays of a model test that failed.

// keptDir makes a data directory that stays when the test fails.
func keptDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "sekisho-model-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the data, the logs and what was found out are kept in %s", dir)
			return
		}
		_ = os.RemoveAll(dir)
	})
	return dir
}

// keepEvidence puts beside the data, when the test failed and while `sekisho up`
// still runs, what tells whether something is slow, stuck or lost.
func (m *model) keepEvidence(t *testing.T) {
	if !t.Failed() {
		return
	}
	keep := func(name, text string) {
		if err := os.WriteFile(filepath.Join(m.u.Dir, "evidence-"+name), []byte(text), 0o600); err != nil {
			t.Log(err)
		}
	}
	keep("up.log", m.u.out.String())
	m.mu.Lock()
	for i, log := range m.logs {
		keep(fmt.Sprintf("process-%03d.log", i), log.String())
	}
	var open strings.Builder
	for pseudonym, fact := range m.resets {
		if fact.erased.IsZero() {
			fmt.Fprintln(&open, pseudonym, fact.ticket)
		}
	}
	m.mu.Unlock()
	keep("not-erased.txt", open.String())
	keep("metrics.txt", look(m.u.Admin+"/metrics"))
	for name, query := range map[string]string{
		"processes.txt": "SELECT query_id, query_kind, elapsed, is_cancelled, read_rows, query FROM system.processes",
		"mutations.txt": "SELECT table, command, create_time, is_done, parts_to_do, latest_fail_reason FROM system.mutations ORDER BY create_time DESC LIMIT 20",
	} {
		keep(name, look(m.u.ClickHouseHTTP+"/?query="+url.QueryEscape(query+" FORMAT Vertical")))
	}
	keep("groups.txt", m.groups(context.Background()))
	audit := m.command(t, "audit")
	audit.Stdout, audit.Stderr = nil, nil
	said, err := audit.CombinedOutput()
	keep("audit.txt", fmt.Sprintf("%s\n%v\n", said, err))
}

// look fetches a page, or tells why it cannot.
func look(address string) string {
	client := http.Client{Timeout: waitTime}
	answer, err := client.Get(address)
	if err != nil {
		return err.Error()
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return fmt.Sprintln(string(text), err)
}

// groups tells how far the sink's and the eraser's groups are, and how far they
// could be.
func (m *model) groups(ctx context.Context) string {
	c := stream.DefaultConfig()
	c.Brokers = []string{m.u.Kafka}
	cluster, err := stream.Connect(c)
	if err != nil {
		return err.Error()
	}
	defer cluster.Close()
	store := clickhouse.DefaultConfig()
	var told strings.Builder
	for group, topic := range map[string]string{store.Group: c.Topics.Events, store.Erasure.Group: c.Topics.Resets} {
		spans, err := cluster.Spans(ctx, topic)
		if err != nil {
			fmt.Fprintln(&told, topic, err)
			continue
		}
		commits, err := cluster.Commits(ctx, group, topic, len(spans))
		for _, s := range spans {
			fmt.Fprintln(&told, group, topic, s.Partition, "from", s.From, "committed", commits[s.Partition].Offset, "end", s.To, err)
		}
	}
	return told.String()
}
