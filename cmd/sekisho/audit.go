package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/role"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/audit"
	"sekisho/sinks/clickhouse"
	"sekisho/sinks/forward"
	"sekisho/sinks/replay"
	"sekisho/stream"
)

// auditFlags are the flags of `sekisho audit`.
type auditFlags struct {
	from, to  string
	all, json bool
}

func auditCommand() *cobra.Command {
	var f auditFlags
	cmd := withOperator(&cobra.Command{
		Use:   "audit",
		Short: "Check that every event is accounted for, in Kafka and in ClickHouse",
		Long: `Check, for each site and minute of receipt, that

  received             = allowed + anonymised + dropped + rejected
  allowed + anonymised = stored + pending + dead-lettered + withheld + expired
                         + repeated + elsewhere

where withheld are events that were reset, or that today's policy does not give the
store; repeated, those received again under the same id, which are stored once;
and elsewhere, those that only third parties were given.

It reads all of the events topic (events can come late), asks ClickHouse for every
event of the range, compares what ClickHouse counts with the accounts in Kafka,
decision by decision, and names each difference: an event that is missing,
uncounted, lost or doubled, decisions that are miscounted, and rows in ClickHouse
that are unknown to Kafka. It ends with code 1 when there is one. It changes nothing
and may run at any time; what is under way meanwhile is pending.

A row has no minute of receipt, so rows are looked for by their time; those of
events that Kafka may no longer have (kafka.retention) are left out.

Of each third party it says how many events have expired before they could be sent.

--from and --to are a time (2026-11-02T09:00:00Z, or a day, in UTC), a time ago
(36h), or now. --from is included, --to is not. It takes some 80 bytes of memory
for each event that Kafka has.`,
		Example: `  sekisho audit
  sekisho audit --from 2026-11-01 --to 2026-11-02 --all
  sekisho audit --from 1h --json | jq .total`,
		GroupID: "tools",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runAudit(cmd, f) },
	})
	cmd.Flags().StringVar(&f.from, "from", "24h", "the first minute: `TIME`")
	cmd.Flags().StringVar(&f.to, "to", "now", "the minute after the last: `TIME`")
	cmd.Flags().BoolVar(&f.all, "all", false, "print every site and minute, not only those with a difference")
	cmd.Flags().BoolVar(&f.json, "json", false, "print the whole report as one JSON object")
	return cmd
}

// span reads the range, in whole minutes.
func (f *auditFlags) span(now time.Time) (from, to time.Time, err error) {
	if from, err = timeOf(f.from, now); err != nil {
		return from, to, fmt.Errorf("cannot use --from: %w", err)
	}
	if to, err = timeOf(f.to, now); err != nil {
		return from, to, fmt.Errorf("cannot use --to: %w", err)
	}
	from = from.Truncate(time.Minute)
	to = to.Add(time.Minute - 1).Truncate(time.Minute)
	if !from.Before(to) {
		return from, to, fmt.Errorf("cannot audit from %s to %s: --from must be before --to", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	return from, to, nil
}

func timeOf(text string, now time.Time) (time.Time, error) {
	p, err := replay.ParsePoint(text, now)
	switch {
	case err == nil && p.Now:
		return now, nil
	case err != nil || p.Time.IsZero():
		return time.Time{}, errors.New("it must be a time (2026-11-02T09:00:00Z, or a day), a time ago (36h), or now")
	}
	return p.Time, nil
}

func runAudit(cmd *cobra.Command, f auditFlags) error {
	from, to, err := f.span(time.Now())
	if err != nil {
		return err
	}
	c, log, err := operator(cmd)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(cmd.Context())
	defer stop()
	rules, err := role.LoadPolicy(c.Policy)
	if err != nil {
		return err
	}
	cluster, _, err := openKafka(ctx, c, log)
	if err != nil {
		return err
	}
	defer cluster.Close()
	store, err := openClickHouse(ctx, c, log)
	if err != nil {
		return err
	}
	defer store.Close()
	review, err := role.StartReview(ctx, c, cluster, log)
	if err != nil {
		return err
	}
	letters := stream.NewDeadLetters(cluster, nil)
	letters.Log = log
	show := newProgress(os.Stderr, "reading", "read", "messages")
	report, err := audit.Run(ctx, audit.Options{
		Cluster: cluster, Store: store, Group: c.ClickHouse.Group,
		Letters: letters, Retention: clickhouse.RetentionOf(rules),
		Withheld: func(r *schemas.Record) bool {
			was := r.Outcome
			left, _ := review.Only(r, policy.Store)
			return left == nil || left.Outcome != was
		},
		AnonymousIDs: review.AnonymousIDs,
		Progress:     show.update,
	}, from, to)
	show.end()
	if err != nil {
		return err
	}
	for name := range rules.Recipients {
		forwarder := c.Forwarders[name]
		expired, err := forward.Expired(ctx, cluster, forwarder.Delivery.GroupOf(name))
		if err != nil {
			return err
		}
		if expired > 0 {
			report.Expired[name] = expired
		}
	}
	if err := printAudit(cmd.OutOrStdout(), report, f); err != nil {
		return err
	}
	if !report.Balanced {
		return &exitError{1}
	}
	return nil
}

func printAudit(to io.Writer, r *audit.Report, f auditFlags) error {
	if f.json {
		out := json.NewEncoder(to)
		out.SetIndent("", "  ")
		return out.Encode(r)
	}
	differs := map[string]bool{}
	for _, d := range r.Differences {
		differs[d.Site+d.Minute.String()] = true
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "MINUTE\tSITE\tRECEIVED\tALLOWED\tANONYMISED\tDROPPED\tREJECTED\tSTORED\tPENDING\tDEAD\tWITHHELD\tEXPIRED\tREPEATED\tELSEWHERE\t")
	line := func(minute, site string, c *audit.Counts) {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", minute, site, c.Received, c.Allowed, c.Anonymised,
			c.Dropped, c.Rejected, c.Stored, c.Pending, c.DeadLettered, c.Withheld, c.Expired, c.Repeated, c.Elsewhere)
	}
	for i := range r.Rows {
		row := &r.Rows[i]
		if f.all || differs[row.Site+row.Minute.String()] {
			line(row.Minute.Format("2006-01-02T15:04Z"), orDash(row.Site), &row.Counts)
		}
	}
	line("all", "all", &r.Total)
	if err := table.Flush(); err != nil {
		return err
	}
	for _, d := range r.Differences {
		what := ""
		if d.Event != "" {
			what = d.Event + ": "
		}
		fmt.Fprintf(to, "%s: %s %s, %d: %s%s\n", d.Kind, d.Minute.Format("2006-01-02T15:04Z"), orDash(d.Site), d.Events, what, d.Detail)
	}
	for _, name := range slices.Sorted(maps.Keys(r.Expired)) {
		fmt.Fprintf(to, "%d events have expired before %s could be sent them, since its forwarder began\n", r.Expired[name], name)
	}
	if r.Balanced {
		_, err := fmt.Fprintf(to, "every event received from %s to %s is accounted for\n", r.From.Format(time.RFC3339), r.To.Format(time.RFC3339))
		return err
	}
	_, err := fmt.Fprintf(to, "%d differences\n", len(r.Differences))
	return err
}
