package main

import (
	"fmt"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/role"
	"sekisho/enforcer"
	"sekisho/schemas/policy"
)

func policyCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "policy",
		Short:   "Check, test and compare handling policies",
		GroupID: "tools",
	})
	cmd.AddCommand(
		&cobra.Command{
			Use:   "check FILE",
			Short: "Check a handling policy and print what it decides",
			Args:  cobra.ExactArgs(1),
			RunE:  checkPolicy,
		},
		&cobra.Command{
			Use:   "example",
			Short: "Print the example policy, which `sekisho up` uses",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				_, err := cmd.OutOrStdout().Write(policy.Example)
				return err
			},
		},
		&cobra.Command{
			Use:   "schema",
			Short: "Print the JSON Schema of policy files",
			Args:  cobra.NoArgs,
			RunE: func(cmd *cobra.Command, _ []string) error {
				_, err := cmd.OutOrStdout().Write(policy.JSONSchema())
				return err
			},
		},
		policyTestCommand(), policyDiffCommand(),
	)
	return cmd
}

func checkPolicy(cmd *cobra.Command, args []string) error {
	p, err := role.LoadPolicy(args[0])
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "%s is valid: version %s, consent counts since %s, %d sites, %d jurisdictions, %d recipients\n\n",
		args[0], p.Version(), p.LastMaterial(), len(p.Sites), len(p.Jurisdictions), len(p.Recipients))
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SITE\tEVENT\tRECIPIENT\tPURPOSE\tWITHOUT CONSENT")
	for _, row := range enforcer.Compile(p).Rules() {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", row.Site, row.Event, row.Recipient, row.Purpose, row.WithoutConsent)
	}
	return table.Flush()
}
