package role

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/segmentio/kafka-go"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/stream"
)

// ErrOtherKey: resets are in Kafka under other keys than this process has. Under
// another key of the registry a reset binds nobody, and under another secret what
// is stored is not found.
var ErrOtherKey = errors.New("the resets in Kafka are under other keys")

// keyWatch looks whether resets are under the keys that this process has, as far
// as they tell.
type keyWatch struct {
	registry *enforcer.Resets // nil for who has no key of the registry
	keys     *enforcer.Keys
	newer    string                // names a secret that replaced ours; it stays so, whoever else is behind
	problem  atomic.Pointer[error] // of the latest reset that tells, or nil
}

// see looks at a reset.
func (w *keyWatch) see(r *schemas.Reset) {
	if r.Registry == "" {
		return // an older version's
	}
	if w.newer == "" && w.keys.Replaced(r.Pseudonyms) {
		w.newer = r.Secret
	}
	var problem error
	switch {
	case w.registry != nil && r.Registry != w.registry.KeyID():
		problem = fmt.Errorf("%w: keys.registry is another secret (%s) than theirs (%s); give every process the one that the resets were made with, which never changes",
			ErrOtherKey, w.registry.KeyID(), r.Registry)
	case w.keys.Differs(r.Secret):
		problem = fmt.Errorf("%w: keys.secret, or one of keys.previous, is another secret than theirs of the same id (%s); give a new secret a new id and keep the old one under keys.previous",
			ErrOtherKey, r.Secret)
	case w.newer != "":
		problem = fmt.Errorf("%w: keys.secret has been replaced by another (%s), under which something may be stored that resets of this one do not reach; make that keys.secret here, too, and put this one under keys.previous",
			ErrOtherKey, w.newer)
	default:
		w.problem.Store(nil)
		return
	}
	w.problem.Store(&problem)
}

// Err reports what is wrong with the keys, or nil.
func (w *keyWatch) Err() error {
	if problem := w.problem.Load(); problem != nil {
		return *problem
	}
	return nil
}

// follow returns what a role does with each reset: it puts it in force, and logs, once,
// what it means that the keys are others.
func (w *keyWatch) follow(put func(*schemas.Reset), log *slog.Logger, meaning string) func(*schemas.Reset) {
	return func(r *schemas.Reset) {
		before := w.Err()
		w.see(r)
		if err := w.Err(); err != nil && before == nil {
			log.Error(meaning, "error", err)
		}
		put(r)
	}
}

// current reports why what waits in a spool cannot be held against the resets.
func (w *keyWatch) current(resets *stream.Resets) func() error {
	return func() error {
		if err := w.Err(); err != nil {
			return err
		}
		return resets.Ready()
	}
}

// looked is how far back CheckKeys looks for a reset that tells.
const looked = 100

// CheckKeys reports whether the latest resets in Kafka are under other keys than
// those, before any is made under them. The registry may be nil.
func CheckKeys(ctx context.Context, cluster *stream.Cluster, registry *enforcer.Resets, keys *enforcer.Keys) error {
	topic := cluster.Config().Topics.Resets
	spans, err := cluster.Spans(ctx, topic)
	if err != nil {
		return err
	}
	w := &keyWatch{registry: registry, keys: keys}
	span := spans[0]
	span.From = max(span.From, span.To-looked)
	if err := cluster.Read(ctx, topic, span, func(m *kafka.Message) error {
		if r, err := schemas.DecodeReset(m.Value); err == nil {
			w.see(&r)
		}
		return nil
	}); err != nil {
		return err
	}
	return w.Err()
}

// checkSecret fails with ErrOtherKey when the latest resets in Kafka are under another
// secret. Where Kafka does not tell, the next resets will.
func checkSecret(cluster *stream.Cluster, keys *enforcer.Keys, log *slog.Logger) error {
	ctx, stop := context.WithTimeout(context.Background(), cluster.Config().Timeout)
	defer stop()
	err := CheckKeys(ctx, cluster, nil, keys)
	if err != nil && !errors.Is(err, ErrOtherKey) {
		log.Warn("cannot look under which keys the latest resets are; the next ones will tell", "error", err)
		return nil
	}
	return err
}
