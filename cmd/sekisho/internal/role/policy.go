// Package role wires the packages into what a process does: the collector, the
// ClickHouse sink, the admin listener. `sekisho up` runs the same roles in one
// process that real deployments run in many.
package role

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/fsnotify/fsnotify"

	"sekisho/schemas/policy"
)

// LoadPolicy reads and checks a handling policy.
func LoadPolicy(file string) (*policy.Policy, error) {
	if file == "" {
		return nil, errors.New("no handling policy is named: set `policy` in the configuration, or SEKISHO_POLICY; `sekisho policy example` prints one to begin with")
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the handling policy: %w", err)
	}
	p, err := policy.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return p, nil
}

// WatchPolicy reads the policy anew whenever its file changes or the process
// gets SIGHUP, until ctx ends, and gives it to apply. A bad file is refused
// and the policy in force stays.
func WatchPolicy(ctx context.Context, file string, apply func(*policy.Policy), set *metrics.Set, log *slog.Logger) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return fmt.Errorf("cannot watch the handling policy: %w", err)
	}
	// Editors and orchestrators replace files: the directory is what lasts.
	if err := watcher.Add(filepath.Dir(file)); err != nil {
		watcher.Close()
		return fmt.Errorf("cannot watch the handling policy: %w", err)
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	w := &policyWatch{
		file: file, apply: apply, log: log,
		good: set.GetOrCreateCounter(`sekisho_policy_reloads_total{result="accepted"}`),
		bad:  set.GetOrCreateCounter(`sekisho_policy_reloads_total{result="refused"}`),
	}
	w.last, _ = os.ReadFile(file)
	go func() {
		defer watcher.Close()
		defer signal.Stop(hangup)
		w.run(ctx, watcher, hangup)
	}()
	return nil
}

type policyWatch struct {
	file      string
	apply     func(*policy.Policy)
	log       *slog.Logger
	good, bad *metrics.Counter
	last      []byte // as last read
}

// settle is how long a file must be left alone before it is read: a change is
// seldom a single write.
const settle = 200 * time.Millisecond

func (w *policyWatch) run(ctx context.Context, watcher *fsnotify.Watcher, hangup <-chan os.Signal) {
	settled := time.NewTimer(settle)
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			w.last = nil
			w.reload()
		case <-watcher.Events:
			// Any change of the directory: a file may be a link to a link.
			settled.Reset(settle)
		case <-settled.C:
			w.reload()
		case err := <-watcher.Errors:
			w.log.Warn("watching the handling policy failed; SIGHUP still reloads it", "error", err)
		}
	}
}

func (w *policyWatch) reload() {
	text, err := os.ReadFile(w.file)
	if err == nil && string(text) == string(w.last) {
		return
	}
	var p *policy.Policy
	if err == nil {
		w.last = text
		p, err = policy.Parse(text)
	}
	if err != nil {
		w.bad.Inc()
		w.log.Error("the new handling policy is refused; the old one stays in force", "file", w.file, "error", err)
		return
	}
	w.good.Inc()
	w.apply(p)
	w.log.Info("a new handling policy is in force", "version", p.Version())
}
