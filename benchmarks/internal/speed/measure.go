package speed

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"sekisho/benchmarks/internal/parts"
	"sekisho/schemas"
)

// spent is what a process had taken at some moment.
type spent struct {
	cpu             time.Duration
	resident        int64
	mallocs, malloc float64 // objects and bytes, since its start
	metrics         map[string]float64
}

func (p *server) spent(ctx context.Context) (s spent, err error) {
	if s.metrics, err = scrape(ctx, p.admin+"/metrics"); err != nil {
		return s, err
	}
	s.mallocs, s.malloc = s.metrics["go_memstats_mallocs_total"], s.metrics["go_memstats_alloc_bytes_total"]
	s.cpu, s.resident, err = parts.Usage(p.Pid())
	return s, err
}

// scrape reads the samples without a timestamp that an address has, by name and
// labels.
func scrape(ctx context.Context, address string) (map[string]float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %d", address, answer.StatusCode)
	}
	samples := map[string]float64{}
	lines := bufio.NewScanner(answer.Body)
	for lines.Scan() {
		line := lines.Text()
		i := strings.LastIndexByte(line, ' ')
		if i < 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if value, err := strconv.ParseFloat(line[i+1:], 64); err == nil {
			samples[line[:i]] = value
		}
	}
	return samples, lines.Err()
}

// sum adds up the samples of a metric, whatever their labels.
func sum(samples map[string]float64, metric string) (total float64) {
	for name, value := range samples {
		if name == metric || strings.HasPrefix(name, metric+"{") {
			total += value
		}
	}
	return total
}

// loaded is what a server took under a load.
type loaded struct {
	*outcome
	server                      spent // at the end
	cpuMicroseconds             float64
	allocations, allocatedBytes float64 // of a request
}

// measure loads a server, first without looking.
func measure(ctx context.Context, p *server, l load, warm, during time.Duration) (*loaded, error) {
	l.address = p.listen
	if warm > 0 {
		if _, err := l.run(ctx, warm); err != nil {
			return nil, p.failed(ctx, err)
		}
	}
	before, err := p.spent(ctx)
	if err != nil {
		return nil, err
	}
	profiled := p.profile(ctx, fmt.Sprintf("%s %d connections %d events", p.name, l.connections, max(l.shape.Events, 1)), during)
	o, err := l.run(ctx, during)
	if err != nil {
		return nil, p.failed(ctx, err)
	}
	if err := <-profiled; err != nil {
		return nil, err
	}
	after, err := p.spent(ctx)
	if err != nil {
		return nil, err
	}
	if o.refused > 0 {
		return nil, p.failed(ctx, fmt.Errorf("%d of %d requests were refused: this machine is too slow for this load, or something is broken", o.refused, o.requests))
	}
	if err := allLetThrough(before.metrics, after.metrics, o.requests*uint64(max(l.shape.Events, 1))); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	n := float64(max(o.requests, 1))
	return &loaded{
		outcome: o, server: after, cpuMicroseconds: float64((after.cpu - before.cpu).Microseconds()) / n,
		allocations: (after.mallocs - before.mallocs) / n, allocatedBytes: (after.malloc - before.malloc) / n,
	}, nil
}

// failed says of which server an error is and, unless it is that ctx has ended, what
// that said last: its log may go with the run's directory.
func (p *server) failed(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		if said, _ := os.ReadFile(p.Log); len(said) > 0 {
			return fmt.Errorf("%s: %w; its log ends with:\n%s", p.name, err, bytes.TrimSpace(said[max(len(said)-2000, 0):]))
		}
	}
	return fmt.Errorf("%s: %w", p.name, err)
}

// allLetThrough fails unless so many more events were let through, and no others
// decided on: who refuses is answered with success too, and costs less. It does not
// look at servers that do not count events.
func allLetThrough(before, after map[string]float64, events uint64) error {
	const metric = "sekisho_events_total"
	if _, counts := after["sekisho_requests_total"]; !counts {
		return nil
	}
	allowed := 0.0
	for name, value := range after {
		if strings.HasPrefix(name, metric+"{") && strings.Contains(name, fmt.Sprintf("outcome=%q", schemas.Allowed)) {
			allowed += value - before[name]
		}
	}
	if decided := sum(after, metric) - sum(before, metric); allowed != float64(events) || decided != allowed {
		return fmt.Errorf("of %d events that were answered with success, %.0f were let through, and %.0f decided on: it measures something else than it says", events, allowed, decided)
	}
	return nil
}

// values are a load's, by their names in results.
func (l *loaded) values() Values {
	v := Values{
		requestsPerSecond: float64(l.requests) / l.seconds, latency50: milliseconds(l.latency.Quantile(0.5)),
		latency99: milliseconds(l.latency.Quantile(0.99)), allocationsOf: l.allocations, allocatedBytesOf: l.allocatedBytes,
	}
	if l.server.resident > 0 {
		v[cpuOf], v[resident] = l.cpuMicroseconds, float64(l.server.resident)/(1<<20)
	}
	if bytes := l.server.metrics["sekisho_registry_bytes"]; bytes > 0 {
		v[registryBytes] = bytes / (1 << 20)
	}
	return v
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
