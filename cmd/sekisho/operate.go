package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/cmd/sekisho/internal/local"
	"sekisho/cmd/sekisho/internal/role"
	"sekisho/cmd/sekisho/internal/vendors"
	"sekisho/schemas/strict"
	"sekisho/stream"
)

// withOperator adds to a command of an operator what it needs to find what it is
// to work on: --config for a deployment, --data for a `sekisho up`.
func withOperator(cmd *cobra.Command) *cobra.Command {
	withConfig(cmd).Flags().String("data", local.DefaultDir(), "data `DIR` of a running sekisho up, which is used where the configuration names no Kafka")
	return cmd
}

// operator reads the configuration of such a command. Where it names no Kafka
// it is that of a `sekisho up`, whose addresses, policy and secrets are in its
// data directory.
func operator(cmd *cobra.Command) (*config.Config, *slog.Logger, error) {
	c, log, err := load(cmd)
	if err != nil || len(c.Kafka.Brokers) > 0 {
		return c, log, err
	}
	dir, err := cmd.Flags().GetString("data")
	if err != nil {
		return nil, nil, err
	}
	if err := useUp(c, dir); err != nil {
		return nil, nil, fmt.Errorf("%w; or name a deployment with --config", err)
	}
	return c, log, nil
}

// reviewing is what a command needs that reads records and decides about them as of
// now.
type reviewing struct {
	context context.Context // of the command; ends with close
	config  *config.Config
	cluster *stream.Cluster
	review  *role.Review
	log     *slog.Logger
	close   func()
}

func openReview(cmd *cobra.Command) (*reviewing, error) {
	c, log, err := operator(cmd)
	if err != nil {
		return nil, err
	}
	cluster, _, err := openKafka(cmd.Context(), c, log)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(cmd.Context())
	r := &reviewing{context: ctx, config: c, cluster: cluster, log: log, close: func() { stop(); cluster.Close() }}
	if r.review, err = role.StartReview(ctx, c, cluster, log); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

// useUp puts into the configuration what a `sekisho up` keeps in its directory.
func useUp(c *config.Config, dir string) error {
	addresses, err := local.ReadAddresses(filepath.Join(dir, local.AddressesFile))
	if err != nil {
		return err
	}
	c.Kafka.Brokers = []string{addresses.Kafka}
	if len(c.ClickHouse.Addresses) == 0 {
		c.ClickHouse.Addresses = []string{addresses.ClickHouseNative}
	}
	if c.Policy == "" {
		c.Policy = addresses.Policy
	}
	for secret, name := range map[*strict.Secret]string{&c.Keys.Secret: "pseudonyms", &c.Keys.Registry: "registry"} {
		if secret.IsSet() {
			continue
		}
		text, err := os.ReadFile(local.SecretFile(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot read a secret of the data directory: %w", err)
		}
		*secret = strict.NewSecret(strings.TrimSpace(string(text)))
	}
	if len(c.Forwarders) == 0 && len(addresses.Vendors) > 0 {
		return forwardTo(addresses.Vendors, vendors.SecretsIn(dir), c)
	}
	return nil
}
