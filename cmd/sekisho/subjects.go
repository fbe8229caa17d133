package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/cmd/sekisho/internal/resetfile"
	"sekisho/cmd/sekisho/internal/role"
	"sekisho/stream"
)

// subjectFlags are those of the commands that answer for one user.
type subjectFlags struct{ kind, id, file, format, by string }

func (f *subjectFlags) add(cmd *cobra.Command) *cobra.Command {
	flags := cmd.Flags()
	flags.StringVar(&f.kind, "kind", "", "`KIND` of the identifier: "+strings.Join(resetfile.Kinds.Names(), ", "))
	flags.StringVar(&f.id, "id", "", "the `IDENTIFIER`; - reads it from standard input")
	flags.StringVar(&f.file, "file", "", "`FILE` of several identifiers of the user, CSV or JSON lines as sekisho reset takes them")
	flags.StringVar(&f.format, "format", "", "`FORMAT` of the file, csv or jsonl; by its name when empty")
	flags.StringVar(&f.by, "by", "", "`WHO` asks, for the audit log; the user of this machine when empty")
	cmd.MarkFlagsMutuallyExclusive("file", "kind")
	cmd.MarkFlagsMutuallyExclusive("file", "id")
	cmd.MarkFlagsRequiredTogether("kind", "id")
	cmd.MarkFlagsOneRequired("file", "kind")
	return withOperator(cmd)
}

// actorOf is who asks, by --by or else the user of this machine.
func actorOf(by string) (string, error) {
	if by != "" {
		return by, nil
	}
	u, err := user.Current()
	if err != nil {
		return "", fmt.Errorf("cannot tell who asks: %w; say it with --by", err)
	}
	return u.Username, nil
}

// identifiers reads them. No error repeats one.
func (f *subjectFlags) identifiers(in io.Reader) (list []resetfile.Identifier, err error) {
	if f.file != "" {
		return f.fromFile()
	}
	id := f.id
	if id == "-" {
		line, err := bufio.NewReader(io.LimitReader(in, 64<<10)).ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("cannot read the identifier: %w", err)
		}
		id = line
	}
	identifier, err := resetfile.Parse(f.kind, strings.TrimSpace(id))
	if err != nil {
		return nil, err
	}
	return known(identifier)
}

func (f *subjectFlags) fromFile() ([]resetfile.Identifier, error) {
	format := f.format
	if format == "" {
		format = resetfile.FormatOf(f.file)
	}
	file, err := os.Open(f.file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the identifiers: %w", err)
	}
	defer file.Close()
	source, err := resetfile.Open(file, format, resetfile.Place{})
	if err != nil {
		return nil, fmt.Errorf("cannot read %s: %w", f.file, err)
	}
	var list []resetfile.Identifier
	for {
		identifier, err := source.Next()
		switch {
		case errors.Is(err, io.EOF):
			return known(list...)
		case err != nil:
			return nil, fmt.Errorf("cannot read %s: %w", f.file, err)
		case len(list) == maxSubject:
			return nil, fmt.Errorf("%s has more than %d identifiers, which no single user has; sekisho reset takes files of many", f.file, maxSubject)
		}
		list = append(list, identifier)
	}
}

// maxSubject is the most identifiers that one user may have.
const maxSubject = 1000

// known leaves out what is no identifier.
func known(all ...resetfile.Identifier) (list []resetfile.Identifier, err error) {
	for _, identifier := range all {
		if identifier.Normal != "" {
			list = append(list, identifier)
		}
	}
	if len(list) == 0 {
		return nil, errors.New("there is no identifier: an advertising identifier of zeros is none")
	}
	return list, nil
}

// subjects is what answers, of whom and to whom, and what it is made of.
type subjects struct {
	*role.Subjects
	identifiers []resetfile.Identifier
	actor       string

	config  *config.Config
	cluster *stream.Cluster
	close   func()
}

// open reads what the flags name and connects.
func (f *subjectFlags) open(cmd *cobra.Command) (*subjects, error) {
	ctx := cmd.Context()
	identifiers, err := f.identifiers(cmd.InOrStdin())
	if err != nil {
		return nil, err
	}
	actor, err := actorOf(f.by)
	if err != nil {
		return nil, err
	}
	c, log, err := operator(cmd)
	if err != nil {
		return nil, err
	}
	if err := role.CheckSink(c); err != nil {
		return nil, err
	}
	cluster, _, err := openKafka(ctx, c, log)
	if err != nil {
		return nil, err
	}
	store, err := openClickHouse(ctx, c, log)
	if err != nil {
		cluster.Close()
		return nil, err
	}
	follow, stop := context.WithCancel(ctx)
	s := &subjects{identifiers: identifiers, actor: actor, config: c, cluster: cluster, close: func() { stop(); store.Close(); cluster.Close() }}
	err = migrated(ctx, store, log)
	if err == nil {
		var review *role.Review
		if review, err = role.StartReview(follow, c, cluster, log); err == nil {
			s.Subjects, err = review.Subjects(store)
		}
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}
