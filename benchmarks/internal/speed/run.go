package speed

import (
	"context"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Options are what a run is asked for.
type Options struct {
	// Quick runs a few minutes instead of an hour or two.
	Quick bool
	// Only names the scenarios to run; all when nil.
	Only []string
	// Sync has Kafka sync every batch to disk before it acknowledges it.
	Sync bool
	// Soak is how long the soak takes; 30 minutes when 0, or 20 seconds when quick.
	Soak time.Duration
	// Results is where plots go.
	Results string
	// Profiles is where profiles of the roles under load go; none when empty.
	Profiles string
	// Dir keeps the logs when it is not empty.
	Dir string
	Log io.Writer

	repetitions  int
	warm, during time.Duration
	say          func(format string, arguments ...any)
}

// Scenarios are their names, in order.
func Scenarios() (names []string) {
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

var scenarios = []struct {
	name string
	run  func(context.Context, *stage, *Report) error
}{
	{"collector", collectorScenario},
	{"batches", batchesScenario},
	{"latency", latencyScenario},
	{"sink", sinkScenario},
	{"visible", visibleScenario},
	{"forward", forwardScenario},
	{"growth", growthScenario},
	{"soak", soakScenario},
}

func (o *Options) complete() error {
	for _, name := range o.Only {
		if !slices.Contains(Scenarios(), name) {
			return fmt.Errorf("there is no scenario %q: there are %s", name, strings.Join(Scenarios(), ", "))
		}
	}
	if o.Only != nil && len(o.Only) == 0 {
		return fmt.Errorf("--only names no scenario: there are %s", strings.Join(Scenarios(), ", "))
	}
	o.repetitions, o.warm, o.during = 5, 3*time.Second, 15*time.Second
	if o.Quick {
		o.repetitions, o.warm, o.during = 3, time.Second, 3*time.Second
	}
	if o.Soak == 0 {
		o.Soak = 30 * time.Minute
		if o.Quick {
			o.Soak = 20 * time.Second
		}
	}
	if o.Soak < 5*time.Second {
		return errors.New("--soak must be at least 5s")
	}
	return nil
}

// Run measures. When something fails or ctx ends it returns what was measured
// until then with the error, nil if that is nothing.
func Run(ctx context.Context, o Options) (*Report, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	for _, dir := range []string{o.Results, o.Profiles} {
		if dir != "" {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return nil, err
			}
		}
	}
	begun := time.Now()
	o.say = func(format string, arguments ...any) {
		fmt.Fprintf(o.Log, "%6.1fs  "+format+"\n", append([]any{time.Since(begun).Seconds()}, arguments...)...)
	}
	dir := o.Dir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "sekisho-speed-"); err != nil {
			return nil, err
		}
		defer os.RemoveAll(dir)
	} else if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("--dir %s is not empty: name one that is, or none", dir)
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	r := newReport(o)
	o.say("building the program and starting Kafka")
	s, err := newStage(ctx, o, dir)
	if err != nil {
		return nil, err
	}
	defer s.close()
	r.Revision = revisionOf(s.program)
	for _, scenario := range scenarios {
		if len(o.Only) > 0 && !slices.Contains(o.Only, scenario.name) {
			continue
		}
		o.say("%s", scenario.name)
		if err = scenario.run(ctx, s, r); err != nil {
			err = fmt.Errorf("%s: %w", scenario.name, err)
			r.Ended = err.Error()
			break
		}
	}
	if len(r.Rows) == 0 && len(r.Soak) == 0 {
		return nil, err
	}
	r.Seconds = time.Since(begun).Seconds()
	r.judge()
	if problem := r.plot(o.Results); problem != nil {
		err = errors.Join(err, fmt.Errorf("cannot draw: %w", problem))
	}
	return r, err
}

// revisionOf is that of the source of which the program was built.
func revisionOf(program string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return ""
	}
	revision, changed := "", ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			revision = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			changed = "+"
		}
	}
	return revision + changed
}

// loadAverage is empty where it is not known.
func loadAverage() string {
	text, err := os.ReadFile(filepath.FromSlash("/proc/loadavg"))
	if err != nil {
		return ""
	}
	fields := strings.Fields(string(text))
	return strings.Join(fields[:min(3, len(fields))], " ")
}
