package role

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/schemas/strict"
	"sekisho/sinks/forward"
	"sekisho/stream"
)

// Forwarders is the role that sends events to third parties.
type Forwarders struct {
	*running
	runners []*forward.Runner
	resets  *stream.Resets
	watch   *keyWatch
	stop    context.CancelFunc
}

// CheckForwarders reports what of the configuration forwarders to the recipients
// could not work with.
func CheckForwarders(c *config.Config, names []string) error {
	p, err := LoadPolicy(c.Policy)
	if err != nil {
		return err
	}
	if _, err := pseudonymKeys(c.Keys); err != nil {
		return err
	}
	for _, name := range names {
		if _, ok := c.Forwarders[name]; !ok {
			return fmt.Errorf("there is no forwarder to %s: the configuration has %s under `forwarders`", name, list(slices.Sorted(maps.Keys(c.Forwarders))))
		}
		if _, ok := p.Recipients[name]; !ok {
			return fmt.Errorf("nothing may be forwarded to %s: the handling policy does not know such a recipient; it has %s", name, list(slices.Sorted(maps.Keys(p.Recipients))))
		}
		if _, err := kindOf(c, name, metrics.NewSet()); err != nil {
			return err
		}
	}
	return nil
}

func list(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// kindOf makes the kind of a forwarder.
func kindOf(c *config.Config, name string, set *metrics.Set) (forward.Kind, error) {
	f := c.Forwarders[name]
	return f.Kind(name, set)
}

// StartForwarders starts to send events to the recipients, which share what is
// known of resets, the policy and the secrets.
func StartForwarders(c *config.Config, names []string, cluster *stream.Cluster, set *metrics.Set, log *slog.Logger) (*Forwarders, error) {
	p, err := LoadPolicy(c.Policy)
	if err != nil {
		return nil, err
	}
	keys, err := pseudonymKeys(c.Keys)
	if err != nil {
		return nil, err
	}
	var table atomic.Pointer[enforcer.Table]
	table.Store(enforcer.Compile(p))
	// Who sends events under the names that it makes could never have them forgotten.
	if err := checkSecret(cluster, keys, log); err != nil {
		return nil, err
	}
	withdrawn, watch := new(enforcer.Withdrawn), &keyWatch{keys: keys}
	r := &Forwarders{watch: watch, resets: stream.NewResets(cluster, func(reset *schemas.Reset) {
		watch.see(reset)
		withdrawn.Put(reset)
	}, log)}
	for _, name := range names {
		kind, err := kindOf(c, name, set)
		if err != nil {
			return nil, err
		}
		tellOfSites(c, p, name, log)
		runner, err := forward.New(cluster, forward.Options{
			Recipient: name, Kind: kind, Config: c.Forwarders[name].Delivery, Keys: keys, Table: table.Load,
			Withdrawn: withdrawn, Resets: r.resets, Check: watch.Err, Log: log, Metrics: set,
		})
		if err != nil {
			return nil, err
		}
		r.runners = append(r.runners, runner)
	}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	if err := WatchPolicy(ctx, c.Policy, func(p *policy.Policy) { table.Store(enforcer.Compile(p)) }, set, log); err != nil {
		stop()
		return nil, err
	}
	keep := newSnapshots(c.Registry.Dir, "forward", pseudonymsID, withdrawn.Sets(), r.resets, set, log)
	followed := start(func() error { keep.run(ctx); return nil })
	go r.watchSecrets(ctx, c, set, log)
	r.running = start(func() error {
		defer func() { <-followed.Done() }()
		return r.run(ctx)
	})
	return r, nil
}

// tellOfSites logs where the configuration and the policy do not have the same sites in
// mind: nothing stops for it, since either may be changed before the other.
func tellOfSites(c *config.Config, p *policy.Policy, recipient string, log *slog.Logger) {
	f := c.Forwarders[recipient]
	has, sorts := f.Sites()
	if !sorts {
		return
	}
	for _, name := range slices.Sorted(slices.Values(has)) {
		if _, ok := p.Sites[name]; !ok && name != "*" {
			log.Warn("a forwarder names a site that the handling policy does not have", "recipient", recipient, "site", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Sites)) {
		if slices.Contains(p.Sites[name].Recipients, recipient) && !slices.Contains(has, name) && !slices.Contains(has, "*") {
			log.Warn("a forwarder does not say where the events of a site go: they become dead letters", "recipient", recipient, "site", name)
		}
	}
}

// run runs all until ctx ends; when one ends by itself, all do.
func (r *Forwarders) run(ctx context.Context) error {
	defer r.stop()
	var all sync.WaitGroup
	failed := make([]error, len(r.runners))
	for i, runner := range r.runners {
		all.Go(func() {
			failed[i] = runner.Run(ctx)
			r.stop()
		})
	}
	all.Wait()
	return errors.Join(failed...)
}

// secretsEvery is how often secrets are looked at: whatever puts them there does
// it in ways of its own.
const secretsEvery = 5 * time.Second

// watchSecrets takes up secrets that have changed, and at once on SIGHUP. One
// that cannot be had stays what it was.
func (r *Forwarders) watchSecrets(ctx context.Context, c *config.Config, set *metrics.Set, log *slog.Logger) {
	taken := set.NewCounter(`sekisho_secret_reloads_total{result="accepted"}`)
	refused := set.NewCounter(`sekisho_secret_reloads_total{result="refused"}`)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	tick := time.NewTicker(secretsEvery)
	defer tick.Stop()
	all := &struct {
		Forwarders map[string]config.Forwarder `yaml:"forwarders"`
	}{c.Forwarders}
	told := ""
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			asked, told = true, ""
		case <-tick.C:
		}
		changed, err := strict.Refresh(all, os.LookupEnv, os.ReadFile)
		if changed {
			taken.Inc()
			log.Info("secrets of forwarders have changed and are in use")
		}
		if err != nil && err.Error() != told {
			refused.Inc()
			told = err.Error()
			log.Error("a secret of a forwarder cannot be read again; the old one stays in use", "error", err)
		}
		if err == nil {
			told = ""
		}
		if changed || asked {
			for _, runner := range r.runners {
				runner.Reloaded()
			}
		}
	}
}

// Ready reports why nothing could be sent safely, or nil. A recipient that does
// not answer is not ours to mend: metrics tell.
func (r *Forwarders) Ready() error { return r.watch.current(r.resets)() }

// Stop finishes the requests under way.
func (r *Forwarders) Stop(ctx context.Context) error {
	r.stop()
	select {
	case <-r.Done():
		return r.Err()
	case <-ctx.Done():
		return ctx.Err()
	}
}
