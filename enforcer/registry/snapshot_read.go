package registry

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// ReadSnapshot returns the set and the position that WriteSnapshot wrote, and
// only if all of the snapshot is there, undamaged and followed by nothing. It
// takes little memory beside the set. See [ErrUnusable].
func ReadSnapshot(r io.Reader) (*Set, []byte, error) {
	p := &partReader{r: bufio.NewReaderSize(r, 64<<10)}
	s, position, err := readSnapshot(p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = unusable("it is truncated")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("cannot read registry snapshot: %w", err)
	}
	return s, position, nil
}

func unusable(why string) error { return fmt.Errorf("%s: %w", why, ErrUnusable) }

func readSnapshot(p *partReader) (*Set, []byte, error) {
	position, err := readHeader(p)
	if err != nil {
		return nil, nil, err
	}
	s := new(Set)
	for next := 0; ; {
		p.begin()
		section, err := p.read(sectionLen)
		if err != nil {
			return nil, nil, err
		}
		shard := int(binary.LittleEndian.Uint32(section))
		entries := binary.LittleEndian.Uint64(section[4:])
		if shard == numShards {
			return s, position, readEnd(p, s, entries)
		}
		if shard < next || shard > numShards {
			return nil, nil, unusable("its sections are not in order")
		}
		t, err := readEntries(p, entries)
		if err != nil {
			return nil, nil, err
		}
		s.replace(shard, t)
		s.len.Add(int64(t.used))
		next = shard + 1
	}
}

func readHeader(p *partReader) (position []byte, err error) {
	prefix, err := p.read(prefixLen)
	if err != nil {
		return nil, err
	}
	if string(prefix[:len(magic)]) != magic {
		return nil, unusable("it is not a registry snapshot")
	}
	version := binary.LittleEndian.Uint32(prefix[len(magic):])
	if version != snapshotVersion {
		return nil, unusable(fmt.Sprintf("it has version %d, want %d", version, snapshotVersion))
	}
	length := binary.LittleEndian.Uint32(prefix[len(magic)+4:])
	if length > MaxPosition {
		return nil, unusable("its position is too long")
	}
	if position, err = p.read(int(length)); err != nil {
		return nil, err
	}
	return slices.Clone(position), p.end()
}

// readEntries reads the rest of a section into a table.
func readEntries(p *partReader, entries uint64) (*table, error) {
	const most = 1 << 40 / entryLen // keeps the product below from overflowing
	if entries == 0 || entries > most {
		return nil, unusable("a section has a wrong length")
	}
	part, err := p.read(int(entries) * entryLen)
	if err != nil {
		return nil, err
	}
	if err := p.end(); err != nil {
		return nil, err
	}
	t := newTable(int(entries))
	for ; len(part) > 0; part = part[entryLen:] {
		head := binary.LittleEndian.Uint64(part)
		if weekOf(head) == 0 {
			return nil, unusable("an entry has no expiry")
		}
		t.push(head, binary.LittleEndian.Uint64(part[8:]))
	}
	return t, nil
}

func readEnd(p *partReader, s *Set, entries uint64) error {
	if err := p.end(); err != nil {
		return err
	}
	if uint64(s.Len()) != entries {
		return unusable("sections are missing")
	}
	switch _, err := p.r.ReadByte(); err {
	case io.EOF:
		return nil
	case nil:
		return unusable("something follows it")
	default:
		return err
	}
}

// A partReader reads a part, which ends with its checksum.
type partReader struct {
	r    *bufio.Reader
	part []byte
}

func (p *partReader) begin() { p.part = p.part[:0] }

// read returns the next n bytes of the part, valid until the next begin. It takes
// memory as the bytes come, so that a damaged length cannot ask for too much.
func (p *partReader) read(n int) ([]byte, error) {
	const step = 64 << 10
	start := len(p.part)
	for want := start + n; len(p.part) < want; {
		have := len(p.part)
		more := min(want-have, step)
		p.part = slices.Grow(p.part, more)[:have+more]
		if _, err := io.ReadFull(p.r, p.part[have:]); err != nil {
			return nil, err
		}
	}
	return p.part[start:], nil
}

// end checks the part against the checksum after it.
func (p *partReader) end() error {
	want := checksum(p.part)
	var sum [4]byte
	if _, err := io.ReadFull(p.r, sum[:]); err != nil {
		return err
	}
	if binary.LittleEndian.Uint32(sum[:]) != want {
		return unusable("a checksum is wrong")
	}
	return nil
}
