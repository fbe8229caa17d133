package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/cases"
	"sekisho/cmd/sekisho/internal/role"
	"sekisho/enforcer"
	"sekisho/schemas/policy"
)

func policyTestCommand() *cobra.Command {
	var policyFile string
	cmd := &cobra.Command{
		Use:   "test DIR",
		Short: "Run golden cases and print what differs",
		Long: `Run the golden cases of a directory, one a file (YAML or JSON), under a policy:
the one of --policy, or else DIR/policy.yaml, or else the example policy. Print
what differs from what is expected; the exit code is 1 when anything does.

A case has these keys, of which event and expect.outcome are required:

  event: {type: pageview, site: shop, url: "https://shop.example.jp/"}
  headers: {Cookie: sekisho_consent=1.2026-10-01.analytics, Sec-GPC: "1"}
  place: JP                     # that the edge states
  now: 2026-11-02T09:00:00Z     # when the request is received
  resets: {visitor_id: v1}      # identifiers that have been reset
  expect:
    outcome: allowed
    reason: granted
    jurisdiction: japan
    recipients:
      store: {outcome: allowed, reason: granted, stripped: [gaid]}`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return testPolicy(cmd, args[0], policyFile) },
	}
	cmd.Flags().StringVar(&policyFile, "policy", "", "handling policy `FILE`")
	return cmd
}

func testPolicy(cmd *cobra.Command, dir, policyFile string) error {
	if own := filepath.Join(dir, cases.PolicyFile); policyFile == "" && isFile(own) {
		policyFile = own
	}
	p, err := loadPolicyOrExample(policyFile)
	if err != nil {
		return err
	}
	list, err := cases.Load(dir)
	if err != nil {
		return err
	}
	out, table, failed := cmd.OutOrStdout(), enforcer.Compile(p), 0
	for i := range list {
		v, err := cases.Decide(table, &list[i])
		differences := []string{fmt.Sprint(err)}
		if err == nil {
			differences = append(list[i].Expect.Strangers(p), v.Differences(&list[i].Expect)...)
		}
		if len(differences) == 0 {
			continue
		}
		failed++
		fmt.Fprintf(out, "%s\n", list[i].Name)
		for _, d := range differences {
			fmt.Fprintf(out, "    %s\n", d)
		}
	}
	fmt.Fprintf(out, "%d cases under the policy of %s: %d as expected, %d not\n", len(list), p.Version(), len(list)-failed, failed)
	if failed > 0 {
		return &exitError{1}
	}
	return nil
}

func isFile(name string) bool {
	info, err := os.Stat(name)
	return err == nil && info.Mode()&fs.ModeType == 0
}

func policyDiffCommand() *cobra.Command {
	var dir string
	var exitCode bool
	cmd := &cobra.Command{
		Use:   "diff OLD NEW",
		Short: "Say which verdicts change from one policy to another",
		Long: `Decide about a set of cases under two handling policies and print the verdicts
that change, and in which cases. The cases are those of --cases, as sekisho
policy test takes them. Otherwise they are made from both policies, such that
whatever of them can change a verdict does so in some case: every event of every
site, in a place of each jurisdiction and in those that change theirs, with
consent given, given in part, refused, outdated and not given; what TC strings,
Additional Consent strings and consent platforms say of each purpose, vendor and
category that is named; and each origin, property and query parameter.

What changes no verdict, such as names, notes and retention, is not shown.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			changed, err := diffPolicies(cmd, args[0], args[1], dir)
			if err == nil && changed && exitCode {
				return &exitError{1}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "cases", "", "take the cases of `DIR`")
	cmd.Flags().BoolVar(&exitCode, "exit-code", false, "exit with 1 when a verdict changes")
	return cmd
}

func diffPolicies(cmd *cobra.Command, before, after, dir string) (changed bool, err error) {
	var policies [2]*policy.Policy
	var tables [2]*enforcer.Table
	for i, file := range []string{before, after} {
		if policies[i], err = role.LoadPolicy(file); err != nil {
			return false, err
		}
		tables[i] = enforcer.Compile(policies[i])
	}
	list := cases.Matrix(policies[:]...)
	if dir != "" {
		if list, err = cases.Load(dir); err != nil {
			return false, err
		}
	}
	found := changes{where: make(map[string][]string)}
	for i := range list {
		c := &list[i]
		was, err := cases.Decide(tables[0], c)
		if err != nil {
			return false, fmt.Errorf("%s: %w", c.Name, err)
		}
		is, err := cases.Decide(tables[1], c)
		if err != nil {
			return false, fmt.Errorf("%s: %w", c.Name, err)
		}
		found.add(c, is.Changes(&was))
	}
	out := cmd.OutOrStdout()
	for _, change := range found.order {
		fmt.Fprintln(out, change)
		for _, where := range found.where[change] {
			fmt.Fprintln(out, "    "+where)
		}
	}
	fmt.Fprintf(out, "%d of %d cases change\n", found.cases, len(list))
	return found.cases > 0, nil
}

// changes gathers the cases of each change, in the order in which they came.
type changes struct {
	order []string
	where map[string][]string
	cases int
}

func (c *changes) add(of *cases.Case, list []string) {
	if len(list) > 0 {
		c.cases++
	}
	for _, change := range list {
		change = of.Name + ", " + change
		if _, known := c.where[change]; !known {
			c.order = append(c.order, change)
			c.where[change] = nil
		}
		if of.Detail != "" {
			c.where[change] = append(c.where[change], of.Detail)
		}
	}
}
