package main

import (
	"encoding/json"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sekisho/benchmarks/internal/faults"
)

func faultsCommand() *cobra.Command {
	var o faults.Options
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "faults",
		Short: "Break everything while events are written, and account for every one",
		Long: `Run Sekisho's roles as processes of their own, write events to them, and break
everything meanwhile: collectors, sinks, brokers and ClickHouse are killed
(SIGKILL) and suspended (SIGSTOP), connections are cut, acknowledgements are
lost, disks fill up, clocks jump, and partition leaders move.

At the end all is mended, and what was acknowledged is held against Kafka and
ClickHouse. The exit code is 0 only if nothing is lost, doubled, leaked or
unaccounted for. The same seed gives the same faults in the same order.`,
		Example: `  go run ./benchmarks faults --kills 25 --seed 1
  go run ./benchmarks faults --kills 200 --seed 7 --kafka apache --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if inside, code, err := faults.Inside(cmd.Context()); err != nil || !inside {
				return errors.Join(err, exitOf(code))
			}
			o.Log = os.Stderr
			report, err := faults.Run(cmd.Context(), o)
			if err != nil {
				return err
			}
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				err = encoder.Encode(report)
			} else {
				err = report.Write(cmd.OutOrStdout())
			}
			if err == nil && !report.Good() {
				err = &exitError{1}
			}
			return err
		},
	}
	flags := cmd.Flags()
	flags.IntVar(&o.Kills, "kills", 25, "processes to kill; half as many other faults come in between")
	flags.Uint64Var(&o.Seed, "seed", 1, "seed of the faults and of the traffic")
	flags.StringVar(&o.Kafka, "kafka", "embedded", "embedded (one broker) or apache (three, which needs a JDK and Maven)")
	flags.IntVar(&o.Rate, "rate", 300, "events a second")
	flags.DurationVar(&o.Drain, "drain", 5*time.Minute, "how long ClickHouse may go without progress at the end")
	flags.StringVar(&o.Dir, "dir", "", "keep data and logs in `DIR`, which must be empty; a temporary directory when empty")
	flags.BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

func exitOf(code int) error {
	if code == 0 {
		return nil
	}
	return &exitError{code}
}
