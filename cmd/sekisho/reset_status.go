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

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/ingest"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/stream"
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
says the same.

While erasure is held up, by a table of yours that cannot be searched for instance,
the reason stands below, as the sink reports it.`,
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
			progress := stream.NewProgress(cluster)
			if err := progress.Load(cmd.Context()); err != nil {
				return err
			}
			status, err := statusOf(c, progress, ticket)
			if err != nil {
				return err
			}
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

// statusOf tells how far a ticket is, and what keeps it from being erased.
func statusOf(c *config.Config, progress *stream.Progress, ticket ingest.Ticket) (ingest.ResetStatus, error) {
	recipients, err := recipientsOf(c, progress)
	if err != nil {
		return ingest.ResetStatus{}, err
	}
	now := time.Now()
	status := ingest.StatusOf(ticket, progress, recipients, c.Kafka.ResetBound(), now)
	if status.Erased.State == schemas.Done.String() {
		return status, nil
	}
	accepted := ticket.At
	if ticket.Many {
		accepted = time.Time{}
	}
	status.Erased.Reason = progress.Reason(policy.Store, ticket.From, ticket.To, accepted)
	if late := ticket.At.Add(2*c.ClickHouse.Erasure.MaxWait + overdue); status.Erased.Reason == "" && now.After(late) {
		status.Erased.Reason = "it takes longer than usual: see the log of the sinks, and whether one runs (sekisho_erasure_lag, sekisho_erasure_standstill_seconds)"
	}
	return status, nil
}

// overdue is how long erasure may take beyond what resets are gathered for until
// somebody should look.
const overdue = 15 * time.Minute

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
	if err := table.Flush(); err != nil || s.Erased.Reason == "" {
		return err
	}
	_, err := fmt.Fprintf(to, "\nnot erased yet: %s\n", s.Erased.Reason)
	return err
}
