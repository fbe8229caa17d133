package main

import (
	"bufio"
	"context"
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
	"sekisho/ingest"
	"sekisho/schemas"
	"sekisho/stream"
)

func resetCommand() *cobra.Command {
	var kind, id, file, format string
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

The answer is a ticket: sekisho reset status TICKET tells how far the reset is.`,
		Example: `  sekisho reset --kind visitor_id --id - <id.txt
  sekisho reset --file closed-accounts.csv
  zcat ids.jsonl.gz >ids.jsonl && sekisho reset --file ids.jsonl --config sekisho.yaml`,
		GroupID: "tools",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if file == "" {
				return resetOne(cmd, kind, id)
			}
			if format == "" {
				format = resetfile.FormatOf(file)
			}
			if !slices.Contains(resetfile.Formats, format) {
				return fmt.Errorf("cannot tell the form of %s by its name: add --format csv or --format jsonl", file)
			}
			return resetMany(cmd, file, format)
		},
	})
	flags := cmd.Flags()
	flags.StringVar(&kind, "kind", "", "`KIND` of the identifier: "+strings.Join(schemas.Identifiers.Names(), ", "))
	flags.StringVar(&id, "id", "", "the `IDENTIFIER`; - reads it from standard input")
	flags.StringVar(&file, "file", "", "`FILE` of many identifiers")
	flags.StringVar(&format, "format", "", "`FORMAT` of the file, csv or jsonl; by its name when empty")
	cmd.MarkFlagsMutuallyExclusive("file", "kind")
	cmd.MarkFlagsMutuallyExclusive("file", "id")
	cmd.MarkFlagsRequiredTogether("kind", "id")
	cmd.MarkFlagsOneRequired("file", "kind")
	cmd.AddCommand(resetStatusCommand())
	return cmd
}

// resetter makes resets and writes them.
type resetter struct {
	make    func(f schemas.Field, normal string, at time.Time) schemas.Reset
	resets  *stream.Resets
	tickets *ingest.Tickets
	close   func()
}

func openResetter(cmd *cobra.Command) (*resetter, error) {
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
	return &resetter{
		make: func(f schemas.Field, normal string, at time.Time) schemas.Reset {
			return ingest.ResetOf(registry, keys, f, normal, at)
		},
		resets: stream.NewResets(cluster, nil, log), tickets: tickets, close: cluster.Close,
	}, nil
}

func (r *resetter) report(to io.Writer, text string, k ingest.Ticket) error {
	_, err := fmt.Fprintf(to, "%s; ticket\n%s\n", text, r.tickets.Seal(k))
	return err
}

func resetOne(cmd *cobra.Command, kind, id string) error {
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
	r, err := openResetter(cmd)
	if err != nil {
		return err
	}
	defer r.close()
	offset, err := r.resets.Append(cmd.Context(), []schemas.Reset{r.make(identifier.Field, identifier.Normal, time.Now())})
	if err != nil {
		return err
	}
	return r.report(cmd.OutOrStdout(), "accepted", ingest.Ticket{From: offset, To: offset + 1, At: time.Now()})
}

func resetMany(cmd *cobra.Command, name, format string) error {
	file, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("cannot read the identifiers: %w", err)
	}
	defer file.Close()
	r, err := openResetter(cmd)
	if err != nil {
		return err
	}
	defer r.close()
	started := time.Now()
	bar := newProgress(os.Stderr, "resetting", "reset", "identifiers")
	result, err := resetfile.Run(cmd.Context(), file, format, resetfile.Options{
		Reset: r.make, Append: r.resets.Append,
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
	return r.report(cmd.OutOrStdout(), text, ingest.Ticket{From: result.From, To: result.To, At: time.Now()})
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

func loadProgress(ctx context.Context, cluster *stream.Cluster) (*stream.Progress, error) {
	progress := stream.NewProgress(cluster)
	return progress, progress.Load(ctx)
}
