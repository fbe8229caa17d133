package speed

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// usualResets is how many resets the registry has.
const usualResets = 10_000_000

// subjects are what the collector is compared with, itself last.
var subjects = []string{bareFasthttp, netHTTP, withoutEnforcing, withoutKafka, sekisho}

// connectionsOf are the numbers of connections that requests come over.
var connectionsOf = []int{64, 512}

func scenarioOf(connections int) string {
	return fmt.Sprintf("collector, %d connections, one event a request", connections)
}

// subject returns a running server, which is started the first time.
func (s *stage) subject(ctx context.Context, name string) (*server, error) {
	for _, p := range s.servers {
		if p.name == name && p.Running() {
			return p, nil
		}
	}
	dir, err := s.fillRegistry(ctx, usualResets)
	if err != nil {
		return nil, err
	}
	if name != sekisho {
		return s.compared(ctx, name, filepath.Join(dir, collectorSnapshot))
	}
	return s.collector(ctx, name, usualResets, []string{"SEKISHO_REGISTRY_DIR=" + dir})
}

// collector starts a collector, whose registry must have so many resets.
func (s *stage) collector(ctx context.Context, name string, resets int, environment []string) (*server, error) {
	p, err := s.role(ctx, name, environment, "collect")
	if err != nil {
		return nil, err
	}
	now, err := p.spent(ctx)
	if err != nil {
		return nil, err
	}
	if has := now.metrics["sekisho_registry_entries"]; has < float64(resets) {
		return nil, fmt.Errorf("the registry of %s has %.0f resets and not %d: its snapshot was not taken", name, has, resets)
	}
	return p, nil
}

// collectorScenario measures single events, of the collector and of what it is
// compared with, which take turns.
func collectorScenario(ctx context.Context, s *stage, r *Report) error {
	for repetition := range s.options.repetitions {
		for _, connections := range connectionsOf {
			bare := 0.0
			for _, name := range subjects {
				p, err := s.subject(ctx, name)
				if err != nil {
					return err
				}
				warm := s.options.warm
				if repetition > 0 {
					warm = 200 * time.Millisecond
				}
				m, err := measure(ctx, p, load{connections: connections}, warm, s.options.during)
				if err != nil {
					return err
				}
				v := m.values()
				if name == bareFasthttp {
					bare = v[requestsPerSecond]
				}
				v[ofBare] = v[requestsPerSecond] / bare
				r.add(scenarioOf(connections), name, v)
				s.options.say("  %d connections, %s: %.0f requests/s", connections, name, v[requestsPerSecond])
			}
		}
	}
	return nil
}

const (
	batches   = "collector, 64 connections, 50 events a request"
	batchSize = 50
)

// batchesScenario measures many events a request.
func batchesScenario(ctx context.Context, s *stage, r *Report) error {
	for range s.options.repetitions {
		for _, name := range []string{withoutEnforcing, withoutKafka, sekisho} {
			p, err := s.subject(ctx, name)
			if err != nil {
				return err
			}
			m, err := measure(ctx, p, load{connections: 64, shape: shape{Events: batchSize}}, s.options.warm, s.options.during)
			if err != nil {
				return err
			}
			v := m.values()
			v[eventsPerSecond], v[cpuOfEvent] = v[requestsPerSecond]*batchSize, v[cpuOf]/batchSize
			delete(v, cpuOf)
			r.add(batches, name, v)
			s.options.say("  %s: %.0f events/s", name, v[eventsPerSecond])
		}
	}
	return nil
}

const (
	latencyOf          = "time to durable acknowledgement, events arriving at a fixed rate"
	latencyConnections = 256
)

// saturation is how many requests a second a collector answers when each
// connection sends the next one at once.
func (s *stage) saturation(ctx context.Context, p *server) (float64, error) {
	m, err := measure(ctx, p, load{connections: latencyConnections}, s.options.warm, s.options.during)
	if err != nil {
		return 0, err
	}
	return float64(m.requests) / m.seconds, nil
}

// latencyScenario measures latencies when requests come at a rate of their own.
func latencyScenario(ctx context.Context, s *stage, r *Report) error {
	p, err := s.subject(ctx, sekisho)
	if err != nil {
		return err
	}
	most, err := s.saturation(ctx, p)
	if err != nil {
		return err
	}
	for range s.options.repetitions {
		for _, percent := range []float64{25, 50, 75} {
			m, err := measure(ctx, p, load{connections: latencyConnections, rate: most * percent / 100}, 0, s.options.during)
			if err != nil {
				return err
			}
			v := m.values()
			v[latency999], v[latencyMost] = milliseconds(m.latency.Quantile(0.999)), milliseconds(m.latency.Quantile(1))
			delete(v, allocationsOf)
			delete(v, allocatedBytesOf)
			r.add(latencyOf, fmt.Sprintf("%.0f %% of saturation", percent), v)
			s.options.say("  %.0f %%: %.0f requests/s, p99 %.2f ms", percent, v[requestsPerSecond], v[latency99])
		}
	}
	return nil
}
