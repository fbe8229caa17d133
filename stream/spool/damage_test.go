package spool

import (
	"bytes"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// filled returns a disk with a spool of a few segments, the last of them as a
// crash leaves it, and what it holds: which bytes of which file.
func filled(t *testing.T) (*disk, map[string][]stored) {
	t.Helper()
	d := newDisk()
	s := openDisk(t, d)
	for i := range 30 {
		if err := s.Append(i%testLanes, []byte(fmt.Sprintf("%d/%d", i%testLanes, i/testLanes))); err != nil {
			t.Fatal(err)
		}
	}
	records, err := s.Next(1, 50)
	if err != nil || len(records) < 1 {
		t.Fatal(err)
	}
	s.Done(1, records)
	holds := map[string][]stored{}
	for id, l := range s.lanes {
		for i, r := range l.refs[l.head:] {
			done := 0
			if id == 1 {
				done = len(records)
			}
			holds[r.segment.name()] = append(holds[r.segment.name()], stored{
				payload: fmt.Sprintf("%d/%d", id, i+done), from: int(r.offset), to: int(r.offset + r.size),
			})
		}
	}
	image := d.clone() // before it is closed
	_ = s.Close()
	return image, holds
}

type stored struct {
	payload  string
	from, to int
}

func (d *disk) clone() *disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := newDisk()
	for name, node := range d.names {
		n := &inode{data: slices.Clone(node.data), synced: slices.Clone(node.data), modified: time.Now()}
		c.names[name], c.durable[name] = n, n
	}
	return c
}

// drained opens a disk, takes all out of it, and returns that and how often
// something was reported.
func drained(t *testing.T, d *disk) (payloads map[string]bool, st Stats) {
	t.Helper()
	s := openDisk(t, d)
	defer s.Close()
	payloads = map[string]bool{}
	for lane := range testLanes {
		for {
			records, err := s.Next(lane, 1000)
			if err != nil {
				t.Fatal(err)
			}
			if len(records) == 0 {
				break
			}
			for _, r := range records {
				payloads[string(r.Payload)] = true
			}
			s.Done(lane, records)
		}
	}
	return payloads, s.Stats()
}

// TestDamageAtEveryByte flips a bit of every byte and cuts every file at every
// byte: what is not touched comes out, what is touched is reported and set
// aside, once, and the spool works.
func TestDamageAtEveryByte(t *testing.T) {
	t.Parallel()
	image, holds := filled(t)
	var all []string
	for _, records := range holds {
		for _, r := range records {
			all = append(all, r.payload)
		}
	}
	if len(holds) < 4 || len(all) < 25 {
		t.Fatalf("%d segments hold %d records", len(holds), len(all))
	}
	check := func(what string, name string, at int, touched func(stored) bool, mustReport bool, damage func(*inode)) {
		t.Helper()
		d := image.clone()
		damage(d.names[name])
		kept := slices.Clone(d.names[name].data)
		got, st := drained(t, d)
		lost := map[string]bool{}
		for _, r := range holds[name] {
			lost[r.payload] = touched(r)
		}
		for _, payload := range all {
			if !got[payload] && !lost[payload] {
				t.Fatalf("%s byte %d of %s: %s is lost", what, at, name, payload)
			}
			if got[payload] && lost[payload] {
				t.Fatalf("%s byte %d of %s: %s came out", what, at, name, payload)
			}
		}
		if mustReport != (st.Damaged+st.Unfinished > 0) {
			t.Fatalf("%s byte %d of %s: reported %d and %d times, want a report: %v", what, at, name, st.Damaged, st.Unfinished, mustReport)
		}
		if mustReport && (st.SetAside != 1 || !setAsideOf(d, kept)) {
			t.Fatalf("%s byte %d of %s: %d parts are set aside", what, at, name, st.SetAside)
		}
		if st.Records != 0 || st.Bytes != 0 {
			t.Fatalf("%s byte %d of %s: %d records, %d bytes are left", what, at, name, st.Records, st.Bytes)
		}
		if _, again := drained(t, d); again.Damaged+again.Unfinished > 0 {
			t.Fatalf("%s byte %d of %s: it is reported at the next start again", what, at, name)
		}
	}
	for name, node := range image.names {
		_, suffix, _ := numberOf(name)
		segment := suffix == sealedSuffix || suffix == openSuffix
		for at := range node.data {
			for _, bit := range []byte{0x01, 0x80} {
				check("flipped", name, at, func(r stored) bool { return r.from <= at && at < r.to }, segment, func(n *inode) { n.data[at] ^= bit })
			}
			boundary := slices.ContainsFunc(holds[name], func(r stored) bool { return r.from == at }) || at == 0
			cutOff := func(r stored) bool { return r.to > at }
			check("cut at", name, at, cutOff, suffix == sealedSuffix || suffix == openSuffix && !boundary, func(n *inode) { n.data = n.data[:at] })
		}
	}
}

// setAsideOf reports whether every damaged part is one of the file's.
func setAsideOf(d *disk, content []byte) bool {
	for name, node := range d.names {
		if strings.HasSuffix(name, damagedSuffix) && !bytes.Contains(content, node.data) {
			return false
		}
	}
	return true
}

// TestDamageWhileRunning: what is damaged after the start is found when it is
// to come out.
func TestDamageWhileRunning(t *testing.T) {
	t.Parallel()
	d := newDisk()
	s := openDisk(t, d)
	defer s.Close()
	for i := range 6 {
		if err := s.Append(0, []byte(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	middle := s.lanes[0].refs[2]
	d.names[middle.segment.name()].data[middle.offset+frameSize] ^= 1
	var got []string
	for {
		records, err := s.Next(0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			break
		}
		for _, r := range records {
			got = append(got, string(r.Payload))
		}
		s.Done(0, records)
	}
	if st := s.Stats(); strings.Join(got, "") != "01345" || st.Damaged != 1 || st.SetAside != 1 || st.Records != 0 {
		t.Errorf("got %v, %+v", got, st)
	}
	names, _ := d.Names()
	for _, name := range names {
		if strings.HasSuffix(name, damagedSuffix) {
			_ = d.Remove(name) // as an operator who has seen to it
		}
	}
	if st := s.Stats(); st.SetAside != 0 || st.Damaged != 1 {
		t.Errorf("once it is moved away: %+v", st)
	}
}

// TestUnreadableSegments: a disk that does not give a segment does not keep the
// others, and the file is kept.
func TestUnreadableSegments(t *testing.T) {
	t.Parallel()
	image, holds := filled(t)
	for name := range holds {
		d := image.clone()
		d.names[name].data = make([]byte, maxSegment+1)
		got, st := drained(t, d)
		if want := 30 - 1 - len(holds[name]); len(got) < want || st.Damaged != 1 || st.SetAside != 1 {
			t.Errorf("%s: %d records came out, want %d; %+v", name, len(got), want, st)
		}
		number, _, _ := numberOf(name)
		if kept := d.names[fileName(number, damagedSuffix)]; kept == nil || len(kept.data) != maxSegment+1 {
			t.Errorf("%s is not kept", name)
		}
	}
}

// damagedOf returns the names of the damaged parts on the disk.
func damagedOf(d *disk) (names []string) {
	all, _ := d.Names()
	for _, name := range all {
		if strings.HasSuffix(name, damagedSuffix) {
			names = append(names, name)
		}
	}
	return names
}

// TestDamageFoundOnAFullDisk is set aside as soon as there is room, without a
// restart, and a part that a process did not copy whole is copied again.
func TestDamageFoundOnAFullDisk(t *testing.T) {
	t.Parallel()
	d, holds := filled(t)
	name := ""
	for name = range holds {
		break
	}
	first := holds[name][0]
	d.names[name].data[first.from+frameSize] ^= 1
	number, _, _ := numberOf(name)
	cut := (&segment{number: number}).partName(extent{int64(first.from), int64(first.to)})
	d.names[cut] = &inode{data: []byte("SK"), modified: time.Now()}
	d.fail = func(_ int, what string) error {
		if what == "write" || what == "create" {
			return syscall.ENOSPC
		}
		return nil
	}
	s := openDisk(t, d)
	defer s.Close()
	for lane := range testLanes {
		for records, err := s.Next(lane, 1000); len(records) > 0 || err != nil; records, err = s.Next(lane, 1000) {
			if err != nil {
				t.Fatal(err)
			}
			s.Done(lane, records)
		}
	}
	if !slices.Contains(func() []string { names, _ := d.Names(); return names }(), name) {
		t.Fatal("the segment is removed, and what is damaged in it is nowhere else")
	}
	d.mu.Lock()
	d.fail = nil
	d.mu.Unlock()
	gone := func() bool { names, _ := d.Names(); return !slices.Contains(names, name) }
	for deadline := time.Now().Add(time.Minute); !gone(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("there is room, and it is not set aside: %+v", s.Stats())
		}
	}
	if st := s.Stats(); len(damagedOf(d)) != 1 || st.SetAside != 1 || st.SetAsideBytes != int64(first.to-first.from) || st.Records != 0 {
		t.Errorf("%v are set aside; %+v", damagedOf(d), st)
	}
	if kept := d.names[cut]; kept == nil || len(kept.data) != first.to-first.from {
		t.Error("the part is not whole")
	}
}

// TestDamagedPartsAreBounded by age and by size; the oldest go first, and that is
// counted.
func TestDamagedPartsAreBounded(t *testing.T) {
	t.Parallel()
	d := newDisk()
	add := func(number uint64, size int, age time.Duration) {
		part := (&segment{number: number}).partName(extent{0, int64(size)})
		d.names[part] = &inode{data: make([]byte, size), modified: time.Now().Add(-age)}
	}
	add(1, 10, keptFor+time.Hour)
	add(2, 20, keptFor-time.Hour)
	s := openDisk(t, d)
	defer s.Close()
	if st := s.Stats(); st.SetAside != 1 || st.SetAsideBytes != 20 || st.Removed != 1 {
		t.Errorf("one is too old: %+v", st)
	}
	prune := func() { s.mu.Lock(); defer s.mu.Unlock(); s.prune() }
	for i := range uint64(5) {
		add(3+i, 16<<20, 0)
	}
	prune()
	if st := s.Stats(); st.SetAside != 4 || st.SetAsideBytes != 64<<20 || st.Removed != 3 || d.names[(&segment{number: 3}).partName(extent{0, 16 << 20})] != nil {
		t.Errorf("five of 16 MiB: %+v, %v", st, damagedOf(d))
	}
	add(9, 65<<20, 0)
	prune()
	if st := s.Stats(); st.SetAside != 1 || st.SetAsideBytes != 65<<20 {
		t.Errorf("the last is kept whatever its size: %+v", st)
	}
}

// FuzzSegment: whatever a segment holds, each byte is accounted for, only what
// was written comes out, and opening it neither fails nor panics.
func FuzzSegment(f *testing.F) {
	const number = 7
	whole := appendFrame(nil, number, 0, 0, 1, []byte("first"))
	whole = appendFrame(whole, number, int64(len(whole)), 1, 2, nil)
	whole = appendSeal(whole, number, int64(len(whole)))
	f.Add(whole, []byte{}, true)
	f.Add(whole[:len(whole)-headSize], appendDone(nil, number, 0), false)
	f.Add(append(slices.Clone(whole), whole...), []byte("torn"), true)
	f.Add(append([]byte("xx"), whole...), []byte{}, false)
	f.Add(bytes.Repeat([]byte("SKR1"), 20), []byte{}, false)
	f.Fuzz(func(t *testing.T, data, journal []byte, sealed bool) {
		c := scan(data, number)
		at := int64(0)
		next := func() int64 { // where the part that begins at a place ends
			for _, r := range c.records {
				if r.offset == at {
					return at + int64(r.size)
				}
			}
			for _, e := range c.damaged {
				if e.from == at {
					return e.to
				}
			}
			if c.sealed {
				return at + headSize
			}
			if at == c.tail.from {
				return c.tail.to
			}
			return at
		}
		for at < int64(len(data)) {
			to := next()
			if to <= at {
				t.Fatalf("byte %d is in no part: %+v", at, c)
			}
			at = to
		}
		d := newDisk()
		suffix := openSuffix
		if sealed {
			suffix = sealedSuffix
		}
		d.names[fileName(number, suffix)] = &inode{data: slices.Clone(data)}
		d.names[fileName(number, doneSuffix)] = &inode{data: slices.Clone(journal)}
		done := doneOf(journal, number)
		s, err := openFS(d, testLimit, testSegment, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for _, r := range c.records {
			if !done[r.offset] {
				want++
			}
		}
		got := 0
		for _, lane := range s.Lanes() {
			for {
				records, err := s.Next(lane, 1000)
				if err != nil {
					t.Fatal(err)
				}
				if len(records) == 0 {
					break
				}
				got += len(records)
				s.Done(lane, records)
			}
		}
		if got != want {
			t.Errorf("%d records came out, want %d", got, want)
		}
		if err := s.Append(0, []byte("after")); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}
