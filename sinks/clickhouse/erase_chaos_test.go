package clickhouse

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/google/uuid"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/clickhouse/embedded"
	"sekisho/stream"
)

// eraserCommand makes the test binary an eraser that is there to be killed.
const eraserCommand = "eraser"

// eraserProcess is what it does: arguments are those of sinkProcess and the
// consumer group.
func eraserProcess(args []string) int {
	kafka := stream.DefaultConfig()
	kafka.Brokers, kafka.Topics.Events, kafka.Topics.Resets, kafka.Topics.Progress = args[:1], args[1], args[1]+".resets", args[1]+".progress"
	c := DefaultConfig()
	c.Addresses, c.Database = args[2:3], args[3]
	c.Erasure.Group, c.Erasure.MaxWait, c.Erasure.MaxResets = args[4], 20*time.Millisecond, 50
	cluster, err := stream.Connect(kafka)
	if err == nil {
		var s *Store
		if s, err = Connect(c); err == nil {
			ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
			defer stop()
			p, _ := policy.Parse(policy.Example)
			gate := followed(context.Background(), cluster, enforcer.Compile(p))
			err = NewEraser(s, cluster, EraserOptions{Gate: gate, Log: slog.New(slog.NewTextHandler(os.Stderr, nil)), Metrics: metrics.NewSet()}).Run(ctx)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// An eraser that is killed (-9) at any moment is taken over by another, which
// erases what is left; no anonymised row is lost or there twice, and each erased
// row is counted once.
func TestEraserKilled(t *testing.T) {
	t.Parallel()
	s, cluster := erasable(t), topicOf(t, 1)
	var visitors []string
	for range 60 {
		visitors = append(visitors, canary())
	}
	stays := canary()
	storeUnder(t, newSink(t, s, cluster), 20, append(visitors, stays)...)
	end := reset(t, cluster, visitors...)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := cluster.Config()
	for range 2 {
		cmd := exec.Command(self, eraserCommand, c.Brokers[0], c.Topics.Events, s.config.Addresses[0], s.config.Database, s.config.Erasure.Group)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the eraser is at work", func() bool {
			return ask(t, s, "SELECT count() FROM "+s.Table("erasing")) > 0 || ask(t, s, "SELECT countIf(visitor_id = '') FROM "+s.Table("events")) == 1200
		})
		time.Sleep(rand.N(80 * time.Millisecond)) // the moment, not a wait
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}
	startEraser(t, s, cluster, newGate(t, cluster))
	awaitErased(t, cluster, end)
	wantNone(t, s, visitors...)
	wantRows(t, s, 61*20)
	if n := ask(t, s, "SELECT sum(count) FROM "+s.Table("decisions")+" WHERE reason = 'erased'"); n != 1200 {
		t.Errorf("%d erased rows are accounted for, want 1200", n)
	}
	for _, pseudonym := range visitors[:5] {
		if found := onDisk(t, pseudonym); len(found) > 0 {
			t.Errorf("a pseudonym is still in %v", found)
		}
	}
}

// ClickHouse is killed (-9) while it carries out the mutation, and started
// again.
func TestClickHouseKilledWhileErasing(t *testing.T) {
	t.Parallel()
	own, err := embedded.Start(t.Context(), embedded.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = own.Stop(context.Background()) }()
	c := DefaultConfig()
	c.Addresses = []string{own.NativeAddr()}
	c.Erasure.Group, c.Erasure.MaxWait = fmt.Sprintf("killed_%d", names.Add(1)), 20*time.Millisecond
	s, err := Connect(c)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context(), RetentionOf(examplePolicy(t))); err != nil {
		t.Fatal(err)
	}
	if err := s.conn.Exec(t.Context(), "ALTER TABLE "+s.Table("events")+" MODIFY SETTING old_parts_lifetime = 1"); err != nil {
		t.Fatal(err)
	}
	cluster := topicOf(t, 1)
	var visitors []string
	for range 100 {
		visitors = append(visitors, canary())
	}
	storeUnder(t, newSink(t, s, cluster), 100, visitors...)
	e, _ := startEraser(t, s, cluster, newGate(t, cluster))
	end := reset(t, cluster, visitors[:50]...)
	for i := range 3 {
		at := uint64(i) // mutations begun
		eventually(t, "a mutation", func() bool { return e.metrics.mutations.Get() > at || e.metrics.batches.Get() > 0 })
		time.Sleep(rand.N(60 * time.Millisecond)) // the moment, not a wait
		if err := syscall.Kill(own.Pid(), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "ClickHouse is back", func() bool { return own.Restarts() > int64(i) && s.Ping(t.Context()) == nil })
		if e.metrics.batches.Get() > 0 {
			break
		}
		if i < 2 {
			end = reset(t, cluster, visitors[50+i*10:60+i*10]...)
		}
		if e.metrics.mutations.Get() == at+1 {
			break // it goes on with the mutation that it has
		}
	}
	awaitErased(t, cluster, end)
	wantNone(t, s, visitors[:50]...)
	wantRows(t, s, 10_000)
}

// TestEraseWhileStoring interleaves events, copies of them, and resets, on the
// real sink and eraser, with inserts cut and members replaced in between. In the
// end no row bears what was reset, and every event is stored once, as it is or
// anonymised, or was counted as withheld.
func TestEraseWhileStoring(t *testing.T) {
	t.Parallel()
	for _, action := range []policy.Action{policy.Drop, policy.Anonymise} {
		t.Run(action.String(), func(t *testing.T) {
			t.Parallel()
			s, cluster := erasable(t), topicOf(t, 2)
			s.config.Group, s.config.Batch.MaxWait = s.config.Database, 20*time.Millisecond
			gate := newGate(t, cluster, func(p *policy.Policy) { p.Reset, p.Erasure = action, action })
			sink := NewSink(s, cluster, SinkOptions{Gate: gate, Log: slog.New(slog.DiscardHandler)})
			stopSink := start(t, sink)
			e, stopEraser := startEraser(t, s, cluster, gate)
			producer := stream.NewProducer(cluster, 2, stream.ProducerOptions{Log: slog.New(slog.DiscardHandler)})
			defer producer.Close()

			seed := rand.Uint64()
			t.Logf("seed %d", seed)
			random := rand.New(rand.NewPCG(seed, 0))
			type sent struct {
				visitor string
				id      uuid.UUID
			}
			var visitors, gone []string
			var all []sent
			end, events := int64(0), 0
			isGone := map[string]bool{}
			for range 30 {
				visitors = append(visitors, canary())
			}
			for step := range 150 {
				var messages []stream.Message
				put := func(v string, id uuid.UUID) {
					messages = append(messages, stream.Message{Key: []byte(v), Value: under(v, id).AppendJSON(nil), Time: when})
				}
				for range 1 + random.IntN(20) {
					v := visitors[random.IntN(len(visitors))]
					if !isGone[v] { // else a collector would not let it through
						id := uuid.Must(uuid.NewV7())
						all = append(all, sent{v, id})
						put(v, id)
						events++
					}
				}
				for range random.IntN(4) { // a copy, late or not
					if len(all) > 0 {
						again := all[random.IntN(len(all))]
						put(again.visitor, again.id)
					}
				}
				if len(messages) > 0 {
					if err := producer.Write(t.Context(), messages); err != nil {
						t.Fatal(err)
					}
				}
				switch {
				case step%15 == 7:
					v := visitors[random.IntN(len(visitors))]
					end = reset(t, cluster, v)
					isGone[v] = true
					gone = append(gone, v)
				case step == 50:
					stopEraser()
					e, stopEraser = startEraser(t, s, cluster, gate)
				case step == 100:
					stopSink()
					sink = NewSink(s, cluster, SinkOptions{Gate: gate, Log: slog.New(slog.DiscardHandler)})
					stopSink = start(t, sink)
				}
				time.Sleep(time.Duration(random.IntN(30)) * time.Millisecond)
			}
			awaitErased(t, cluster, end)
			eventually(t, "all is stored", func() bool { return sink.consumer.Assigned() == 2 && sink.consumer.Lag() == 0 })
			// What is stored after a last message is all that there was.
			for p := range 2 {
				_, err := cluster.Append(t.Context(), cluster.Config().Topics.Events, p, []stream.Entry{{Time: when, Value: under("k1.last", uuid.Must(uuid.NewV7())).AppendJSON(nil), Headers: header(schemas.KindEvent)}})
				if err != nil {
					t.Fatal(err)
				}
			}
			eventually(t, "the last is stored", func() bool {
				return ask(t, s, "SELECT count() FROM "+s.Table("events")+" WHERE visitor_id = 'k1.last'") == 2
			})
			wantNone(t, s, gone...)
			rows := int(ask(t, s, "SELECT uniqExact(id) FROM "+s.Table("events"))) - 2
			if n := int(ask(t, s, "SELECT count() FROM "+s.Table("events"))) - 2; n != rows {
				t.Errorf("%d rows of %d events", n, rows)
			}
			stay := 0
			for _, event := range all {
				if !isGone[event.visitor] {
					stay++
				}
			}
			switch {
			case action == policy.Anonymise && rows != events:
				t.Errorf("%d rows, want one for each of %d events", rows, events)
			case action == policy.Drop && rows != stay:
				t.Errorf("%d rows, want one for each of %d events of those who stay", rows, stay)
			}
			t.Logf("%d events, %d of reset visitors; %d batches, %d mutations; %d withheld, %d runs begun again",
				events, events-stay, e.metrics.batches.Get(), e.metrics.mutations.Get(), sink.metrics.withheld.Get()+sink.metrics.anonymised.Get(), sink.metrics.disturbed.Get())
		})
	}
}
