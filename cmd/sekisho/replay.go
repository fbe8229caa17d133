package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/spf13/cobra"

	"sekisho/schemas"
	"sekisho/sinks/clickhouse"
	"sekisho/sinks/replay"
	"sekisho/stream"
)

// replayFlags are the flags of `sekisho replay`.
type replayFlags struct {
	from, to, into string
	sites, types   []string
	rate           float64
	dryRun, again  bool
	json           bool
}

func replayCommand() *cobra.Command {
	var f replayFlags
	cmd := withOperator(&cobra.Command{
		Use:   "replay --into table:NAME|recipient:NAME|topic:NAME",
		Short: "Pass a range of the events topic on again, as of now",
		Long: `Pass a range of the events topic on again: into a table of ClickHouse, to a third
party, or into another topic. Every record is decided about anew, by today's
policy, resets and opt-outs, and never for more than was granted when it came.

  table:NAME      a table of the same structure as events, made when it is not
                  there. Each event is in it once. Decisions are not counted again.
  recipient:NAME  a third party that the configuration has a forwarder for
  topic:NAME      a Kafka topic with as many partitions as the events topic, made
                  when it is not there

--from and --to are an offset (the same in every partition), a time of events
(2026-11-02T09:00:00Z, or a day, in UTC), a time ago (36h), or now. --from is
included, --to is not. Up to a time means all that has arrived and is earlier.

Kafka keeps how far a replay is. One that was interrupted goes on there when it is
started again with the same options, on any machine, and a time ago is counted back
from when it was begun; started more than once at a time, the processes share the
work. There is one replay into a target at a time. When its table or topic was made
anew, or emptied, it does not go on in the middle: begin it with --again.`,
		Example: `  sekisho replay --into table:events_again --dry-run
  sekisho replay --into table:events_again --from 2026-11-01 --to 2026-11-08 --rate 5000
  sekisho replay --into recipient:meta --from 36h --site shop --type conversion
  sekisho replay --into topic:rebuilt --from 0 --to now`,
		GroupID: "tools",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return runReplay(cmd, f) },
	})
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "0", "where it begins: `TIME|OFFSET`; by default at the beginning of what Kafka has")
	flags.StringVar(&f.to, "to", "now", "where it ends: `TIME|OFFSET`; by default where the topic ends when it begins")
	flags.StringSliceVar(&f.sites, "site", nil, "only events of this `SITE`; may be repeated")
	flags.StringSliceVar(&f.types, "type", nil, "only events of this `TYPE`, such as pageview; may be repeated")
	flags.StringVar(&f.into, "into", "", "`TARGET`: table:NAME, recipient:NAME or topic:NAME")
	flags.Float64Var(&f.rate, "rate", 20000, "messages a second at most, so that live traffic is not starved; 0 for as fast as it goes")
	flags.BoolVar(&f.dryRun, "dry-run", false, "write nothing, only count what would be done")
	flags.BoolVar(&f.again, "again", false, "begin anew: give up the last replay into the target, or do it once more")
	flags.BoolVar(&f.json, "json", false, "print the counts as JSON")
	_ = cmd.MarkFlagRequired("into")
	return cmd
}

// selection reads what is to be replayed.
func (f *replayFlags) selection(now time.Time) (s replay.Selection, err error) {
	if s.From, err = replay.ParsePoint(f.from, now); err != nil {
		return s, fmt.Errorf("cannot use --from: %w", err)
	}
	if s.To, err = replay.ParsePoint(f.to, now); err != nil {
		return s, fmt.Errorf("cannot use --to: %w", err)
	}
	if s.Types, err = eventTypes(f.types); err != nil {
		return s, err
	}
	s.Sites = f.sites
	return s, nil
}

func eventTypes(names []string) (types []schemas.EventType, err error) {
	for _, name := range names {
		var t schemas.EventType
		if err := t.UnmarshalText([]byte(name)); err != nil {
			return nil, fmt.Errorf("cannot use --type: %w", err)
		}
		types = append(types, t)
	}
	return types, nil
}

// wanted is what the operator asks for in canonical form, by which a replay that
// was interrupted is known.
func (f *replayFlags) wanted() string {
	slices.Sort(f.sites)
	slices.Sort(f.types)
	return strings.Join([]string{f.from, f.to, strings.Join(f.sites, ","), strings.Join(f.types, ",")}, " ")
}

func runReplay(cmd *cobra.Command, f replayFlags) error {
	selection, err := f.selection(time.Now())
	if err != nil {
		return err
	}
	if f.rate < 0 {
		return errors.New("--rate must not be negative")
	}
	kind, name, _ := strings.Cut(f.into, ":")
	if !slices.Contains([]string{"table", "recipient", "topic"}, kind) || name == "" {
		return fmt.Errorf("cannot replay into %q: --into must be table:NAME, recipient:NAME or topic:NAME", f.into)
	}
	o, err := openReview(cmd)
	if err != nil {
		return err
	}
	defer o.close()
	r := &replay.Replay{
		Cluster: o.cluster, Selection: selection, Wanted: f.wanted(), Again: f.again, Reviewer: o.review.Reviewer,
		Rate: f.rate, MaxBatch: o.config.ClickHouse.Batch.MaxEvents, Log: o.log,
	}
	run := r.Run
	if f.dryRun {
		run, r.Target = r.Try, dryTarget(kind, name)
	} else {
		closing, err := o.target(r, kind, name)
		if err != nil {
			return err
		}
		defer closing()
	}
	show := newProgress(os.Stderr, "replaying", "replayed", "messages")
	r.Progress = func(p replay.Progress) { show.update(p.Done, p.Total) }
	counts, err := run(o.context)
	show.end()
	if err := errors.Join(err, reportReplay(cmd.OutOrStdout(), counts, f)); err != nil {
		if cmd.Context().Err() != nil {
			return fmt.Errorf("the replay was interrupted; start it again with the same options to go on where it was")
		}
		return err
	}
	return nil
}

// target opens what is replayed into.
func (o *reviewing) target(r *replay.Replay, kind, name string) (closing func(), err error) {
	switch kind {
	case "topic":
		r.Target, err = replay.Topic(o.context, o.cluster, name)
		return func() {}, err
	case "recipient":
		forwarder, err := o.review.Forwarder(name)
		if err != nil {
			return nil, err
		}
		r.Target = replay.Recipient(name, forwarder.Handle)
		r.MaxBatch = min(r.MaxBatch, o.config.Forwarders[name].Delivery.MaxEvents)
		return func() {}, nil
	}
	store, err := openClickHouse(o.context, o.config, o.log)
	if err != nil {
		return nil, err
	}
	err = migrated(o.context, store, o.log)
	if err == nil {
		sink := clickhouse.NewSink(store, o.cluster, clickhouse.SinkOptions{
			Gate: o.review.Gate(), Log: o.log, Metrics: metrics.NewSet(), Dead: stream.NewDeadLetters(o.cluster, nil).Append, Table: name,
		})
		var stop func()
		if r.Target, stop, err = replay.Table(o.context, store, name, sink, o.log); err == nil {
			return func() { stop(); store.Close() }, nil
		}
	}
	store.Close()
	return nil, err
}

// dryTarget is a target that only says what would go there.
func dryTarget(kind, name string) replay.Target {
	if kind == "topic" {
		return replay.AnyTopic
	}
	if kind == "table" {
		name = "store"
	}
	return replay.Recipient(name, nil)
}

// replayReport is what a replay found, as JSON.
type replayReport struct {
	DryRun   bool            `json:"dry_run"`
	Into     string          `json:"into"`
	Messages int64           `json:"messages"`
	Records  int64           `json:"records"`
	Bad      int64           `json:"unreadable"`
	Expired  int64           `json:"expired"`
	Verdicts []verdictReport `json:"verdicts"`
}

type verdictReport struct {
	Outcome schemas.Outcome `json:"outcome"`
	Reason  schemas.Reason  `json:"reason"`
	Records int64           `json:"records"`
}

// reportReplay prints what was found, per verdict and reason.
func reportReplay(to io.Writer, c replay.Counts, f replayFlags) error {
	report := replayReport{DryRun: f.dryRun, Into: f.into, Messages: c.Read, Records: c.Chosen, Bad: c.Bad, Expired: c.Expired, Verdicts: []verdictReport{}}
	for why, n := range c.Verdicts {
		report.Verdicts = append(report.Verdicts, verdictReport{why.Outcome, why.Reason, n})
	}
	slices.SortFunc(report.Verdicts, func(a, b verdictReport) int {
		return strings.Compare(b.Outcome.String()+b.Reason.String(), a.Outcome.String()+a.Reason.String())
	})
	if f.json {
		return json.NewEncoder(to).Encode(report)
	}
	done := "replayed"
	if f.dryRun {
		done = "would be replayed"
	}
	fmt.Fprintf(to, "%d messages read, %d records selected, %d unreadable; %s into %s:\n", c.Read, c.Chosen, c.Bad, done, f.into)
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for _, v := range report.Verdicts {
		fmt.Fprintf(table, "  %s\t%s\t%d\n", v.Outcome, v.Reason, v.Records)
	}
	return table.Flush()
}
