package main

import (
	"encoding/json"
	"fmt"
	"os"
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
			report, err := speed.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if file != "" {
				text, err := json.MarshalIndent(report, "", "  ")
				if err != nil {
					return err
				}
				if err := os.WriteFile(file, append(text, '\n'), 0o644); err != nil {
					return fmt.Errorf("cannot write the results: %w", err)
				}
			}
			return report.Write(cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&o.Quick, "quick", false, "some minutes instead of more than an hour: fewer and shorter repetitions, smaller extremes")
	flags.StringSliceVar(&o.Only, "only", nil, "run these `SCENARIOS` alone")
	flags.BoolVar(&o.Sync, "sync", false, "have the embedded Kafka sync every batch to disk, which Apache Kafka leaves to the system")
	flags.DurationVar(&o.Soak, "soak", 0, "how long the soak takes (default 30m, with --quick 20s)")
	flags.StringVar(&o.Results, "results", "benchmarks/results", "draw plots into `DIR`; none when empty")
	flags.StringVar(&o.Profiles, "profiles", "", "write profiles of the collector and the sink under load into `DIR`, for go tool pprof")
	flags.StringVar(&o.Dir, "dir", "", "keep data and logs in `DIR`")
	flags.StringVar(&file, "json", "", "write the results to `FILE` as JSON")
	return cmd
}
