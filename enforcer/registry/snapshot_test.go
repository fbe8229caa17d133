package registry

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

func snapshot(t testing.TB, s *Set, position string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := s.WriteSnapshot(&b, []byte(position)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func reread(t testing.TB, s *Set) *Set {
	t.Helper()
	copied, _, err := ReadSnapshot(bytes.NewReader(snapshot(t, s, "")))
	if err != nil {
		t.Fatal(err)
	}
	return copied
}

func filled(entries int) *Set {
	s := new(Set)
	for i := range entries {
		s.Add(hashOf(uint64(i)), weeks(1+i%100))
	}
	return s
}

func TestSnapshotRoundTrip(t *testing.T) {
	check := func(entries int, position string) {
		t.Helper()
		s, got, err := ReadSnapshot(iotest.HalfReader(bytes.NewReader(snapshot(t, filled(entries), position))))
		if err != nil {
			t.Errorf("%d entries: %v", entries, err)
			return
		}
		if string(got) != position || s.Len() != entries {
			t.Errorf("%d entries at %.20q became %d at %.20q", entries, position, s.Len(), got)
		}
		for i := range entries {
			if !s.Contains(hashOf(uint64(i))) {
				t.Errorf("%d entries: one is missing", entries)
			}
		}
		// What was read is a set like any other.
		for i := range entries + 100 {
			if added := s.Add(hashOf(uint64(i)), weeks(1)); added != (i >= entries) {
				t.Errorf("%d entries: adding the %dth says %v", entries, i, added)
			}
		}
		if removed, want := s.Expire(weeks(50)), expiring(entries, 50)+100; removed != want {
			t.Errorf("%d entries: %d expire, want %d", entries, removed, want)
		}
	}
	check(0, "")
	check(1, "offsets")
	check(1000, "\x00\xff")
	check(100_000, strings.Repeat("p", MaxPosition))
}

// expiring counts the entries of filled that have expired.
func expiring(entries, week int) (n int) {
	for i := range entries {
		if 1+i%100 <= week {
			n++
		}
	}
	return n
}

// rejects fails the test unless the snapshot is refused as unusable.
func rejects(t *testing.T, what string, data []byte) {
	t.Helper()
	s, position, err := ReadSnapshot(bytes.NewReader(data))
	if !errors.Is(err, ErrUnusable) || s != nil || position != nil {
		t.Errorf("%s: got %v, %v, %v, want ErrUnusable alone", what, s, position, err)
	}
}

func TestSnapshotTruncated(t *testing.T) {
	whole := snapshot(t, filled(20), "offsets")
	for length := range whole {
		rejects(t, "truncated", whole[:length])
	}
}

func TestSnapshotBitFlips(t *testing.T) {
	whole := snapshot(t, filled(20), "offsets")
	for bit := range len(whole) * 8 {
		whole[bit/8] ^= 1 << (bit % 8)
		rejects(t, "a bit flipped", whole)
		whole[bit/8] ^= 1 << (bit % 8)
	}
}

func TestSnapshotMadeUp(t *testing.T) {
	header := func(version, length uint32, position string) []byte {
		b := binary.LittleEndian.AppendUint32([]byte(magic), version)
		b = binary.LittleEndian.AppendUint32(b, length)
		return sealed(append(b, position...))
	}
	section := func(shard uint32, entries uint64, words ...uint64) []byte {
		b := binary.LittleEndian.AppendUint32(nil, shard)
		b = binary.LittleEndian.AppendUint64(b, entries)
		for _, w := range words {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		return sealed(b)
	}
	check := func(what string, parts ...[]byte) {
		t.Helper()
		rejects(t, what, bytes.Join(parts, nil))
	}
	const ok = 1 << tagBits // a head
	begin := header(snapshotVersion, 1, "p")
	s, _, err := ReadSnapshot(bytes.NewReader(bytes.Join([][]byte{begin, section(3, 1, ok, 7), section(numShards, 1)}, nil)))
	if err != nil || s.Len() != 1 || !s.Contains(Hash{3 << (64 - shardBits), 7}) {
		t.Fatalf("a snapshot that is right gives %v, %v", s, err)
	}
	check("another version", header(snapshotVersion+1, 1, "p"), section(numShards, 0))
	check("a huge position", header(snapshotVersion, MaxPosition+1, strings.Repeat("p", MaxPosition+1)), section(numShards, 0))
	check("a section twice", begin, section(3, 1, ok, 7), section(3, 1, ok, 7), section(numShards, 2))
	check("out of order", begin, section(3, 1, ok, 7), section(2, 1, ok, 7), section(numShards, 2))
	check("no such shard", begin, section(numShards+1, 1, ok, 7), section(numShards, 1))
	check("an empty section", begin, section(3, 0), section(numShards, 0))
	check("an impossible section", begin, section(3, 1<<60, ok, 7), section(numShards, 1))
	check("a huge section", begin, section(3, 1<<35, ok, 7), section(numShards, 1))
	check("no expiry", begin, section(3, 1, ok-1, 7), section(numShards, 1))
	check("a free slot", begin, section(3, 2, 0, 7, ok, 7), section(numShards, 2))
	check("a missing section", begin, section(numShards, 1))
	check("something after the end", begin, section(numShards, 0), []byte{0})
	check("no end", begin)
}

func sealed(part []byte) []byte {
	return binary.LittleEndian.AppendUint32(part, checksum(part))
}

// A device's errors are not the snapshot's fault.
func TestSnapshotDeviceErrors(t *testing.T) {
	broken := errors.New("broken")
	whole := snapshot(t, filled(20), "offsets")
	for length := range len(whole) + 1 {
		r := io.MultiReader(bytes.NewReader(whole[:length]), iotest.ErrReader(broken))
		if s, _, err := ReadSnapshot(r); s != nil || !errors.Is(err, broken) || errors.Is(err, ErrUnusable) {
			t.Errorf("a reader that breaks after %d bytes gives %v, %v", length, s, err)
		}
		if err := filled(20).WriteSnapshot(&brokenWriter{length, broken}, []byte("offsets")); length < len(whole) && !errors.Is(err, broken) {
			t.Errorf("a writer that breaks after %d bytes gives %v", length, err)
		}
	}
	if err := new(Set).WriteSnapshot(io.Discard, make([]byte, MaxPosition+1)); err == nil {
		t.Error("a position that cannot be read again is written")
	}
}

type brokenWriter struct {
	left int
	err  error
}

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		return 0, w.err
	}
	return len(p), nil
}

// FuzzReadSnapshot also makes the checksums right, to get beyond them.
func FuzzReadSnapshot(f *testing.F) {
	for _, entries := range []int{0, 1, 20} {
		f.Add(snapshot(f, filled(entries), "offsets"), false)
		f.Add(snapshot(f, filled(entries), ""), true)
	}
	f.Fuzz(func(t *testing.T, data []byte, seal bool) {
		if seal {
			resealed(data)
		}
		s, position, err := ReadSnapshot(bytes.NewReader(data))
		if err != nil {
			if s != nil || position != nil || !errors.Is(err, ErrUnusable) {
				t.Fatalf("an error came with %v, %v: %v", s, position, err)
			}
			return
		}
		again, _, err := ReadSnapshot(bytes.NewReader(snapshot(t, s, string(position))))
		if err != nil || again.Len() != s.Len() {
			t.Fatalf("written and read again: %v", err)
		}
		for shard := range s.shards {
			if table := s.shards[shard].Load(); table != nil {
				for head, tail := range table.each {
					if h := (Hash{uint64(shard)<<(64-shardBits) | head&tagMask, tail}); !s.Contains(h) || !again.Contains(h) {
						t.Fatal("an entry cannot be found")
					}
				}
			}
		}
	})
}

// resealed sets the checksums of a snapshot, as far as it has the right shape.
func resealed(data []byte) {
	part := func(length uint64) (ok bool) {
		if uint64(len(data)) < length+4 {
			return false
		}
		binary.LittleEndian.PutUint32(data[length:], checksum(data[:length]))
		data = data[length+4:]
		return true
	}
	if len(data) < prefixLen || !part(uint64(prefixLen)+uint64(binary.LittleEndian.Uint32(data[prefixLen-4:]))) {
		return
	}
	for len(data) >= sectionLen {
		entries := binary.LittleEndian.Uint64(data[4:])
		if binary.LittleEndian.Uint32(data) == numShards || entries > 1<<20 {
			entries = 0
		}
		if !part(sectionLen + entries*entryLen) {
			return
		}
	}
}

// TestReplace: a set takes over what was read, while it is being read.
func TestReplace(t *testing.T) {
	s := filled(1000)
	fresh := new(Set)
	fresh.Add(hashOf(5000), weeks(300))
	fresh.Replace(reread(t, s))
	if fresh.Len() != 1000 || fresh.Contains(hashOf(5000)) || !fresh.Contains(hashOf(999)) || fresh.Bytes() < s.Bytes()/2 {
		t.Errorf("it has %d entries in %d bytes", fresh.Len(), fresh.Bytes())
	}
	if fresh.Remove(hashOf(5000)) || !fresh.Remove(hashOf(1)) || !fresh.Add(hashOf(5000), weeks(300)) || fresh.Len() != 1000 {
		t.Error("it is no set like any other")
	}
}
