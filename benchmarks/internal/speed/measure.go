package speed

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"sekisho/benchmarks/internal/parts"
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
			return nil, fmt.Errorf("%s: %w", p.name, err)
		}
	}
	before, err := p.spent(ctx)
	if err != nil {
		return nil, err
	}
	profiled := p.profile(ctx, fmt.Sprintf("%s %d connections %d events", p.name, l.connections, max(l.shape.Events, 1)), during)
	o, err := l.run(ctx, during)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.name, err)
	}
	if err := <-profiled; err != nil {
		return nil, err
	}
	after, err := p.spent(ctx)
	if err != nil {
		return nil, err
	}
	if o.refused > 0 {
		return nil, fmt.Errorf("%s refused %d of %d requests: this machine is too slow for this load, or something is broken", p.name, o.refused, o.requests)
	}
	n := float64(max(o.requests, 1))
	return &loaded{
		outcome: o, server: after, cpuMicroseconds: float64((after.cpu - before.cpu).Microseconds()) / n,
		allocations: (after.mallocs - before.mallocs) / n, allocatedBytes: (after.malloc - before.malloc) / n,
	}, nil
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
