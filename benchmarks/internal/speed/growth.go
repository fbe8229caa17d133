package speed

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// What grows.
const (
	growthOfRegistry   = "growth: resets in the registry"
	growthOfSites      = "growth: sites in the policy"
	growthOfPartitions = "growth: partitions"
	growthOfEvents     = "growth: bytes of an event"
)

// growthScenario measures what the collector costs as one thing grows.
func growthScenario(ctx context.Context, s *stage, r *Report) error {
	resets, sites := []int{1_000_000, 10_000_000, 100_000_000}, []int{1, 10, 100, 1000}
	if s.options.Quick {
		resets, sites = resets[:2], []int{1, 1000}
	}
	for _, n := range resets {
		dir, err := s.fillRegistry(ctx, n)
		if err != nil {
			return err
		}
		if err := s.grow(ctx, r, growthOfRegistry, strconv.Itoa(n), n, []string{"SEKISHO_REGISTRY_DIR=" + dir}, []shape{{}}); err != nil {
			return err
		}
	}
	for _, n := range sites {
		file := filepath.Join(s.dir, fmt.Sprintf("policy-%d.yaml", n))
		if err := os.WriteFile(file, policyOf(n), 0o600); err != nil {
			return err
		}
		if err := s.grow(ctx, r, growthOfSites, strconv.Itoa(n), 0, []string{"SEKISHO_POLICY=" + file}, []shape{{Sites: n}}); err != nil {
			return err
		}
	}
	for _, n := range []int{1, 2, 4, 8} {
		environment := []string{fmt.Sprintf("SEKISHO_KAFKA_TOPICS_EVENTS=speed.partitions%d", n), "SEKISHO_KAFKA_PARTITIONS=" + strconv.Itoa(n),
			fmt.Sprintf("SEKISHO_KAFKA_TOPICS_CONSENTS=speed.consents%d", n)}
		if err := s.once(ctx, environment, "topics"); err != nil {
			return err
		}
		if err := s.grow(ctx, r, growthOfPartitions, strconv.Itoa(n), 0, environment, []shape{{}}); err != nil {
			return err
		}
	}
	var shapes []shape
	for _, n := range []int{300, 800, 2000, 4000, 8000, 16000} {
		shapes = append(shapes, shape{Bytes: n, Sites: 1})
	}
	file := filepath.Join(s.dir, "policy-large.yaml")
	if err := os.WriteFile(file, policyOf(1), 0o600); err != nil {
		return err
	}
	return s.grow(ctx, r, growthOfEvents, "", 0, []string{"SEKISHO_POLICY=" + file}, shapes)
}

// grow measures a collector of its own under each shape of requests, which are
// told apart by their size when there is no subject.
func (s *stage) grow(ctx context.Context, r *Report, scenario, subject string, resets int, environment []string, shapes []shape) error {
	p, err := s.collector(ctx, "growing collector", resets, environment)
	if err != nil {
		return err
	}
	warm := slices.Max([]time.Duration{s.options.warm, time.Second})
	for _, shape := range shapes {
		for range s.options.repetitions {
			m, err := measure(ctx, p, load{connections: 64, shape: shape}, warm, s.options.during)
			if err != nil {
				return err
			}
			name := subject
			if name == "" {
				name = strconv.Itoa(shape.Bytes)
			}
			v := m.values()
			r.add(scenario, name, v)
			s.options.say("  %s %s: %.0f requests/s", scenario, name, v[requestsPerSecond])
			warm = 200 * time.Millisecond
		}
	}
	return s.end(p)
}
