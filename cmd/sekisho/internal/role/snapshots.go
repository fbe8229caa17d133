package role

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/cmd/sekisho/internal/local"
	"sekisho/enforcer/registry"
	"sekisho/stream"
)

// snapshots keep what a process knows of the resets on disk, so that its next
// start reads only what is newer. They hold keyed hashes and nothing else.
type snapshots struct {
	dir    string // "" keeps none
	role   string
	keyID  string // of the key of the hashes
	sets   map[string]*registry.Set
	resets *stream.Resets
	log    *slog.Logger

	written  int64 // offset up to which the last ones go
	writes   *metrics.Counter
	failures *metrics.Counter
	aside    *metrics.Counter
}

// snapshotEvery is how often snapshots are written when resets came, and
// expireEvery how often what nothing can carry any more is forgotten.
const (
	snapshotEvery = 5 * time.Minute
	expireEvery   = 6 * time.Hour
)

// position is what a snapshot says of itself.
type position struct {
	Key  string      `json:"key"`
	Mark stream.Mark `json:"mark"`
}

// newSnapshots keeps those of a role, which may have others beside it in the
// process.
func newSnapshots(dir, role, keyID string, sets map[string]*registry.Set, resets *stream.Resets, set *metrics.Set, log *slog.Logger) *snapshots {
	count := func(result string) *metrics.Counter {
		return set.GetOrCreateCounter(fmt.Sprintf(`sekisho_registry_snapshots_total{role=%q,result=%q}`, role, result))
	}
	return &snapshots{
		dir: dir, role: role, keyID: keyID, sets: sets, resets: resets, log: log,
		writes: count("written"), failures: count("failed"), aside: count("set_aside"),
	}
}

// pseudonymsID stands for the key of sets that are made of pseudonyms, which
// say their own key.
const pseudonymsID = "pseudonyms"

// run follows the resets, from the snapshots where there are good ones, until
// ctx ends, and keeps the snapshots up to date.
func (s *snapshots) run(ctx context.Context) {
	following, stop := context.WithCancel(ctx)
	defer stop()
	followed := make(chan struct{})
	if s.dir != "" {
		s.restore(ctx)
	}
	go func() {
		defer close(followed)
		s.resets.Follow(following)
	}()
	write, expire := time.NewTicker(snapshotEvery), time.NewTicker(expireEvery)
	defer write.Stop()
	defer expire.Stop()
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-write.C:
			s.write()
		case now := <-expire.C:
			for _, set := range s.sets {
				set.Expire(now)
			}
		}
	}
	<-followed
	s.write()
}

func (s *snapshots) path(name string) string {
	return filepath.Join(s.dir, s.role+"."+name+".snapshot")
}

// restore takes the sets from the snapshots. All must be good, since following
// goes on from the earliest; else the topic is read from its beginning.
func (s *snapshots) restore(ctx context.Context) {
	var from *stream.Mark
	read := map[string]*registry.Set{}
	for name := range s.sets {
		set, mark, err := s.read(name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return
		case err != nil:
			s.setAside(name, err)
			return
		}
		read[name] = set
		if from == nil || mark.Next < from.Next {
			from = mark
		}
	}
	for {
		err := s.resets.Resume(ctx, *from)
		switch {
		case err == nil:
			entries := 0
			for name, set := range s.sets {
				set.Replace(read[name])
				entries += set.Len()
			}
			s.written = from.Next
			s.log.Info("the reset registry begins with its snapshot", "entries", entries, "offset", from.Next)
			return
		case errors.Is(err, stream.ErrForeign):
			for name := range s.sets {
				s.setAside(name, err)
			}
			return
		}
		s.log.Warn("cannot check the snapshot of the reset registry; trying again", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

var errOtherKey = errors.New("its hashes are under another key than keys.registry")

func (s *snapshots) read(name string) (*registry.Set, *stream.Mark, error) {
	file, err := os.Open(s.path(name))
	if err != nil {
		return nil, nil, fmt.Errorf("cannot open the snapshot: %w", err)
	}
	defer file.Close()
	set, text, err := registry.ReadSnapshot(file)
	if err != nil {
		return nil, nil, err
	}
	var p position
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&p) != nil {
		return nil, nil, registry.ErrUnusable
	}
	if p.Key != s.keyID {
		return nil, nil, errOtherKey
	}
	return set, &p.Mark, nil
}

// setAside keeps a snapshot that cannot be used for whoever wants to know why,
// and has the topic read from its beginning.
func (s *snapshots) setAside(name string, why error) {
	s.aside.Inc()
	to := s.path(name) + ".unusable"
	err := os.Rename(s.path(name), to)
	s.log.Warn("a snapshot of the reset registry cannot be used; reading all resets instead", "file", to, "error", errors.Join(why, err))
}

// write writes the snapshots, if resets came since.
func (s *snapshots) write() {
	mark := s.resets.Mark()
	if s.dir == "" || mark.Next == 0 || mark.Next == s.written {
		return
	}
	text, err := json.Marshal(position{s.keyID, mark})
	err = errors.Join(err, os.MkdirAll(s.dir, 0o700))
	for name, set := range s.sets {
		if err == nil {
			err = local.Replace(s.path(name), func(file *os.File) error { return set.WriteSnapshot(file, text) })
		}
	}
	if err != nil {
		s.failures.Inc()
		s.log.Warn("cannot write a snapshot of the reset registry; the next start reads more resets", "error", err)
		return
	}
	s.written = mark.Next
	s.writes.Inc()
}
