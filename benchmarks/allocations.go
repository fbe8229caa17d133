package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// What is measured: all that a request or a record goes through, but for what
// needs servers or a large registry.
var (
	allocationPackages = []string{"./enforcer/...", "./schemas/...", "./ingest", "./stream", "./sinks/forward", "./sinks/clickhouse"}
	allocationSkipped  = "^BenchmarkSet$|^BenchmarkForward$|^BenchmarkProducer$|^BenchmarkSpooling$|^BenchmarkKafkaToClickHouse$|^BenchmarkSmallRun$"
)

func allocationsCommand() *cobra.Command {
	var file string
	var update bool
	cmd := &cobra.Command{
		Use:   "allocations",
		Short: "Compare the micro-benchmarks' allocations with a baseline",
		Long: `Run the micro-benchmarks and fail if one allocates more often an operation than
the baseline says: allocations do not depend on the machine. Times do, and are
not looked at; compare them on one machine with benchstat, which reads the
baseline too.`,
		Example: `  go run ./benchmarks allocations
  go run ./benchmarks allocations --update`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			measured, err := runBenchmarks(cmd.Context())
			if err != nil {
				return err
			}
			if update {
				return os.WriteFile(file, measured, 0o644)
			}
			baseline, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("cannot read the baseline: %w; --update writes it", err)
			}
			want, got := allocationsIn(baseline), allocationsIn(measured)
			// What is pooled is allocated again when the garbage collector comes in
			// between: the least of two runs counts.
			if compareAllocations(io.Discard, want, got) != nil {
				if measured, err = runBenchmarks(cmd.Context()); err != nil {
					return err
				}
				for name, count := range allocationsIn(measured) {
					if first, ok := got[name]; ok {
						count = min(first, count)
					}
					got[name] = count
				}
			}
			return compareAllocations(cmd.OutOrStdout(), want, got)
		},
	}
	cmd.Flags().StringVar(&file, "baseline", "benchmarks/allocations.txt", "`FILE` of the baseline, as go test writes it")
	cmd.Flags().BoolVar(&update, "update", false, "write the baseline anew")
	return cmd
}

// runBenchmarks runs each often enough that what is allocated once does not
// count.
func runBenchmarks(ctx context.Context) ([]byte, error) {
	arguments := append([]string{"test", "-run", "^$", "-bench", ".", "-skip", allocationSkipped, "-benchmem", "-benchtime", "200x"}, allocationPackages...)
	cmd := exec.CommandContext(ctx, "go", arguments...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cannot run the benchmarks: %w\n%s", err, out)
	}
	var kept bytes.Buffer
	for line := range bytes.Lines(out) {
		for _, begin := range []string{"goos:", "goarch:", "pkg:", "cpu:", "Benchmark"} {
			if bytes.HasPrefix(line, []byte(begin)) {
				kept.Write(line)
			}
		}
	}
	return kept.Bytes(), nil
}

// allocationsIn returns the allocations an operation by package and benchmark.
func allocationsIn(text []byte) map[string]int {
	found := map[string]int{}
	in := ""
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		switch n := len(fields); {
		case n == 2 && fields[0] == "pkg:":
			in = fields[1]
		case n > 2 && fields[n-1] == "allocs/op":
			name := fields[0]
			if i := strings.LastIndexByte(name, '-'); i > 0 { // number of processors
				if _, err := strconv.Atoi(name[i+1:]); err == nil {
					name = name[:i]
				}
			}
			if count, err := strconv.Atoi(fields[n-2]); err == nil {
				found[in+"."+name] = count
			}
		}
	}
	return found
}

var (
	errAllocations = errors.New("there are more allocations than the baseline says; avoid them, or run `go run ./benchmarks allocations --update` and say in the commit why they are needed")
	errNotMeasured = errors.New("what the baseline has was not measured; if it is gone for good, run `go run ./benchmarks allocations --update`")
)

// compareAllocations allows for the few of a benchmark with many that depend on
// chance.
func compareAllocations(to io.Writer, want, got map[string]int) (err error) {
	for name, count := range got {
		baseline, known := want[name]
		switch {
		case !known:
			fmt.Fprintf(to, "%s is not in the baseline\n", name)
			err = errAllocations
		case count > baseline+baseline/20:
			fmt.Fprintf(to, "%s allocates %d times an operation; the baseline is %d\n", name, count, baseline)
			err = errAllocations
		}
	}
	for name := range want {
		if _, measured := got[name]; !measured {
			fmt.Fprintf(to, "%s is in the baseline and was not measured\n", name)
			err = cmp.Or(err, errNotMeasured)
		}
	}
	fmt.Fprintf(to, "%d benchmarks compared\n", len(got))
	return err
}
