package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sekisho/schemas"
	"sekisho/sinks/replay"
)

func tailCommand() *cobra.Command {
	var sites, types, outcomes []string
	var from string
	var asJSON bool
	cmd := withOperator(&cobra.Command{
		Use:   "tail",
		Short: "Show the events that arrive",
		Long: `Show what arrives on the events topic, one line a record, until it is stopped.
Identifiers are pseudonyms. What was reset is not shown: each record is decided
about as of now, and what nobody may have any more is only counted.`,
		Example: `  sekisho tail
  sekisho tail --site shop --type ad_click --outcome allowed
  sekisho tail --from 1h --json | jq .url`,
		GroupID: "tools",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			t := replay.Tail{Selection: replay.Selection{Sites: sites}, Show: showLine(cmd.OutOrStdout(), asJSON)}
			if t.Selection.From, err = replay.ParsePoint(from, time.Now()); err != nil {
				return fmt.Errorf("cannot use --from: %w", err)
			}
			if t.Selection.Types, err = eventTypes(types); err != nil {
				return err
			}
			for _, name := range outcomes {
				var o schemas.Outcome
				if err := o.UnmarshalText([]byte(name)); err != nil || o != schemas.Allowed && o != schemas.Anonymised {
					return fmt.Errorf("cannot use --outcome: must be allowed or anonymised; others leave no record")
				}
				t.Outcomes = append(t.Outcomes, o)
			}
			return tail(cmd, &t)
		},
	})
	flags := cmd.Flags()
	flags.StringSliceVar(&sites, "site", nil, "only events of this `SITE`; may be repeated")
	flags.StringSliceVar(&types, "type", nil, "only events of this `TYPE`, such as pageview; may be repeated")
	flags.StringSliceVar(&outcomes, "outcome", nil, "only records with this `OUTCOME`: allowed or anonymised")
	flags.StringVar(&from, "from", "now", "begin earlier: `TIME|OFFSET`, as sekisho replay takes it")
	flags.BoolVar(&asJSON, "json", false, "print one JSON object a line, in the form of the topic's records")
	return cmd
}

func tail(cmd *cobra.Command, t *replay.Tail) error {
	o, err := openReview(cmd)
	if err != nil {
		return err
	}
	defer o.close()
	t.Cluster, t.Reviewer, t.Log = o.cluster, o.review.Reviewer, o.log
	err = t.Run(o.context)
	if n := t.Withheld(); n > 0 {
		fmt.Fprintf(cmd.ErrOrStderr(), "%d records were withheld: by resets, or by the policy of now\n", n)
	}
	return err
}

// showLine returns what prints a record as a line.
func showLine(to io.Writer, asJSON bool) func(*schemas.Record) error {
	var line []byte
	return func(r *schemas.Record) error {
		if asJSON {
			line = append(r.AppendJSON(line[:0]), '\n')
		} else {
			line = append(appendReadable(line[:0], r), '\n')
		}
		_, err := to.Write(line)
		return err
	}
}

// appendReadable appends a record for people to read: time, site, type, outcome
// and reason, who may have it, and its fields.
func appendReadable(b []byte, r *schemas.Record) []byte {
	b = append(b, r.Event.Get(schemas.Time)...)
	var recipients []string
	for i := range r.Grants {
		recipients = append(recipients, r.Grants[i].Recipient)
	}
	for _, text := range []string{r.Event.Get(schemas.Site), r.Event.Type.String(), r.Outcome.String() + " (" + r.Reason.String() + ")", strings.Join(recipients, "+")} {
		b = append(append(b, "  "...), text...)
	}
	for f := range (r.Event.Fields &^ schemas.SetOf(schemas.ID, schemas.Type, schemas.Site, schemas.Time)).Each {
		b = appendPair(b, f.String(), r.Event.Get(f))
	}
	for i := range r.Event.Properties {
		b = appendPair(b, r.Event.Properties[i].Name, r.Event.Properties[i].Text)
	}
	return b
}

// appendPair appends a name and a value, quoted where it could be misread.
func appendPair(b []byte, name, value string) []byte {
	b = append(append(append(b, "  "...), name...), '=')
	if value == "" || strings.ContainsAny(value, " \"\\") || strconv.Quote(value) != `"`+value+`"` {
		return strconv.AppendQuote(b, value)
	}
	return append(b, value...)
}
