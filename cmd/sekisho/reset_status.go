package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sekisho/ingest"
)

func resetStatusCommand() *cobra.Command {
	var asJSON bool
	cmd := withOperator(&cobra.Command{
		Use:   "status TICKET",
		Short: "Say how far a reset is",
		Long: `Say how far the resets of a ticket are: accepted (in Kafka), in force at every
collector, erased in ClickHouse, and with each third party: asked, partial
(asked, and it may have more under names that the identifier does not lead to), done,
unsupported (it cannot be asked) or failed. GET /v1/reset/TICKET of a collector
says the same.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, log, err := operator(cmd)
			if err != nil {
				return err
			}
			tickets, err := ingest.NewTickets([]byte(c.Keys.Registry.Reveal()))
			if err != nil {
				return err
			}
			ticket, err := tickets.Open(args[0])
			if err != nil {
				return err
			}
			cluster, _, err := openKafka(cmd.Context(), c, log)
			if err != nil {
				return err
			}
			defer cluster.Close()
			progress, err := loadProgress(cmd.Context(), cluster)
			if err != nil {
				return err
			}
			recipients, err := recipientsOf(c, progress)
			if err != nil {
				return err
			}
			status := ingest.StatusOf(ticket, progress, recipients, c.Kafka.ResetBound(), time.Now())
			if asJSON {
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(status)
			}
			return writeStatus(cmd.OutOrStdout(), status)
		},
	})
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func writeStatus(to io.Writer, s ingest.ResetStatus) error {
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	line := func(what string, stage ingest.Stage) {
		at := "-"
		if stage.At != nil {
			at = stage.At.Format(time.RFC3339)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", what, stage.State, at)
	}
	line("accepted", s.Accepted)
	line("in force everywhere", s.InForce)
	line("erased in ClickHouse", s.Erased)
	for _, name := range slices.Sorted(maps.Keys(s.Recipients)) {
		line(name, s.Recipients[name])
	}
	return table.Flush()
}
