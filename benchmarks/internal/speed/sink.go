package speed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"sekisho/benchmarks/internal/parts"
)

const sinkOf = "Kafka to ClickHouse, 4 partitions"

// pipeline is a collector and what a sink of it is told: a topic, a group and a
// database of its own.
type pipeline struct {
	collector   *server
	environment []string
	database    string
}

func (s *stage) pipeline(ctx context.Context, name string) (*pipeline, error) {
	if err := s.startClickHouse(ctx); err != nil {
		return nil, err
	}
	dir, err := s.fillRegistry(ctx, usualResets)
	if err != nil {
		return nil, err
	}
	p := &pipeline{environment: []string{"SEKISHO_KAFKA_TOPICS_EVENTS=speed." + name, "SEKISHO_REGISTRY_DIR=" + dir}}
	if err := s.once(ctx, p.environment, "topics"); err != nil {
		return nil, err
	}
	if p, err = s.stored(ctx, p, name); err != nil {
		return nil, err
	}
	p.collector, err = s.collector(ctx, "collector of "+name, usualResets, p.environment)
	return p, err
}

// stored is the pipeline with another group and another database, for a sink to
// which nothing of its topic is stored yet.
func (s *stage) stored(ctx context.Context, p *pipeline, name string) (*pipeline, error) {
	other := &pipeline{collector: p.collector, database: "speed_" + name}
	other.environment = append(append(other.environment, p.environment...),
		"SEKISHO_CLICKHOUSE_GROUP=speed-"+name, "SEKISHO_CLICKHOUSE_ERASURE_GROUP=speed-eraser-"+name, "SEKISHO_CLICKHOUSE_DATABASE="+other.database)
	return other, s.once(ctx, other.environment, "migrate")
}

func (s *stage) sink(ctx context.Context, p *pipeline, name string) (*server, error) {
	return s.role(ctx, "sink of "+name, p.environment, "sink", "clickhouse")
}

// sinkScenario has a topic full of events stored, several times. There are so many
// that it does not matter that the last ones wait for others (batch.max_wait), and
// that ClickHouse has to merge what was merged before.
func sinkScenario(ctx context.Context, s *stage, r *Report) error {
	events, repetitions := uint64(4_000_000), 3
	if s.options.Quick {
		events, repetitions = 1_500_000, 2
	}
	p, err := s.pipeline(ctx, "sink")
	if err != nil {
		return err
	}
	n := uint64(0)
	for n < events {
		l := load{address: p.collector.listen, connections: 16, shape: shape{Events: batchSize}}
		o, err := l.run(ctx, time.Second)
		if err != nil || o.refused > 0 {
			return errors.Join(fmt.Errorf("cannot fill the topic: %d requests were refused", o.refused), err)
		}
		n += o.requests * batchSize
	}
	if err := s.end(p.collector); err != nil {
		return err
	}
	for repetition := range repetitions {
		name := fmt.Sprintf("sink%d", repetition)
		q, err := s.stored(ctx, p, name)
		if err != nil {
			return err
		}
		v, err := s.drain(ctx, q, name, n)
		if err != nil {
			return err
		}
		s.options.say("  %d events at %.0f/s", n, v[eventsPerSecond])
		r.add(sinkOf, "sink", v)
		if repetition == repetitions-1 {
			break
		}
		if err := s.settled(ctx, q.database); err != nil {
			return err
		}
	}
	return nil
}

// settled waits until ClickHouse has merged nothing for a second, so that the next
// measurement has the processors to itself; after two minutes it goes on nevertheless.
func (s *stage) settled(ctx context.Context, database string) error {
	store, err := s.store(database)
	if err != nil {
		return err
	}
	defer store.Close()
	for end, quiet := time.Now().Add(2*time.Minute), time.Now(); time.Since(quiet) < time.Second && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		merges := uint64(0)
		if err := store.Conn().QueryRow(ctx, "SELECT count() FROM system.merges").Scan(&merges); err != nil {
			return fmt.Errorf("cannot tell whether ClickHouse merges: %w", err)
		}
		if merges > 0 {
			quiet = time.Now()
		}
	}
	return nil
}

// drain starts a sink and waits until it has stored n events.
func (s *stage) drain(ctx context.Context, p *pipeline, name string, n uint64) (Values, error) {
	sink, err := s.sink(ctx, p, name)
	if err != nil {
		return nil, err
	}
	if _, err := sink.await(ctx, "sekisho_sink_partitions", 1); err != nil {
		return nil, err
	}
	begun := time.Now()
	var before, after [3]time.Duration
	pids := [3]int{sink.Pid(), s.clickhouse.Pid(), s.kafka.Pid()}
	usage := func(into *[3]time.Duration) (err error) {
		for i, pid := range pids {
			cpu, _, e := parts.Usage(pid)
			into[i], err = cpu, errors.Join(err, e)
		}
		return err
	}
	if err := usage(&before); err != nil {
		return nil, err
	}
	profiled := sink.profile(ctx, "sink", 5*time.Second)
	end, err := sink.await(ctx, "sekisho_sink_rows_total", float64(n))
	if err != nil {
		return nil, err
	}
	seconds := time.Since(begun).Seconds()
	if err := errors.Join(usage(&after), <-profiled); err != nil {
		return nil, err
	}
	of := func(i int) float64 { return float64((after[i] - before[i]).Microseconds()) / float64(n) }
	v := Values{eventsPerSecond: float64(n) / seconds, resident: float64(end.resident) / (1 << 20)}
	if after[0] > 0 {
		v[cpuOfEvent], v[storeCPUOfEvent], v[brokerCPUOfEvent] = of(0), of(1), of(2)
	}
	return v, s.end(sink)
}

// await returns what a server has taken once one of its metrics is so much.
func (p *server) await(ctx context.Context, metric string, atLeast float64) (spent, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Minute)
	defer cancel()
	for {
		now, err := p.spent(ctx)
		if err != nil {
			return now, err
		}
		if sum(now.metrics, metric) >= atLeast {
			return now, nil
		}
		select {
		case <-ctx.Done():
			return now, fmt.Errorf("%s: %s is %.0f and not %.0f: %w", p.name, metric, sum(now.metrics, metric), atLeast, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

const visibleOf = "from sending an event to its row, one event at a time"

// visibleScenario measures how long it takes until an event can be selected.
func visibleScenario(ctx context.Context, s *stage, r *Report) error {
	samples := 200
	if s.options.Quick {
		samples = 20
	}
	p, err := s.pipeline(ctx, "visible")
	if err != nil {
		return err
	}
	sink, err := s.sink(ctx, p, "visible")
	if err != nil {
		return err
	}
	if _, err := sink.await(ctx, "sekisho_sink_partitions", numPartitions); err != nil {
		return err
	}
	store, err := s.store(p.database)
	if err != nil {
		return err
	}
	defer store.Close()
	l := load{address: p.collector.listen, connections: 1}
	var h Histogram
	for i := range samples + 1 {
		c, err := l.dial(ctx, i)
		if err != nil {
			return err
		}
		begun := time.Now()
		err = c.exchange(begun)
		c.conn.Close()
		if err != nil {
			return err
		}
		for rows := uint64(0); rows == 0; {
			if err := store.Conn().QueryRow(ctx, "SELECT count() FROM "+store.Table("events")+" WHERE id = $1", c.beacon.id()).Scan(&rows); err != nil {
				return err
			}
			if time.Since(begun) > 2*time.Minute {
				return errors.New("an event does not become visible")
			}
			time.Sleep(5 * time.Millisecond)
		}
		if i > 0 { // the first one meets a sink that is still at its start
			h.Add(time.Since(begun))
		}
		time.Sleep(time.Duration(rand.IntN(1000)) * time.Millisecond)
	}
	r.add(visibleOf, fmt.Sprintf("%d events", samples), Values{
		latency50: milliseconds(h.Quantile(0.5)), latency99: milliseconds(h.Quantile(0.99)), latencyMost: milliseconds(h.Quantile(1)),
	})
	return errors.Join(s.end(p.collector), s.end(sink))
}
