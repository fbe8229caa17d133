package main

import (
	"bufio"
	"fmt"

	"github.com/spf13/cobra"
)

func exportCommand() *cobra.Command {
	var f subjectFlags
	cmd := &cobra.Command{
		Use:   "export --kind KIND --id ID | --file FILE",
		Short: "Print everything that is stored under a user's identifiers",
		Long: `Print, as JSON, everything that is stored under the identifiers of a user: the
consent receipts (what was agreed to, when, under which version of the policy, by
which signal), and every event with its fields by data category and the purposes
that were granted. Of an identifier that was reset there is nothing.

An argument can be seen by other users of the machine and is kept by the shell:
--id - reads the identifier from standard input instead. Who asked for what is
noted in the audit log, the table audit in ClickHouse, without the identifier.
POST /export on the admin listener of a sink does the same.`,
		Example: `  sekisho export --kind visitor_id --id - <id.txt >their-data.json
  sekisho export --file identifiers.csv --by support-1042`,
		GroupID: "tools",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.open(cmd)
			if err != nil {
				return fmt.Errorf("cannot export: %w", err)
			}
			defer s.close()
			out := bufio.NewWriter(cmd.OutOrStdout())
			if err := s.Export(cmd.Context(), s.actor, s.identifiers, out); err != nil {
				return err
			}
			return out.Flush()
		},
	}
	return f.add(cmd)
}
