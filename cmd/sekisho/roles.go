package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/cmd/sekisho/internal/role"
	"sekisho/sinks/clickhouse"
	"sekisho/stream"
)

// drain is how long a role may take to stop.
const drain = 25 * time.Second

func collectCommand() *cobra.Command {
	return withConfig(&cobra.Command{
		Use:   "collect",
		Short: "Take events over HTTP, enforce the policy, and write to Kafka",
		Long: `Run a collector. It needs a handling policy (policy), secrets (keys) and Kafka
(kafka.brokers), whose topics must exist: see sekisho topics. It is ready once
its reset registry is caught up, and answers 503 until then, also while Kafka does
not answer when it is started. Stateless but for that; run as many as needed.

While Kafka is slow or away it keeps events on disk and answers with success, if it
has a directory for that, which must be its own: collector.spool.dir. Without one
it answers 503 then.`,
		GroupID: "roles",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			// What is wrong with the configuration is said before Kafka is awaited.
			if err := role.CheckCollector(c); err != nil {
				return err
			}
			waiting, err := role.AwaitKafka(c, log)
			if err != nil {
				return err
			}
			log.Info("collector awaits Kafka", "listen", waiting.Address(), "admin", waiting.AdminAddress())
			cluster, partitions, err := openKafka(cmd.Context(), c, log)
			waiting.Stop()
			if err != nil {
				return err
			}
			defer cluster.Close()
			set := metrics.NewSet()
			collector, err := role.StartCollector(c, cluster, partitions, set, log)
			if err != nil {
				return err
			}
			return run(cmd.Context(), c, set, collector, log, "collector", collector.Address(), collector.Pages()...)
		},
	})
}

func sinkCommand() *cobra.Command {
	cmd := group(&cobra.Command{Use: "sink", Short: "Write events from Kafka to a store", GroupID: "roles"})
	cmd.AddCommand(untilStopped(withConfig(&cobra.Command{
		Use:   "clickhouse",
		Short: "Write events from Kafka to ClickHouse",
		Long: `Run a member of the consumer group that writes events to ClickHouse, each
exactly once, and that takes out what is reset. It needs the collectors' handling
policy (policy) and secrets (keys), Kafka (kafka.brokers), and ClickHouse
(clickhouse.addresses), whose tables must exist: see sekisho migrate.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			if err := role.CheckSink(c); err != nil {
				return err
			}
			cluster, _, err := openKafka(cmd.Context(), c, log)
			if err != nil {
				return err
			}
			defer cluster.Close()
			store, err := openClickHouse(cmd.Context(), c, log)
			if err != nil {
				return err
			}
			defer store.Close()
			if err := migrated(cmd.Context(), store, log); err != nil {
				return err
			}
			set := metrics.NewSet()
			sink, err := role.StartSink(c, cluster, store, set, log)
			if err != nil {
				return err
			}
			return run(cmd.Context(), c, set, sink, log, "sink clickhouse", "", sink.Pages()...)
		},
	})))
	return cmd
}

func topicsCommand() *cobra.Command {
	cmd := withConfig(&cobra.Command{
		Use:     "topics",
		Short:   "Create the Kafka topics, or verify them",
		GroupID: "roles",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			cluster, err := connectKafka(cmd.Context(), c, log)
			if err != nil {
				return err
			}
			defer cluster.Close()
			check := cluster.EnsureTopics
			if verify, _ := cmd.Flags().GetBool("verify"); verify {
				check = cluster.VerifyTopics
			}
			partitions, err := check(cmd.Context())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "topics are as they should be: %s (%d partitions), %s (compacted)\n",
				c.Kafka.Topics.Events, partitions, c.Kafka.Topics.Resets)
			return err
		},
	})
	cmd.Flags().Bool("verify", false, "only verify; create nothing")
	return cmd
}

func migrateCommand() *cobra.Command {
	return withConfig(&cobra.Command{
		Use:   "migrate",
		Short: "Create or update the ClickHouse tables, and retention from the policy",
		Long: `Apply the migrations that the database does not have yet, and set the events'
retention (TTL) as the handling policy says. Run it before a new version of the
sink, and after the policy's retention has changed. Safe to run again.`,
		GroupID: "roles",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, log, err := load(cmd)
			if err != nil {
				return err
			}
			store, err := openClickHouse(cmd.Context(), c, log)
			if err != nil {
				return err
			}
			defer store.Close()
			return migrate(cmd.Context(), c, store, log)
		},
	})
}

// migrate applies migrations and retention.
func migrate(ctx context.Context, c *config.Config, store *clickhouse.Store, log *slog.Logger) error {
	p, err := role.LoadPolicy(c.Policy)
	if err != nil {
		return err
	}
	before, err := store.MigrationStatus(ctx)
	if err != nil {
		return err
	}
	if err := store.Migrate(ctx, clickhouse.RetentionOf(p)); err != nil {
		return err
	}
	for _, m := range before {
		if m.Applied.IsZero() {
			log.Info("applied migration", "number", m.Number, "name", m.Name)
		}
	}
	return nil
}

// migrated reports an error when the tables are not as this program needs them. It
// asks again while ClickHouse does not answer and for as long as the command is not
// stopped.
func migrated(ctx context.Context, store *clickhouse.Store, log *slog.Logger) error {
	migrations, err := store.AwaitMigrationStatus(ctx, func(err error, pause time.Duration) {
		log.Warn("ClickHouse does not tell of its tables; trying again", "pause", pause, "error", err)
	})
	if err != nil {
		return err
	}
	for _, m := range migrations {
		if m.Applied.IsZero() {
			return fmt.Errorf("migration %d (%s) has not been applied to the database; run `sekisho migrate`", m.Number, m.Name)
		}
	}
	return nil
}

// connectKafka returns when Kafka answers, trying again for as long as the
// command is not stopped.
func connectKafka(ctx context.Context, c *config.Config, log *slog.Logger) (*stream.Cluster, error) {
	cluster, err := stream.Connect(c.Kafka)
	if err != nil {
		return nil, err
	}
	err = cluster.Wait(ctx, func(err error, pause time.Duration) {
		log.Warn("Kafka does not answer; trying again", "brokers", c.Kafka.Brokers, "pause", pause, "error", err)
	})
	if err != nil {
		cluster.Close()
		return nil, err
	}
	return cluster, nil
}

// openKafka connects and verifies the topics, trying again while Kafka does not
// answer and for as long as the command is not stopped.
func openKafka(ctx context.Context, c *config.Config, log *slog.Logger) (*stream.Cluster, int, error) {
	cluster, err := connectKafka(ctx, c, log)
	if err != nil {
		return nil, 0, err
	}
	partitions, err := cluster.AwaitTopics(ctx, func(err error, pause time.Duration) {
		log.Warn("Kafka does not tell of its topics; trying again", "brokers", c.Kafka.Brokers, "pause", pause, "error", err)
	})
	if err != nil {
		cluster.Close()
		return nil, 0, err
	}
	return cluster, partitions, nil
}

// openClickHouse returns when ClickHouse answers, trying again for as long as
// the command is not stopped.
func openClickHouse(ctx context.Context, c *config.Config, log *slog.Logger) (*clickhouse.Store, error) {
	store, err := clickhouse.Connect(c.ClickHouse)
	if err != nil {
		return nil, err
	}
	err = store.Wait(ctx, func(err error, pause time.Duration) {
		log.Warn("ClickHouse does not answer; trying again", "addresses", c.ClickHouse.Addresses, "pause", pause, "error", err)
	})
	if err != nil {
		store.Close()
		return nil, err
	}
	return store, nil
}

// stoppable is a role that runs.
type stoppable interface {
	Ready() error
	Done() <-chan struct{}
	Err() error
	Stop(context.Context) error
}

// run serves the admin listener beside a role until it is told to stop or the
// role ends by itself, then stops both.
func run(ctx context.Context, c *config.Config, set *metrics.Set, r stoppable, log *slog.Logger, name, address string, pages ...role.Page) error {
	admin, err := role.StartAdmin(c.Admin, set, r.Ready, log, pages...)
	if err != nil {
		stop, cancel := context.WithTimeout(context.Background(), drain)
		defer cancel()
		return errors.Join(err, r.Stop(stop))
	}
	log.Info(name+" runs", "listen", address, "admin", admin.Address())
	var failed error
	select {
	case <-ctx.Done():
		log.Info(name + " stops; again to abort")
	case <-r.Done():
		failed = r.Err()
	}
	stop, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	if failed == nil {
		failed = r.Stop(stop)
	}
	return errors.Join(failed, admin.Stop(stop))
}
