package speed

import (
	"fmt"
	"io"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Values are what was measured once, by their names.
type Values map[string]float64

// Names of values.
const (
	requestsPerSecond = "requests_per_second"
	eventsPerSecond   = "events_per_second"
	ofBare            = "of_bare"         // requests a second, as a part of the bare server's in the same repetition
	cpuOf             = "cpu_us"          // of the process, for a request
	cpuOfEvent        = "cpu_us_event"    // of the process, for an event
	storeCPUOfEvent   = "clickhouse_us"   // of ClickHouse, for an event
	brokerCPUOfEvent  = "kafka_us"        // of Kafka, for an event
	allocationsOf     = "allocations"     // for a request
	allocatedBytesOf  = "allocated_bytes" // for a request
	latency50         = "p50_ms"
	latency99         = "p99_ms"
	latency999        = "p999_ms"
	latencyMost       = "max_ms"
	resident          = "resident_mib"
	registryBytes     = "registry_mib"
	lag               = "lag_events"
	growth            = "growth_mib" // of resident memory, from the first third to the last
	sinkResident      = "sink_resident_mib"
	sinkGrowth        = "sink_growth_mib"
)

// order is that of columns, and heads what is above them.
var order = []struct{ name, head, format string }{
	{requestsPerSecond, "requests/s", "%.0f"}, {eventsPerSecond, "events/s", "%.0f"}, {ofBare, "of bare", "%.2f"},
	{cpuOf, "CPU µs/request", "%.1f"}, {cpuOfEvent, "CPU µs/event", "%.2f"}, {storeCPUOfEvent, "ClickHouse µs/event", "%.2f"},
	{brokerCPUOfEvent, "Kafka µs/event", "%.2f"},
	{allocationsOf, "allocs/request", "%.1f"}, {allocatedBytesOf, "B/request", "%.0f"},
	{latency50, "p50 ms", "%.2f"}, {latency99, "p99 ms", "%.2f"}, {latency999, "p99.9 ms", "%.2f"}, {latencyMost, "max ms", "%.1f"},
	{resident, "RSS MiB", "%.0f"}, {registryBytes, "registry MiB", "%.0f"}, {growth, "growth MiB", "%.1f"},
	{sinkResident, "sink RSS MiB", "%.0f"}, {sinkGrowth, "sink growth MiB", "%.1f"}, {lag, "sink lag", "%.0f"},
}

// Report is what came of a run.
type Report struct {
	At time.Time `json:"at"`
	// Revision is the source's that was measured, with "+" when it was changed
	// since; empty when it is under no version control.
	Revision   string `json:"revision,omitempty"`
	Go         string `json:"go"`
	Processors int    `json:"processors"`
	// Load is the machine's load average before the run, where it is known:
	// what else ran makes figures larger.
	Load    string  `json:"load,omitempty"`
	Quick   bool    `json:"quick"`
	Sync    bool    `json:"sync"` // Kafka synced every batch
	Seconds float64 `json:"seconds"`
	// Ended is what ended the run before its end; there are fewer figures then.
	Ended string `json:"ended,omitempty"`

	Rows    []*Row   `json:"rows"`
	Targets []Target `json:"targets"`
	Soak    []Moment `json:"soak,omitempty"`
}

// Row is a subject in a scenario, with the values of every repetition.
type Row struct {
	Scenario string               `json:"scenario"`
	Subject  string               `json:"subject"`
	Values   map[string][]float64 `json:"values"`
}

// Target is what should be, and what is, by medians.
type Target struct {
	What string  `json:"what"`
	Want string  `json:"want"`
	Got  float64 `json:"got"`
	Met  bool    `json:"met"`
}

// Moment is the state of a soak.
type Moment struct {
	Seconds  float64 `json:"seconds"`
	Resident float64 `json:"resident_mib"`
	Sink     float64 `json:"sink_resident_mib"`
	Lag      float64 `json:"lag_events"`
}

func newReport(o Options) *Report {
	return &Report{
		At: time.Now().UTC().Truncate(time.Second), Go: runtime.Version(), Processors: runtime.NumCPU(), Load: loadAverage(),
		Quick: o.Quick, Sync: o.Sync,
	}
}

// add adds a repetition.
func (r *Report) add(scenario, subject string, v Values) {
	row := r.row(scenario, subject)
	if row == nil {
		row = &Row{Scenario: scenario, Subject: subject, Values: map[string][]float64{}}
		r.Rows = append(r.Rows, row)
	}
	for name, value := range v {
		row.Values[name] = append(row.Values[name], value)
	}
}

func (r *Report) row(scenario, subject string) *Row {
	for _, row := range r.Rows {
		if row.Scenario == scenario && row.Subject == subject {
			return row
		}
	}
	return nil
}

// median is that of a value's repetitions; false when there are none.
func (r *Report) median(scenario, subject, value string) (float64, bool) {
	row := r.row(scenario, subject)
	if row == nil || len(row.Values[value]) == 0 {
		return 0, false
	}
	return median(row.Values[value]), true
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return (sorted[(len(sorted)-1)/2] + sorted[len(sorted)/2]) / 2
}

// Write writes it for people: medians, and in brackets the least and the most.
func (r *Report) Write(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s, %d processors", r.Go, r.Processors)
	if r.Load != "" {
		fmt.Fprintf(&b, ", load average %s before the run", r.Load)
	}
	fmt.Fprintf(&b, ", %.0f s\n", r.Seconds)
	if r.Ended != "" {
		fmt.Fprintf(&b, "ended early: %s\n", r.Ended)
	}
	for start := 0; start < len(r.Rows); {
		end := start
		for end < len(r.Rows) && r.Rows[end].Scenario == r.Rows[start].Scenario {
			end++
		}
		writeTable(&b, r.Rows[start:end])
		start = end
	}
	if len(r.Targets) > 0 {
		b.WriteString("\nTargets, by medians\n")
	}
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	for _, t := range r.Targets {
		met := "met"
		if !t.Met {
			met = "MISSED"
		}
		fmt.Fprintf(w, "  %s\t%s\t%s\t%s\n", t.What, t.Want, figure(t.Got), met)
	}
	_ = w.Flush() // to memory
	_, err := io.WriteString(to, b.String())
	return err
}

// figure writes a number with what of it counts.
func figure(v float64) string {
	if v >= 999.5 { // which is 1e+03 with three digits
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func writeTable(b *strings.Builder, rows []*Row) {
	fmt.Fprintf(b, "\n%s\n", rows[0].Scenario)
	w := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	var columns []int
	fmt.Fprint(w, " ")
	for i, column := range order {
		if slices.ContainsFunc(rows, func(r *Row) bool { return len(r.Values[column.name]) > 0 }) {
			columns = append(columns, i)
			fmt.Fprintf(w, "\t%s", column.head)
		}
	}
	fmt.Fprintln(w)
	for _, row := range rows {
		fmt.Fprintf(w, "  %s", row.Subject)
		for _, i := range columns {
			values := row.Values[order[i].name]
			if len(values) == 0 {
				fmt.Fprint(w, "\t")
				continue
			}
			fmt.Fprintf(w, "\t"+order[i].format, median(values))
			if len(values) > 1 {
				fmt.Fprintf(w, " ("+order[i].format+"–"+order[i].format+")", slices.Min(values), slices.Max(values))
			}
		}
		fmt.Fprintln(w)
	}
	_ = w.Flush() // to memory
}
