package role

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/enforcer"
	"sekisho/enforcer/registry"
	"sekisho/ingest"
	"sekisho/schemas/policy"
	"sekisho/stream"
	"sekisho/stream/spool"
)

// Collector is the role that takes events.
type Collector struct {
	*running
	listener  net.Listener
	collector *ingest.Collector
	producer  *stream.Producer
	spool     *spool.Spool // nil for none
	resets    *stream.Resets
	following *running
	bound     time.Duration
	ready     func() error
	explainer *ingest.Explainer
	stop      context.CancelFunc
}

// CheckCollector reports what of the configuration a collector could not work
// with.
func CheckCollector(c *config.Config) error {
	_, err := LoadPolicy(c.Policy)
	if err == nil {
		_, _, err = Secrets(c.Keys)
	}
	return err
}

// StartCollector starts to take events. It is ready once its reset registry
// is caught up; until then it answers 503.
func StartCollector(c *config.Config, cluster *stream.Cluster, partitions int, set *metrics.Set, log *slog.Logger) (*Collector, error) {
	p, err := LoadPolicy(c.Policy)
	if err != nil {
		return nil, err
	}
	keys, resets, err := Secrets(c.Keys)
	if err != nil {
		return nil, err
	}
	tickets, err := ingest.NewTickets([]byte(c.Keys.Registry.Reveal()))
	if err != nil {
		return nil, err
	}
	var places *ingest.Places
	if file := c.Collector.PlaceDatabase; file != "" {
		if places, err = ingest.OpenPlaces(file); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", c.Collector.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for events (collector.listen): %w", err)
	}
	kept, err := openSpool(c.Collector.Spool, set, log)
	if err != nil {
		listener.Close()
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	decide := enforcer.New(enforcer.Compile(p), keys, resets)
	if err := WatchPolicy(ctx, c.Policy, func(p *policy.Policy) { decide.SetTable(enforcer.Compile(p)) }, set, log); err != nil {
		stop()
		listener.Close()
		return nil, errors.Join(err, closeSpool(kept))
	}
	watch := &keyWatch{registry: resets, keys: keys}
	follow := stream.NewResets(cluster, watch.follow(resets.Put, log, "no events are taken"), log)
	keep := newSnapshots(c.Registry.Dir, "collector", resets.KeyID(), resets.Sets(), follow, set, log)
	following := start(func() error { keep.run(ctx); return nil })
	go leanHeap(ctx, func() int { return resets.Set().Bytes() + resets.OptOuts().Bytes() })
	progress := stream.NewProgress(cluster)
	go progress.Follow(ctx, log)
	options := stream.ProducerOptions{Log: log}
	if kept != nil {
		options.Spool = &stream.Spooling{Spool: kept, After: c.Collector.Spool.After, Current: watch.current(follow), Withdrawn: resets.Any}
	}
	producer := stream.NewProducer(cluster, partitions, options)
	r := &Collector{
		listener: listener, producer: producer, spool: kept, resets: follow, following: following, bound: c.Kafka.ResetBound(), stop: stop,
		ready: readiness(watch, follow, kept),
	}
	r.collector = ingest.New(ingest.Options{
		Config: c.Collector, Enforcer: decide, Keys: keys, Events: producer, Resets: follow,
		Receipts: stream.NewReceipts(cluster), Tickets: tickets, Progress: progress, ResetBound: c.Kafka.ResetBound(), Places: places,
		Ready: r.ready, Metrics: set, Log: log,
	})
	r.explainer = ingest.NewExplainer(c.Collector, decide)
	r.gauges(set, resets, decide)
	r.running = start(func() error { return r.collector.Serve(listener) })
	return r, nil
}

// Secrets makes the keys and the empty registry.
func Secrets(c config.Keys) (*enforcer.Keys, *enforcer.Resets, error) {
	if !c.Secret.IsSet() || !c.Registry.IsSet() {
		return nil, nil, errors.New("keys.secret and keys.registry are required: write `file:/path` to them in the configuration, or set SEKISHO_KEYS_SECRET and SEKISHO_KEYS_REGISTRY; make a secret with `openssl rand -hex 32`")
	}
	keys, err := pseudonymKeys(c)
	if err != nil {
		return nil, nil, err
	}
	hasher, err := registry.NewHasher([]byte(c.Registry.Reveal()))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot use keys.registry: %w", err)
	}
	return keys, enforcer.NewResets(hasher), nil
}

// pseudonymKeys makes the keys of the pseudonyms.
func pseudonymKeys(c config.Keys) (*enforcer.Keys, error) {
	if !c.Secret.IsSet() {
		return nil, errors.New("keys.secret is required: write `file:/path` to it in the configuration, or set SEKISHO_KEYS_SECRET")
	}
	var previous []*enforcer.Keys
	for _, id := range slices.Sorted(maps.Keys(c.Previous)) {
		k, err := enforcer.NewKeys(id, []byte(c.Previous[id].Reveal()))
		if err != nil {
			return nil, fmt.Errorf("cannot use keys.previous.%s: %w", id, err)
		}
		previous = append(previous, k)
	}
	keys, err := enforcer.NewKeys(c.ID, []byte(c.Secret.Reveal()), previous...)
	if err != nil {
		return nil, fmt.Errorf("cannot use keys: %w", err)
	}
	return keys, nil
}

func (r *Collector) gauges(set *metrics.Set, resets *enforcer.Resets, decide *enforcer.Enforcer) {
	set.NewGauge("sekisho_producer_queued_bytes", func() float64 { return float64(r.producer.Queued()) })
	set.NewGauge("sekisho_producer_healthy", func() float64 {
		if r.producer.Healthy() {
			return 1
		}
		return 0
	})
	set.NewGauge("sekisho_spool_withheld_total", func() float64 { return float64(r.producer.Withheld()) })
	set.NewGauge("sekisho_registry_entries", func() float64 { return float64(resets.Set().Len()) })
	set.NewGauge("sekisho_registry_bytes", func() float64 { return float64(resets.Set().Bytes()) })
	set.NewGauge("sekisho_registry_lag", func() float64 { n, _ := r.resets.Lag(); return float64(n) })
	set.NewGauge("sekisho_registry_lag_age_seconds", func() float64 { _, age := r.resets.Lag(); return age.Seconds() })
	set.NewGauge("sekisho_registry_opt_outs", func() float64 { return float64(resets.OptOuts().Len()) })
	set.NewGauge("sekisho_reset_bound_seconds", func() float64 { return r.bound.Seconds() })
	set.NewGauge("sekisho_registry_max_lag_age_seconds", func() float64 { return stream.MaxLagAge.Seconds() })
	set.NewGauge("sekisho_policy_sites", func() float64 { return float64(len(decide.Table().Sites())) })
}

// Address returns the address that the listener has (host:port).
func (r *Collector) Address() string { return r.listener.Addr().String() }

// Pages are what the collector adds to the admin listener: POST /explain.
func (r *Collector) Pages() []Page {
	return []Page{{"POST /explain", explainHandler(r.explainer)}}
}

// Ready reports why events are not taken, or nil.
func (r *Collector) Ready() error { return r.ready() }

// Stop stops to take events, finishes the requests under way, and writes what
// is queued, to Kafka or to the spool, and a snapshot of the registry.
func (r *Collector) Stop(ctx context.Context) error {
	err := r.collector.Shutdown(ctx)
	r.producer.Close()
	r.stop()
	select {
	case <-r.following.Done():
	case <-ctx.Done():
	}
	return errors.Join(err, closeSpool(r.spool))
}
