package speed

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"sekisho/enforcer"
	"sekisho/enforcer/registry"
	"sekisho/schemas"
	"sekisho/stream"
)

// fillRegistry makes a directory of snapshots from which a collector and a sink
// begin with so many resets. They are of nobody who sends events.
func (s *stage) fillRegistry(ctx context.Context, entries int) (dir string, err error) {
	dir = filepath.Join(s.dir, fmt.Sprintf("registry-%d", entries))
	if _, err := os.Stat(dir); err == nil {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	mark, err := s.mark(ctx)
	if err != nil {
		return "", err
	}
	hasher, err := registry.NewHasher([]byte(s.registry))
	if err != nil {
		return "", err
	}
	var resets, none registry.Set
	random, expires := rand.New(rand.NewPCG(uint64(entries), 3)), time.Now().AddDate(10, 0, 0)
	for n := range entries {
		if n%(1<<20) == 0 && ctx.Err() != nil {
			return "", ctx.Err()
		}
		var hash [16]byte
		for i := range 2 {
			v := random.Uint64()
			for j := range 8 {
				hash[8*i+j] = byte(v >> (8 * j))
			}
		}
		resets.Add(registry.HashFrom(hash), expires)
	}
	defer debug.FreeOSMemory()
	for _, file := range []struct {
		name, key string
		set       *registry.Set
	}{
		{collectorSnapshot, hasher.KeyID(), &resets}, {"collector.optouts.snapshot", hasher.KeyID(), &none},
		{"sink.resets.snapshot", "pseudonyms", &resets}, {"sink.optouts.snapshot", "pseudonyms", &none},
	} {
		position, err := json.Marshal(map[string]any{"key": file.key, "mark": mark})
		if err != nil {
			return "", err
		}
		if err := writeSnapshot(filepath.Join(dir, file.name), file.set, position); err != nil {
			return "", err
		}
	}
	return dir, nil
}

func writeSnapshot(path string, set *registry.Set, position []byte) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	w := bufio.NewWriterSize(file, 1<<20)
	if err := set.WriteSnapshot(w, position); err != nil {
		return err
	}
	return w.Flush()
}

// mark is the place on the resets topic after one reset of nobody.
func (s *stage) mark(ctx context.Context) (m stream.Mark, err error) {
	cluster, err := s.cluster()
	if err != nil {
		return m, err
	}
	defer cluster.Close()
	hasher, errHasher := registry.NewHasher([]byte(s.registry))
	if errHasher != nil {
		return m, errHasher
	}
	resets := enforcer.NewResets(hasher)
	follow := stream.NewResets(cluster, resets.Put, slog.New(slog.DiscardHandler))
	reset := schemas.Reset{
		Field: schemas.VisitorID, Hash: resets.Hash(schemas.VisitorID, "nobody"), At: time.Now(),
		Pseudonyms: []string{pseudonymKeyID + ".00000000000000000000000000000000"},
	}
	if _, err := follow.Append(ctx, []schemas.Reset{reset}); err != nil {
		return m, err
	}
	following, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() { defer close(done); follow.Follow(following) }()
	defer func() { stop(); <-done }()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for follow.Ready() != nil {
		select {
		case <-ctx.Done():
			return m, fmt.Errorf("the resets topic cannot be read: %w", ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	if err := follow.Barrier(ctx); err != nil {
		return m, err
	}
	return follow.Mark(), nil
}
