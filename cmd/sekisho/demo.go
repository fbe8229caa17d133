package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/cmd/sekisho/internal/local"
	"sekisho/cmd/sekisho/internal/traffic"
)

// demoFlags are the flags of `sekisho demo`.
type demoFlags struct {
	addresses, collector, clickhouse string
	options                          traffic.Options
	watch                            traffic.Watched
	json                             bool
}

func demoCommand() *cobra.Command {
	var f demoFlags
	cmd := withConfig(&cobra.Command{
		Use:   "demo",
		Short: "Send believable traffic and account for every event",
		Long: `Send believable traffic to a running ` + "`sekisho up`" + ` (found by itself), or to any
collector: visitors of several sites who accept, decline, change their mind and
ask to be forgotten, retries, and clients that send nonsense.

At the end, every answer of the collector is held against ClickHouse, and what
third parties were granted against what their stand-ins received. The exit code
is 0 only if the account balances: nothing lost, doubled, leaked or unaccounted
for. It expects the example policy, and no other traffic meanwhile.`,
		Example: `  sekisho demo --count 100000
  sekisho demo --rate 500 --for 1m
  sekisho demo --collector http://collect.example:8080 --clickhouse ch.example:9000 --count 1000 --json`,
		GroupID: "try",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return demo(cmd, f) },
	})
	flags := cmd.Flags()
	flags.StringVar(&f.addresses, "addresses", filepath.Join(local.DefaultDir(), local.AddressesFile), "`FILE` with the addresses of a running sekisho up")
	flags.StringVar(&f.collector, "collector", "", "`URL` of a collector, instead of --addresses")
	flags.StringVar(&f.clickhouse, "clickhouse", "", "native `ADDRESS` of its ClickHouse (host:port), instead of --addresses")
	flags.Uint64Var(&f.options.Count, "count", 0, "events to send (default 20000, unless --for is given)")
	flags.DurationVar(&f.options.Duration, "for", 0, "how long to send, such as 30s")
	flags.IntVar(&f.options.Rate, "rate", 0, "events a second; 0 is as fast as it goes")
	flags.IntVar(&f.options.Workers, "clients", 32, "clients that send at the same time")
	flags.Uint64Var(&f.options.Seed, "seed", 1, "seed of the traffic")
	flags.BoolVar(&f.json, "json", false, "print the account as JSON")
	cmd.MarkFlagsRequiredTogether("collector", "clickhouse")
	cmd.MarkFlagsMutuallyExclusive("collector", "addresses")
	return cmd
}

func demo(cmd *cobra.Command, f demoFlags) error {
	c, log, err := load(cmd)
	if err != nil {
		return err
	}
	if f.options.Workers < 1 || f.options.Workers > 10000 {
		return fmt.Errorf("--clients is %d, must be from 1 to 10000", f.options.Workers)
	}
	if f.options.Rate < 0 || f.options.Duration < 0 {
		return errors.New("--rate and --for must not be negative")
	}
	if err := f.locate(c); err != nil {
		return err
	}
	if f.options.Count == 0 && f.options.Duration == 0 {
		f.options.Count = 20000
	}
	ctx := cmd.Context()
	reach, stop := context.WithTimeout(ctx, 30*time.Second)
	defer stop()
	store, err := openClickHouse(reach, c, log)
	if err != nil {
		return fmt.Errorf("cannot reach ClickHouse at %s; is sekisho up running? %w", f.clickhouse, err)
	}
	defer store.Close()
	verifier, err := traffic.Before(ctx, store.Conn(), c.ClickHouse.Database, f.watch)
	if err != nil {
		return err
	}
	bar := progress(int64(f.options.Count), "sending", "events")
	f.options.Progress = func(n int) { _ = bar.Add(n) }
	t := traffic.New(f.options)
	err = t.Run(ctx)
	_ = bar.Exit()
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "\nwaiting for ClickHouse to have all of it")
	settle, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
	defer cancel()
	account, err := verifier.Verify(settle, t)
	if err != nil {
		return err
	}
	if err := report(cmd.OutOrStdout(), account, f.json); err != nil {
		return err
	}
	if !account.Balanced {
		return &exitError{1}
	}
	return nil
}

// locate finds the collector and its ClickHouse.
func (f *demoFlags) locate(c *config.Config) error {
	f.options.Collector = f.collector
	if f.collector == "" {
		a, err := local.ReadAddresses(f.addresses)
		if err != nil {
			return err
		}
		f.options.Collector, f.clickhouse = a.Collector, a.ClickHouseNative
		f.watch = traffic.Watched{Admin: a.Admin, StandIns: a.Vendors}
	}
	c.ClickHouse.Addresses = []string{f.clickhouse}
	return nil
}

// progress returns a bar on standard error, with the rate and the time left; -1
// or 0 for an unknown length.
func progress(length int64, what, unit string) *progressbar.ProgressBar {
	if length == 0 {
		length = -1
	}
	return progressbar.NewOptions64(length,
		progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionSetDescription(what),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString(unit),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(200*time.Millisecond),
		progressbar.OptionSetWidth(30),
	)
}

func report(to io.Writer, a traffic.Account, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(to).Encode(a)
	}
	verdict := "the account balances"
	if !a.Balanced {
		verdict = "THE ACCOUNT DOES NOT BALANCE"
	}
	if _, err := fmt.Fprintf(to, `
sent        %10d events in %.1f s (%.0f a second), %d of them twice; %d visitors reset
received    %10d = allowed %d + anonymised %d + dropped %d + rejected %d
stored      %10d rows in ClickHouse; %d more withheld or erased after a reset
lost        %10d
doubled     %10d
leaked      %10d
unaccounted %10d
`, a.Events, a.Seconds, a.EventsPerSecond, a.Retried, a.Resets,
		a.Received, a.Allowed, a.Anonymised, a.Dropped, a.Rejected,
		a.Stored, a.Reset, a.Lost, a.Doubled, a.Leaked, a.Unaccounted); err != nil {
		return err
	}
	for i := range a.ThirdParties {
		if _, err := fmt.Fprintln(to, describe(&a.ThirdParties[i])); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(to, verdict)
	return err
}

// describe says what a third party was sent.
func describe(p *traffic.ThirdParty) string {
	line := fmt.Sprintf("%-11s %10d granted = %d arrived", p.Recipient, p.Granted, p.Arrived)
	for _, why := range slices.Sorted(maps.Keys(p.Unsent)) {
		if n := p.Unsent[why]; n > 0 {
			line += fmt.Sprintf(" + %d %s", n, strings.ReplaceAll(why, "_", " "))
		}
	}
	line += fmt.Sprintf("; %d lost, %d counted twice, %d recognised, %d rules broken", p.Lost, p.Doubled, p.Known, p.Violations)
	separator := "\n            "
	for _, name := range slices.Sorted(maps.Keys(p.Names)) {
		if n := p.Names[name]; n > 0 {
			line += fmt.Sprintf("%s%s %d", separator, name, n)
			separator = ", "
		}
	}
	return line
}
