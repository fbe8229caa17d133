package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sekisho/benchmarks/internal/speed"
)

func speedCommand() *cobra.Command {
	var o speed.Options
	var file string
	cmd := &cobra.Command{
		Use:   "speed",
		Short: "Measure what the collector, the sink and the forwarders cost",
		Long: `Run the collector, the sink, the forwarders, Kafka and ClickHouse as processes of their own, load
them over loopback, and print medians and, in brackets, the least and the most of
all repetitions. What the collector is compared with is measured in the same run:

  bare fasthttp         answers 204 and reads nothing
  net/http              the same with Go's own server
  without enforcement   parses, and waits for Kafka
  without Kafka         enforces, and waits for nobody

The load comes from this machine too and takes its part of it, so figures say what
this machine does with all of it; ratios and processor time say what Sekisho does.

Scenarios: ` + strings.Join(speed.Scenarios(), ", ") + `.`,
		Example: `  go run ./benchmarks speed --quick --json benchmarks/results/speed.json
  go run ./benchmarks speed --only sink,visible
  go run ./benchmarks speed --only soak --soak 2h`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o.Log = os.Stderr
			if err := writable(file); err != nil {
				return fmt.Errorf("cannot write the results: %w", err)
			}
			report, err := speed.Run(cmd.Context(), o)
			if report == nil {
				return err
			}
			return errors.Join(err, writeJSON(file, report), report.Write(cmd.OutOrStdout()))
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.Quick, "quick", false, "some minutes instead of more than an hour: fewer and shorter repetitions, smaller extremes")
	flags.StringSliceVar(&o.Only, "only", nil, "run these `SCENARIOS` alone")
	flags.BoolVar(&o.Sync, "sync", false, "have the embedded Kafka sync every batch to disk, which Apache Kafka leaves to the system")
	flags.DurationVar(&o.Soak, "soak", 0, "how long the soak takes (default 30m, with --quick 20s)")
	flags.StringVar(&o.Results, "results", "benchmarks/results", "draw plots into `DIR`; none when empty")
	flags.StringVar(&o.Profiles, "profiles", "", "write profiles of the collector and the sink under load into `DIR`, for go tool pprof")
	flags.StringVar(&o.Dir, "dir", "", "keep data and logs in `DIR`, which must be empty; a temporary directory when empty")
	flags.StringVar(&file, "json", "", "write the results to `FILE` as JSON")
	return cmd
}

// writable makes the directory of a file, "" for none, and tries whether it can be
// written: what takes an hour is not to fail at its end.
func writable(file string) error {
	if file == "" {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	_, missing := os.Stat(file)
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if missing != nil {
		defer os.Remove(file)
	}
	return f.Close()
}

func writeJSON(file string, report *speed.Report) error {
	if file == "" {
		return nil
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err == nil {
		err = os.WriteFile(file, append(text, '\n'), 0o644)
	}
	if err != nil {
		return fmt.Errorf("cannot write the results: %w", err)
	}
	return nil
}
