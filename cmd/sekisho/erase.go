package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/ingest"
	"sekisho/schemas"
	"sekisho/stream"
)

func eraseCommand() *cobra.Command {
	var f subjectFlags
	var wait bool
	cmd := &cobra.Command{
		Use:   "erase --kind KIND --id ID | --file FILE",
		Short: "Erase everything that is stored under a user's identifiers",
		Long: `Reset the identifiers of a user: no event under them passes any more, and what is
stored under them is erased or anonymised, as the handling policy says (erasure).
That cannot be taken back. The answer is a ticket: sekisho reset status TICKET
tells how far it is.

With --wait it returns once nothing in ClickHouse can be tied to the user, on the
disk included, and says how far third parties are. Resets are gathered to be
erased together (clickhouse.erasure.max_wait), and replaced files stay for a
minute, so that takes a while. Where something keeps erasure from its end, such as
a table of yours that cannot be searched, it names that and goes on waiting.

An argument can be seen by other users of the machine and is kept by the shell:
--id - reads the identifier from standard input instead. Who asked for what is
noted in the audit log, the table audit in ClickHouse, without the identifier.
POST /erase on the admin listener of a sink does the same, without waiting.`,
		Example: `  sekisho erase --kind user_id --id - --wait <id.txt
  sekisho erase --file identifiers.csv --by support-1042`,
		GroupID: "tools",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.open(cmd)
			if err != nil {
				return fmt.Errorf("cannot erase: %w", err)
			}
			defer s.close()
			sealed, ticket, err := s.Erase(cmd.Context(), s.actor, s.identifiers)
			if sealed != "" {
				fmt.Fprintf(cmd.OutOrStdout(), "accepted; ticket\n%s\n", sealed)
			}
			if err != nil || !wait {
				return err
			}
			status, err := awaitErased(cmd.Context(), s.config, s.cluster, ticket)
			if err != nil {
				return err
			}
			return writeStatus(cmd.OutOrStdout(), status)
		},
	}
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until it is erased, and say how far it is")
	return f.add(cmd)
}

// awaitErased returns when the resets of a ticket are in force everywhere and
// erased. While Kafka does not answer it tells so and asks again.
func awaitErased(ctx context.Context, c *config.Config, cluster *stream.Cluster, ticket ingest.Ticket) (ingest.ResetStatus, error) {
	progress, told := stream.NewProgress(cluster), ""
	for {
		tell := ""
		if err := progress.Load(ctx); err != nil {
			tell = fmt.Sprintf("Kafka does not tell how far it is; asking again: %v", err)
		} else {
			status, err := statusOf(c, progress, ticket)
			if err != nil || status.Erased.State == schemas.Done.String() {
				return status, err
			}
			tell = fmt.Sprintf("in force everywhere: %s; erased in ClickHouse: %s", status.InForce.State, status.Erased.State)
			if status.Erased.Reason != "" {
				tell += ": " + status.Erased.Reason
			}
		}
		if tell != told && ctx.Err() == nil {
			told = tell
			fmt.Fprintln(os.Stderr, tell)
		}
		select {
		case <-ctx.Done():
			return ingest.ResetStatus{}, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
