package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/local"
	"sekisho/cmd/sekisho/internal/vendors"
	"sekisho/sinks/standin"
)

// vendorsFlags are the flags of `sekisho vendors`.
type vendorsFlags struct {
	data  string
	ports vendors.Ports
	json  bool
}

func vendorsCommand() *cobra.Command {
	var f vendorsFlags
	cmd := withConfig(&cobra.Command{
		Use:   "vendors",
		Short: "Stand in for the third parties: Google Analytics, Meta, a webhook receiver",
		Long: `Run servers that stand in for Google Analytics 4 (Measurement Protocol and user
deletion), Meta (Conversions API) and a webhook receiver, and show what each
received. They answer as the vendors do, hold every request against the vendors'
published rules and count what breaks them.

Each serves GET / (a page), GET /received (JSON) and PUT /script, which has it
misbehave: a list of faults, each for a number of requests (0: until the next
script), of the kinds delay, throttle, limit, error, half, reset, down, revoke.

sekisho up starts them itself, with forwarders to them.`,
		Example: `  sekisho vendors
  sekisho vendors --json | jq .violations
  curl -X PUT localhost:8607/script -d '[{"kind":"throttle","times":5,"retry_after":"2s"},{"kind":"reset","times":1}]'`,
		GroupID: "try",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return standIn(cmd, f) },
	})
	flags := cmd.Flags()
	flags.StringVar(&f.data, "data", filepath.Join(local.DefaultDir(), "vendors"), "data `DIR`, for the secrets that they know")
	flags.BoolVar(&f.json, "json", false, "print what was received as JSON, a line for each stand-in and change")
	vendorPorts(cmd, &f.ports)
	return cmd
}

// vendorPorts adds the flags of the stand-ins' ports.
func vendorPorts(cmd *cobra.Command, ports *vendors.Ports) {
	for _, p := range []struct {
		port *int
		name string
		of   string
		def  int
	}{
		{&ports.Google, "google", "Google Analytics", 8606},
		{&ports.Meta, "meta", "Meta", 8607},
		{&ports.Webhook, "webhook", "a webhook receiver", 8608},
	} {
		cmd.Flags().IntVar(p.port, p.name+"-port", p.def, "port of the stand-in of "+p.of+"; 0 takes a free one")
	}
}

// standIn runs the stand-ins until it is told to stop.
func standIn(cmd *cobra.Command, f vendorsFlags) (err error) {
	_, log, err := load(cmd)
	if err != nil {
		return err
	}
	dir, err := local.Open(f.data)
	if err != nil {
		return err
	}
	defer dir.Close()
	set, err := vendors.Start(dir, f.ports, log)
	if err != nil {
		return err
	}
	defer func() {
		deadline, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		err = errors.Join(err, set.Stop(deadline))
	}()
	out := cmd.OutOrStdout()
	if !f.json {
		if err := set.Introduce(out); err != nil {
			return err
		}
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	shown := map[string]uint64{}
	for {
		stop := false
		select {
		case <-cmd.Context().Done():
			stop = true
		case <-tick.C:
		}
		for _, s := range set.All() {
			r := s.Received()
			if shown[r.Vendor] == r.Requests {
				continue
			}
			shown[r.Vendor] = r.Requests
			if err := show(out, &r, f.json); err != nil {
				return err
			}
		}
		if stop {
			return nil
		}
	}
}

// show prints what a stand-in received: a line.
func show(to io.Writer, r *standin.Received, asJSON bool) error {
	if asJSON {
		r.Last = nil // they are at /received
		return json.NewEncoder(to).Encode(r)
	}
	_, err := fmt.Fprintf(to, "%s  %-8s requests %-7d events %-8d dropped %-5d doubled %-5d known %-5d deletions %-4d violations %d\n",
		time.Now().Format(time.TimeOnly), r.Vendor, r.Requests, r.Events, r.Dropped, r.Doubled, r.Deduplicated, r.Deletions, r.Violations)
	return err
}
