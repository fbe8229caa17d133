package spool

import (
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

const (
	testLimit   = 1 << 20
	testSegment = 300
	testLanes   = 3
)

func openDisk(t testing.TB, d *disk) *Spool {
	t.Helper()
	s, err := openFS(d, testLimit, testSegment, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// history is what was done to a spool.
type history struct {
	mu    sync.Mutex
	asked [testLanes][]string // in the order of Append
	acked map[string]bool
	done  map[string]bool
}

func newHistory() *history { return &history{acked: map[string]bool{}, done: map[string]bool{}} }

func (h *history) append(s *Spool, lane int, r *rand.Rand) error {
	h.mu.Lock()
	payload := fmt.Sprintf("%d/%d %s", lane, len(h.asked[lane]), strings.Repeat("x", r.IntN(60)))
	h.asked[lane] = append(h.asked[lane], payload)
	h.mu.Unlock()
	err := s.Append(lane, []byte(payload))
	if err == nil {
		h.mu.Lock()
		h.acked[payload] = true
		h.mu.Unlock()
	}
	return err
}

// drain takes at most so many bytes out of a lane, or all.
func (h *history) drain(s *Spool, lane, bytes int) (got []string, err error) {
	records, err := s.Next(lane, bytes)
	for _, r := range records {
		got = append(got, string(r.Payload))
	}
	if len(records) > 0 {
		for _, payload := range got {
			h.done[payload] = true
		}
		s.Done(lane, records)
	}
	return got, err
}

// check drains all and compares: of each lane what was acknowledged and is not
// done comes out, in order, and nothing that was never appended.
func (h *history) check(s *Spool) error {
	for lane := range testLanes {
		done := map[string]bool{}
		for payload := range h.done {
			done[payload] = true
		}
		var got []string
		for {
			some, err := h.drain(s, lane, 100)
			if err != nil {
				return err
			}
			if len(some) == 0 {
				break
			}
			got = append(got, some...)
		}
		next := 0
		for _, payload := range got {
			at := slices.Index(h.asked[lane][next:], payload)
			if at < 0 {
				return fmt.Errorf("lane %d: %q came out of its order, twice, or was never appended", lane, payload)
			}
			for _, missing := range h.asked[lane][next : next+at] {
				if h.acked[missing] && !done[missing] {
					return fmt.Errorf("lane %d: %q is lost", lane, missing)
				}
			}
			next += at + 1
		}
		for _, missing := range h.asked[lane][next:] {
			if h.acked[missing] && !done[missing] {
				return fmt.Errorf("lane %d: %q is lost at the end", lane, missing)
			}
		}
	}
	if n := s.Stats().Records; n != 0 {
		return fmt.Errorf("%d records are left after all came out", n)
	}
	return nil
}

// use uses a spool at random until the disk fails.
func (h *history) use(d *disk, s *Spool, r *rand.Rand, steps int) *Spool {
	for range steps {
		switch n := r.IntN(20); {
		case n == 0:
			if s.Close() != nil {
				return s
			}
			again, err := openFS(d, testLimit, testSegment, slog.New(slog.DiscardHandler))
			if err != nil {
				return s
			}
			s = again
		case n < 8:
			_, _ = h.drain(s, r.IntN(testLanes), r.IntN(300))
		case n < 12: // some at the same time, a lane each
			var group sync.WaitGroup
			seed := r.Uint64()
			for lane := range testLanes {
				group.Go(func() { _ = h.append(s, lane, rand.New(rand.NewPCG(seed, uint64(lane)))) })
			}
			group.Wait()
		default:
			_ = h.append(s, r.IntN(testLanes), r)
		}
	}
	return s
}

// TestCrashAtEveryOperation: whatever a crash leaves of what was not synced,
// nothing that was acknowledged is lost, the order is kept, and no damage is
// reported where there is none.
func TestCrashAtEveryOperation(t *testing.T) {
	t.Parallel()
	images := 0
	for seed := range uint64(12) {
		for at := 1; ; at++ {
			d, h := newDisk(), newHistory()
			d.fail = func(op int, _ string) error {
				if op >= at {
					return errCrashed
				}
				return nil
			}
			r := rand.New(rand.NewPCG(seed, 0))
			s, err := openFS(d, testLimit, testSegment, slog.New(slog.DiscardHandler))
			if err == nil {
				s = h.use(d, s, r, 60)
				_ = s.Close()
			}
			if d.ops < at {
				break // it ended before the crash
			}
			for image := range uint64(4) {
				images++
				r := rand.New(rand.NewPCG(seed, image+1))
				holes := image == 3
				after := d.afterCrash(r, holes)
				if err := recovered(t, after, h.copy(), r, holes); err != nil {
					t.Fatalf("seed %d, crash at operation %d, image %d: %v", seed, at, image, err)
				}
			}
		}
	}
	t.Logf("%d crashes", images)
}

func (h *history) copy() *history {
	c := newHistory()
	for lane := range h.asked {
		c.asked[lane] = slices.Clone(h.asked[lane])
	}
	for p := range h.acked {
		c.acked[p] = true
	}
	for p := range h.done {
		c.done[p] = true
	}
	return c
}

// recovered opens what a crash left, uses it, crashes once more at random, and
// checks.
func recovered(t *testing.T, d *disk, h *history, r *rand.Rand, holes bool) error {
	t.Helper()
	if r.IntN(3) == 0 { // a crash while it recovers from a crash
		limit := r.IntN(40)
		d.fail = func(op int, _ string) error {
			if op > limit {
				return errCrashed
			}
			return nil
		}
		if s, err := openFS(d, testLimit, testSegment, slog.New(slog.DiscardHandler)); err == nil {
			s = h.use(d, s, r, 3)
			_ = s.Close()
		}
		d = d.afterCrash(r, holes)
	}
	s := openDisk(t, d)
	if st := s.Stats(); st.Damaged > 0 && !holes {
		return fmt.Errorf("damage is reported %d times", st.Damaged)
	}
	s = h.use(d, s, r, 5)
	if err := h.check(s); err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	s = openDisk(t, d)
	defer s.Close()
	return h.check(s)
}

// TestDiskErrors: while operations fail, Append says so; when they no longer
// do, the spool takes records again, and nothing acknowledged is lost.
func TestDiskErrors(t *testing.T) {
	t.Parallel()
	for _, failure := range []error{syscall.ENOSPC, syscall.EIO} {
		for _, what := range []string{"", "write", "sync file", "sync directory", "create", "truncate", "rename", "remove"} {
			for seed := range uint64(15) {
				d, h := newDisk(), newHistory()
				s := openDisk(t, d)
				r := rand.New(rand.NewPCG(seed, 7))
				s = h.use(d, s, r, 20)
				from := d.ops
				d.mu.Lock()
				d.fail = func(op int, name string) error {
					writes := name != "read" && name != "open" && name != "names" && name != "size"
					if (what == "" && writes || what == name) && op < from+20 {
						return failure
					}
					return nil
				}
				d.mu.Unlock()
				s = h.use(d, s, r, 30)
				d.mu.Lock()
				d.fail = nil
				d.mu.Unlock()
				if err := h.append(s, 0, r); err != nil {
					t.Fatalf("%v on %q, seed %d: it is not taken up again: %v", failure, what, seed, err)
				}
				if st := s.Stats(); st.Refusing {
					t.Errorf("%v on %q: it still calls itself refusing", failure, what)
				}
				if err := s.Close(); err != nil {
					t.Fatal(err)
				}
				s = openDisk(t, d)
				if st := s.Stats(); st.Damaged > 0 {
					t.Errorf("%v on %q, seed %d: damage is reported", failure, what, seed)
				}
				if err := h.check(s); err != nil {
					t.Fatalf("%v on %q, seed %d: %v", failure, what, seed, err)
				}
				s.Close()
			}
		}
	}
}

// TestFullDiskIsFull: what is told to clients differs.
func TestFullDiskIsFull(t *testing.T) {
	t.Parallel()
	d := newDisk()
	s := openDisk(t, d)
	defer s.Close()
	for failure, full := range map[error]bool{syscall.ENOSPC: true, syscall.EDQUOT: true, syscall.EIO: false} {
		d.mu.Lock()
		d.fail = func(_ int, what string) error {
			if what == "write" {
				return failure
			}
			return nil
		}
		d.mu.Unlock()
		if err := s.Append(0, []byte("x")); !errors.Is(err, failure) || errors.Is(err, ErrFull) != full {
			t.Errorf("%v: %v", failure, err)
		}
	}
	d.mu.Lock()
	d.fail = nil
	d.mu.Unlock()
}
