package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sekisho/schemas"
	"sekisho/sinks/replay"
	"sekisho/stream"
)

func dlqCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "dlq",
		Short:   "List, show and drive again what could not be stored or sent",
		GroupID: "tools",
		Long: `A record that ClickHouse or a recipient refuses, or that cannot be read, becomes
a dead letter: a message on a topic of its own (kafka.topics.dead_letters), with
the reason, which expires with the topic. Its neighbours go on.

A letter has the record as it was enforced. It is decided about again, by today's
policy, resets and opt-outs, before it is shown or driven. Of what cannot be read
only its place is kept: it is read from the events topic while that has it.`,
	})
	cmd.AddCommand(dlqListCommand(), dlqShowCommand(), dlqRedriveCommand())
	return cmd
}

// letterFilter chooses dead letters.
type letterFilter struct {
	recipient, site, reason string
	reasonIs                schemas.DeadReason
}

func (f *letterFilter) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.recipient, "recipient", "", "only letters for this `RECIPIENT`: store, or a third party of the policy")
	cmd.Flags().StringVar(&f.site, "site", "", "only letters of this `SITE`")
	cmd.Flags().StringVar(&f.reason, "reason", "", "only letters with this `REASON`: undecodable, refused, too_late or exhausted")
}

func (f *letterFilter) check() error {
	if f.reason == "" {
		return nil
	}
	if err := f.reasonIs.UnmarshalText([]byte(f.reason)); err != nil {
		return fmt.Errorf("cannot use --reason: %w", err)
	}
	return nil
}

func (f *letterFilter) has(l *schemas.DeadLetter) bool {
	return (f.recipient == "" || l.Recipient == f.recipient) &&
		(f.site == "" || l.Site == f.site) &&
		(f.reason == "" || l.Reason == f.reasonIs)
}

func dlqListCommand() *cobra.Command {
	var f letterFilter
	var all, asJSON bool
	cmd := withOperator(&cobra.Command{
		Use:   "list",
		Short: "List dead letters",
		Example: `  sekisho dlq list
  sekisho dlq list --recipient meta --reason too_late
  sekisho dlq list --all --json | jq -s 'group_by(.site, .minute) | map({site: .[0].site, minute: .[0].minute, letters: length})'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := f.check(); err != nil {
				return err
			}
			letters, err := openLetters(cmd)
			if err != nil {
				return err
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			n := 0
			err = letters.Each(cmd.Context(), func(l *schemas.DeadLetter) error {
				if !f.has(l) || l.Settled != schemas.Unsettled && !all {
					return nil
				}
				n++
				l.Value = nil // to be shown only after a review
				if asJSON {
					_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s\n", l.AppendJSON(nil))
					return err
				}
				if n == 1 {
					fmt.Fprintln(table, "LETTER\tWRITTEN\tEXPIRES\tSITE\tTYPE\tREASON\tSTATE\tDETAIL")
				}
				kind := l.Kind
				if l.Site != "" {
					kind = l.Type.String()
				}
				_, err := fmt.Fprintln(table, strings.Join([]string{
					l.ID(), clock(l.At), clock(l.Expires), orDash(l.Site), orDash(kind), l.Reason.String(), l.Settled.String(), l.Detail,
				}, "\t"))
				return err
			})
			if err != nil {
				return err
			}
			if n == 0 && !asJSON {
				fmt.Fprintln(cmd.OutOrStdout(), "no dead letters")
			}
			return table.Flush()
		},
	})
	f.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "also those that are settled")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05") }

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func dlqShowCommand() *cobra.Command {
	return withOperator(&cobra.Command{
		Use:   "show LETTER",
		Short: "Show a dead letter, and what is left of its record as of now",
		Long: `Show a dead letter (its name is in sekisho dlq list) as JSON. In "value" is
what its recipient may have of the record as of now; it is missing when that is
nothing, or when the record cannot be read.`,
		Example: `  sekisho dlq show sekisho.events/3/17/store`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := openReview(cmd)
			if err != nil {
				return err
			}
			defer o.close()
			found := false
			err = lettersOf(o.cluster, o.log).Each(o.context, func(l *schemas.DeadLetter) error {
				if l.ID() != args[0] {
					return nil
				}
				found = true
				var r schemas.Record
				var decoder schemas.RecordDecoder
				if l.Value != nil && decoder.Decode(l.Value, &r) == nil {
					l.Value = nil
					if left, _ := o.review.Only(&r, l.Recipient); left != nil {
						l.Value = left.AppendJSON(nil)
					}
				}
				var shown any
				if err := json.Unmarshal(l.AppendJSON(nil), &shown); err != nil {
					return err
				}
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetEscapeHTML(false)
				encoder.SetIndent("", "  ")
				return encoder.Encode(shown)
			})
			if err == nil && !found {
				err = fmt.Errorf("there is no dead letter %s; `sekisho dlq list --all` names all", args[0])
			}
			return err
		},
	})
}

func dlqRedriveCommand() *cobra.Command {
	var f letterFilter
	var all, dryRun bool
	cmd := withOperator(&cobra.Command{
		Use:   "redrive [LETTER...]",
		Short: "Give dead letters another try",
		Long: `Decide about dead letters again, by today's policy, resets and opt-outs, and put
what is left of each back on the events topic, for the letter's recipient alone.
The sink or the forwarder then takes it like any record; the store finds by its
id what it has already. Name letters, or choose with --all and the filters.`,
		Example: `  sekisho dlq redrive sekisho.events/3/17/store
  sekisho dlq redrive --all --recipient store --reason refused --dry-run`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(); err != nil {
				return err
			}
			if all == (len(args) > 0) {
				return errors.New("name letters, or give --all (with filters, if need be)")
			}
			return redrive(cmd, args, f, dryRun)
		},
	})
	f.flags(cmd)
	cmd.Flags().BoolVar(&all, "all", false, "all letters that the filters choose")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "write nothing, only say what would become of them")
	return cmd
}

func redrive(cmd *cobra.Command, names []string, f letterFilter, dryRun bool) error {
	o, err := openReview(cmd)
	if err != nil {
		return err
	}
	defer o.close()
	missing := map[string]bool{}
	for _, name := range names {
		missing[name] = true
	}
	var fates [replay.NumFates]int
	d := replay.Redrive{
		Cluster: o.cluster, Letters: lettersOf(o.cluster, o.log), Reviewer: o.review.Reviewer, DryRun: dryRun,
		Select: func(l *schemas.DeadLetter) bool { return f.has(l) && (len(names) == 0 || missing[l.ID()]) },
		Report: func(l *schemas.DeadLetter, fate replay.Fate) {
			fates[fate]++
			delete(missing, l.ID())
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", l.ID(), fate)
		},
	}
	if err := d.Run(o.context); err != nil {
		return err
	}
	for fate, n := range fates {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d %s  ", n, replay.Fate(fate))
	}
	fmt.Fprintln(cmd.ErrOrStderr())
	for _, name := range names {
		if missing[name] {
			return fmt.Errorf("there is no dead letter %s to be driven; `sekisho dlq list` names those there are", name)
		}
	}
	return nil
}

// openLetters opens the topic of dead letters.
func openLetters(cmd *cobra.Command) (*stream.DeadLetters, error) {
	c, log, err := operator(cmd)
	if err != nil {
		return nil, err
	}
	cluster, _, err := openKafka(cmd.Context(), c, log)
	if err != nil {
		return nil, err
	}
	return lettersOf(cluster, log), nil
}

// lettersOf reads the topic of dead letters, and tells what on it is none.
func lettersOf(cluster *stream.Cluster, log *slog.Logger) *stream.DeadLetters {
	letters := stream.NewDeadLetters(cluster, nil)
	letters.Log = log
	return letters
}
