package speed

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// sample is a report with something of everything.
func sample() *Report {
	r := newReport(Options{Quick: true})
	for i := range 3 {
		for _, connections := range connectionsOf {
			for j, subject := range subjects {
				r.add(scenarioOf(connections), subject, Values{
					requestsPerSecond: float64(10_000 * (6 - j + i)), ofBare: 0.65, cpuOf: float64(8 + j), latency99: 2, resident: 250, registryBytes: 190,
				})
			}
		}
		r.add(latencyOf, "25 % of saturation", Values{latency50: 0.2, latency99: 1, latency999: 3})
		r.add(growthOfSites, "1 & 2", Values{cpuOf: 15})
		r.add(soakOf, "20s", Values{growth: 1, lag: 10, requestsPerSecond: 5})
		r.Soak = append(r.Soak, Moment{Seconds: float64(i), Resident: 100, Sink: 200, Lag: 3})
	}
	r.judge()
	return r
}

func TestReport(t *testing.T) {
	var b strings.Builder
	if err := sample().Write(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"70000 (60000–80000)", "collector, 64 connections", "bare fasthttp", "of bare",
		"requests a second, of the bare server's, 64 connections", "at least 0.5", "met",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q is missing in %s", want, b.String())
		}
	}
	for _, target := range sample().Targets {
		if !target.Met {
			t.Errorf("%+v", target)
		}
	}
	// With few connections a request has a larger share of what a batch allocates.
	many := sample()
	for range 9 {
		many.add(scenarioOf(64), sekisho, Values{allocationsOf: 6})
		many.add(scenarioOf(512), sekisho, Values{allocationsOf: 1})
	}
	many.Targets = nil
	many.judge()
	if !slices.ContainsFunc(many.Targets, func(t Target) bool { return strings.Contains(t.What, "64 connections") && t.Got == 6 && !t.Met }) {
		t.Errorf("%+v", many.Targets)
	}
	r := newReport(Options{})
	r.add(sinkOf, "sink", Values{eventsPerSecond: 1})
	if r.judge(); len(r.Targets) != 1 || r.Targets[0].Met {
		t.Errorf("%+v", r.Targets)
	}
}

func TestPlots(t *testing.T) {
	dir := t.TempDir()
	if err := sample().plot(dir); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.svg"))
	if err != nil || len(files) != 6 {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for d := xml.NewDecoder(strings.NewReader(string(text))); ; {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%s: %v", file, err)
			}
		}
	}
}

func TestTicks(t *testing.T) {
	for _, most := range []float64{0, 0.003, 1, 7, 99, 1234, 5e6} {
		end, step := ticks(most)
		if end < most || step <= 0 || end/step > 12 {
			t.Errorf("%v: to %v by %v", most, end, step)
		}
	}
}

func TestAmountsAreForPeople(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.754: "0.754", 36.84: "36.8", 999.7: "1000", 2000: "2000", 8123: "8123", 12_000: "12k", 2_500_000: "2.5M"} {
		if got := amount(v); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
	if got := figure(999.7); got != "1000" {
		t.Errorf("999.7 is %s", got)
	}
}
