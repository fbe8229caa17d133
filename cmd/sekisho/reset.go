package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/cmd/sekisho/internal/resetfile"
	"sekisho/cmd/sekisho/internal/role"
	"sekisho/enforcer"
	"sekisho/ingest"
	"sekisho/schemas"
	"sekisho/stream"
)

func resetCommand() *cobra.Command {
	var kind, id, file, format string
	var o resetOptions
	cmd := withOperator(&cobra.Command{
		Use:   "reset --kind KIND --id ID | --file FILE",
		Short: "Reset identifiers: of one user, or of many in a file",
		Long: `Reset an identifier: no event under it passes any more, and what is stored
under it loses its association. That cannot be taken back; a new identifier of
the same user starts clean. To reset an identifier again does no harm.

An argument can be seen by other users of the machine and is kept by the shell:
--id - reads the identifier from standard input instead. No identifier is ever
printed, logged or written anywhere.

A file of many is CSV with the columns kind and id, or JSON lines with the
members kind and id. It is checked as a whole before anything is reset. A run
that is cut off notes beside the file how far it came, and the same command goes
on from there.

The answer is a ticket: sekisho reset status TICKET tells how far the reset is.
With --wait the command returns once nothing in ClickHouse can be tied to the
identifiers. Who asked (--by) goes into the audit log, the table audit in
ClickHouse, without any identifier, as soon as a sink has read the reset.

A session is known only beside the visitor whose it is: reset the visitor. The
value of the cookie sekisho_id is a visitor_id as it is.

The keys must be those of the collectors. They are held against the latest resets
in Kafka before anything is reset.`,
		Example: `  sekisho reset --kind visitor_id --id - <id.txt
  sekisho reset --file closed-accounts.csv
  zcat ids.jsonl.gz >ids.jsonl && sekisho reset --file ids.jsonl --config sekisho.yaml`,
		GroupID: "tools",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			by, err := actorOf(o.by)
			if err != nil {
				return err
			}
			if o.by = by; len(by) > schemas.MaxBy {
				return fmt.Errorf("--by must be at most %d bytes", schemas.MaxBy)
			}
			if file == "" {
				return resetOne(cmd, kind, id, o)
			}
			if format == "" {
				format = resetfile.FormatOf(file)
			}
			if !slices.Contains(resetfile.Formats, format) {
				return fmt.Errorf("cannot tell the form of %s by its name: add --format csv or --format jsonl", file)
			}
			return resetMany(cmd, file, format, o)
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&kind, "kind", "", "`KIND` of the identifier: "+strings.Join(resetfile.Kinds.Names(), ", "))
	flags.StringVar(&id, "id", "", "the `IDENTIFIER`; - reads it from standard input")
	flags.StringVar(&file, "file", "", "`FILE` of many identifiers")
	flags.StringVar(&format, "format", "", "`FORMAT` of the file, csv or jsonl; by its name when empty")
	flags.StringVar(&o.by, "by", "", "`WHO` asks, for the audit log; the user of this machine when empty")
	flags.BoolVar(&o.wait, "wait", false, "wait until it is erased, and say how far it is")
	flags.BoolVar(&o.json, "json", false, "print the answer as JSON")
	cmd.MarkFlagsMutuallyExclusive("file", "kind")
	cmd.MarkFlagsMutuallyExclusive("file", "id")
	cmd.MarkFlagsRequiredTogether("kind", "id")
	cmd.MarkFlagsOneRequired("file", "kind")
	cmd.AddCommand(resetStatusCommand())
	return cmd
}

// resetOptions are the flags of the command that say how, not what.
type resetOptions struct {
	by         string
	wait, json bool
}

// resetter makes resets and writes them.
type resetter struct {
	resetOptions
	make    func(f schemas.Field, normal string, at time.Time) schemas.Reset
	key     string // names that of the registry
	resets  *stream.Resets
	tickets *ingest.Tickets
	config  *config.Config
	cluster *stream.Cluster
}

func openResetter(cmd *cobra.Command, o resetOptions) (*resetter, error) {
	c, log, err := operator(cmd)
	if err != nil {
		return nil, err
	}
	keys, registry, err := role.Secrets(c.Keys)
	if err != nil {
		return nil, err
	}
	tickets, err := ingest.NewTickets([]byte(c.Keys.Registry.Reveal()))
	if err != nil {
		return nil, err
	}
	cluster, _, err := openKafka(cmd.Context(), c, log)
	if err != nil {
		return nil, err
	}
	if err := role.CheckKeys(cmd.Context(), cluster, registry, keys); err != nil {
		cluster.Close()
		return nil, fmt.Errorf("cannot reset: %w", err)
	}
	return &resetter{
		resetOptions: o,
		make: func(f schemas.Field, normal string, at time.Time) schemas.Reset {
			reset := ingest.ResetOf(registry, keys, f, normal, at)
			reset.By = o.by
			return reset
		},
		key: registry.KeyID(), resets: stream.NewResets(cluster, nil, log), tickets: tickets, config: c, cluster: cluster,
	}, nil
}

// report says that resets were accepted and, when it is to wait, how far they are
// in the end.
func (r *resetter) report(cmd *cobra.Command, text string, resets int, k ingest.Ticket) error {
	out := cmd.OutOrStdout()
	answer := struct {
		Status      string              `json:"status"`
		Identifiers int                 `json:"identifiers"`
		Ticket      string              `json:"ticket"`
		Progress    *ingest.ResetStatus `json:"progress,omitempty"`
	}{"accepted", resets, r.tickets.Seal(k), nil}
	if !r.json {
		fmt.Fprintf(out, "%s; ticket\n%s\n", text, answer.Ticket)
	}
	if r.wait {
		status, err := awaitErased(cmd.Context(), r.config, r.cluster, k)
		switch {
		case err != nil:
			return fmt.Errorf("%w; sekisho reset status %s tells how far it is", err, answer.Ticket)
		case !r.json:
			return writeStatus(out, status)
		}
		answer.Progress = &status
	}
	if !r.json {
		return nil
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(answer)
}

func resetOne(cmd *cobra.Command, kind, id string, o resetOptions) error {
	if id == "-" {
		line, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 64<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("cannot read the identifier: %w", err)
		}
		id = line
	}
	identifier, err := resetfile.Parse(kind, strings.TrimSpace(id))
	switch {
	case err != nil:
		return fmt.Errorf("cannot reset: %w", err)
	case identifier.Normal == "":
		return errors.New("cannot reset: an advertising identifier of zeros is none")
	}
	// Clients may have sent it so, and what is stored can be reset.
	if problem := enforcer.CheckIdentifier(identifier.Field, strings.TrimSpace(id)); problem != nil {
		_, _ = fmt.Fprintf(cmd.ErrOrStderr(), "warning: %s; it is reset as it is written\n", problem)
	}
	r, err := openResetter(cmd, o)
	if err != nil {
		return err
	}
	defer r.cluster.Close()
	offset, err := r.resets.Append(cmd.Context(), []schemas.Reset{r.make(identifier.Field, identifier.Normal, time.Now())})
	if err != nil {
		return err
	}
	return r.report(cmd, "accepted", 1, ingest.Ticket{From: offset, To: offset + 1, At: time.Now()})
}

func resetMany(cmd *cobra.Command, name, format string, o resetOptions) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("cannot read the identifiers: %w", err)
	}
	defer file.Close()
	r, err := openResetter(cmd, o)
	if err != nil {
		return err
	}
	defer r.cluster.Close()
	where, end, err := r.where(cmd.Context())
	if err != nil {
		return err
	}
	started := time.Now()
	bar := newProgress(os.Stderr, "resetting", "reset", "identifiers")
	result, err := resetfile.Run(cmd.Context(), file, format, resetfile.Options{
		Where: where, End: end, Reset: r.make, Append: r.resets.Append,
		Progress: func(done, of int) { bar.update(int64(done), int64(of)) },
	})
	bar.end()
	if err != nil {
		return err
	}
	if result.Resets == 0 {
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "nothing to reset: %d identifiers are none\n", result.None)
		return err
	}
	text := fmt.Sprintf("accepted %d resets in %.1f s", result.Resets, time.Since(started).Seconds())
	if result.Resumed > 0 {
		text += fmt.Sprintf(", going on after line %d", result.Resumed)
	}
	if result.None > 0 {
		text += fmt.Sprintf(", %d identifiers were none", result.None)
	}
	return r.report(cmd, text, result.Resets, ingest.Ticket{From: result.From, To: result.To, At: time.Now(), Many: true})
}

// where names what is reset in, and tells the offset after its last reset.
func (r *resetter) where(ctx context.Context) (name string, end int64, err error) {
	id, err := r.cluster.ID(ctx)
	if err != nil {
		return "", 0, err
	}
	topic := r.cluster.Config().Topics.Resets
	spans, err := r.cluster.Spans(ctx, topic)
	if err != nil {
		return "", 0, err
	}
	return strings.Join([]string{id, topic, r.key}, "/"), spans[0].To, nil
}

// recipientsOf are the names of the policy's recipients, or without a policy of
// those that have reported.
func recipientsOf(c *config.Config, progress *stream.Progress) ([]string, error) {
	if c.Policy == "" {
		return progress.Recipients(), nil
	}
	p, err := role.LoadPolicy(c.Policy)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(p.Recipients))
	for name := range p.Recipients {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}
