package main

import (
	"github.com/VictoriaMetrics/metrics"
	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/role"
)

func forwardCommand() *cobra.Command {
	return withConfig(&cobra.Command{
		Use:   "forward NAME...",
		Short: "Send events to third parties, each what was granted for it",
		Long: `Run a member of the consumer group that sends events to a recipient: a forwarder
of the configuration (forwarders.NAME), whose NAME is that of a recipient of the
handling policy. Several names are run in one process.

An event is sent as far as the policy, the resets and the opt-outs of the moment
let the recipient have it. While a recipient is down its events wait in Kafka;
while it needs an operator, as when a token was revoked, the metric
sekisho_forward_paused is 1. Secrets are taken up within seconds when their files
change, at once on SIGHUP.`,
		Example: `  sekisho forward google --config sekisho.yaml`,
		GroupID: "roles",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, names []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			if err := role.CheckForwarders(c, names); err != nil {
				return err
			}
			cluster, _, err := openKafka(cmd.Context(), c, log)
			if err != nil {
				return err
			}
			defer cluster.Close()
			set := metrics.NewSet()
			forwarders, err := role.StartForwarders(c, names, cluster, set, log)
			if err != nil {
				return err
			}
			return run(cmd.Context(), c, set, forwarders, log, "forward", "")
		},
	})
}
