package main_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
)

// What operators do meanwhile.

// replayPast rebuilds tables, with one process or two at once, kills them, and
// goes on or begins anew.
func (m *model) replayPast(ctx context.Context, t *testing.T, random *rand.Rand) {
	mourned := map[string]bool{} // tables into which somebody replayed who was killed
	for n := 0; pause(ctx, random, 4*time.Second); n++ {
		table := fmt.Sprintf("again_%d_%d", m.seed%1000, n%4)
		begun := time.Now()
		m.mu.Lock()
		delete(m.tables, table) // until it is complete
		m.mu.Unlock()
		if !m.awaitSpool(ctx, random) {
			return
		}
		// An end beyond the topic's makes each another replay.
		arguments := []string{"replay", "--into=table:" + table, fmt.Sprintf("--to=%d", 1_000_000_000+n)}
		for again, anew := false, false; ctx.Err() == nil; again = anew || random.IntN(3) == 0 {
			var replays []*exec.Cmd
			for range 1 + random.IntN(2) {
				replay := m.command(t, append(arguments, fmt.Sprintf("--rate=%d", 500+random.IntN(20000)), fmt.Sprintf("--again=%v", again))...)
				if err := replay.Start(); err != nil {
					t.Error(err)
					return
				}
				replays = append(replays, replay)
			}
			complete := false
			anew = false
			for i, err := range m.endure(ctx, random, replays) {
				said := fmt.Sprint(replays[i].Stderr)
				switch {
				case ctx.Err() != nil:
					return
				case err == nil, strings.Contains(said, "is complete already"):
					complete = true
				case err == errKilled:
					mourned[table] = true
				// On a busy machine Kafka may be late to miss the killed.
				case (again || mourned[table]) && strings.Contains(said, "another process replays into it"):
				// One that was killed had come to nothing but what is reset and accounts.
				case strings.Contains(said, "or nothing was selected so far") && m.count(t, "SELECT count() FROM "+table) == 0:
					anew = true
				default:
					t.Errorf("a replay ended with %v:\n%s", err, said)
					return
				}
			}
			if complete {
				m.mu.Lock()
				m.tables[table] = begun
				m.mu.Unlock()
				break
			}
		}
	}
}

// awaitSpool waits until what was acknowledged is in Kafka: on a slow machine it is in
// the collector's spool first. It returns false when ctx ended.
func (m *model) awaitSpool(ctx context.Context, random *rand.Rand) bool {
	for !strings.Contains(look(m.u.Admin+"/metrics"), "\nsekisho_spool_records 0\n") {
		if !pause(ctx, random, 100*time.Millisecond) {
			return false
		}
	}
	return ctx.Err() == nil
}

var errKilled = errors.New("killed")

// endure waits for commands to end, of which it may kill some, and returns how each
// ended.
func (m *model) endure(ctx context.Context, random *rand.Rand, commands []*exec.Cmd) []error {
	var all sync.WaitGroup
	ended := make([]error, len(commands))
	dies := make([]time.Duration, len(commands))
	for i := range dies {
		if random.IntN(2) == 0 {
			dies[i] = time.Duration(random.Int64N(int64(3 * time.Second)))
		}
	}
	for i, c := range commands {
		all.Go(func() {
			defer context.AfterFunc(ctx, func() { _ = c.Process.Kill() })()
			if dies[i] > 0 {
				defer time.AfterFunc(dies[i], func() { _ = c.Process.Kill() }).Stop()
			}
			if ended[i] = c.Wait(); ended[i] != nil && c.ProcessState.ExitCode() < 0 {
				ended[i] = errKilled
			}
		})
	}
	all.Wait()
	return ended
}

// redrivePast makes dead letters of records that are on the topic, and drives them
// again with one process or two at once, which it may kill: nothing is stored twice
// by that, and nothing of who reset comes back.
func (m *model) redrivePast(ctx context.Context, t *testing.T, random *rand.Rand) {
	cluster, err := m.connect()
	if err != nil {
		t.Error(err)
		return
	}
	defer cluster.Close()
	letters := stream.NewDeadLetters(cluster, nil)
	for pause(ctx, random, 4*time.Second) {
		var dead []schemas.DeadLetter
		m.someMessages(ctx, cluster, random, func(m *kafka.Message) {
			var r schemas.Record
			if new(schemas.RecordDecoder).Decode(m.Value, &r) == nil && r.Grant(policy.Store) != nil {
				l := schemas.DeadLetter{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Recipient: policy.Store, Reason: schemas.DeadRefused, Value: m.Value}
				l.Describe(&r)
				dead = append(dead, l)
			}
		})
		if letters.Append(ctx, dead...) != nil {
			continue
		}
		var drives []*exec.Cmd
		for range 1 + random.IntN(2) {
			drive := m.command(t, "dlq", "redrive", "--all")
			if err := drive.Start(); err != nil {
				t.Error(err)
				return
			}
			drives = append(drives, drive)
		}
		for i, err := range m.endure(ctx, random, drives) {
			if err != nil && err != errKilled && ctx.Err() == nil {
				t.Errorf("driving dead letters ended with %v:\n%s", err, drives[i].Stderr)
				return
			}
		}
	}
}

// settleLetters wants all dead letters to be settled once they are driven in peace.
func (m *model) settleLetters(t *testing.T) {
	for _, arguments := range [][]string{{"dlq", "redrive", "--all"}, {"dlq", "list"}} {
		command := m.command(t, arguments...)
		said, err := command.Output()
		if err != nil {
			t.Errorf("%v ended with %v:\n%s", arguments, err, command.Stderr)
		} else if arguments[1] == "list" && !strings.Contains(string(said), "no dead letters") {
			m.violated("dead letters are left: %s", said)
		}
	}
}
