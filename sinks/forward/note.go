package forward

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"
)

// maxNoted is how many offsets a note can speak of: Kafka takes notes of 4 KiB. Of
// messages behind these it is not known whether they are settled.
const maxNoted = 23_000

// note says which messages of a partition are settled, by a bit for each offset from
// the first one on. The zero note says nothing.
type note struct {
	first int64
	bits  []byte
}

func (n *note) has(offset int64) bool {
	at := offset - n.first
	return at >= 0 && at/8 < int64(len(n.bits)) && n.bits[at/8]&(1<<(at%8)) != 0
}

func (n *note) add(offset int64) {
	at := offset - n.first
	if at < 0 || at >= maxNoted {
		return
	}
	for int64(len(n.bits)) <= at/8 {
		n.bits = append(n.bits, 0)
	}
	n.bits[at/8] |= 1 << (at % 8)
}

// reserve has it speak of the offsets up to one, which is not included.
func (n *note) reserve(end int64) {
	for n.end() < min(end, n.first+maxNoted) {
		n.bits = append(n.bits, 0)
	}
}

// last returns the last offset that is settled, -1 when none is.
func (n *note) last() int64 {
	for offset := n.end() - 1; offset >= n.first; offset-- {
		if n.has(offset) {
			return offset
		}
	}
	return -1
}

// addFrom adds what another says of offsets from one on.
func (n *note) addFrom(other *note, from int64) {
	for offset := max(from, other.first); offset < other.end(); offset++ {
		if other.has(offset) {
			n.add(offset)
		}
	}
}

// end returns the offset from which on it says nothing.
func (n *note) end() int64 { return n.first + 8*int64(len(n.bits)) }

// text writes a note that begins with a message: its offset, a digest of it, since a
// topic that was made anew has other messages at the same offsets, and the bits.
func (n *note) text(first *kafka.Message) string {
	if len(n.bits) == 0 {
		return ""
	}
	return strconv.FormatInt(n.first, 10) + " " + digest(first) + " " + base64.RawStdEncoding.EncodeToString(n.bits)
}

// readNote reads a note that begins with the message. What begins elsewhere, or
// cannot be read, says nothing.
func readNote(text string, first *kafka.Message) note {
	parts := strings.Split(text, " ")
	if len(parts) != 3 || parts[0] != strconv.FormatInt(first.Offset, 10) || parts[1] != digest(first) {
		return note{}
	}
	bits, err := base64.RawStdEncoding.DecodeString(parts[2])
	if err != nil || len(bits) > maxNoted/8 {
		return note{}
	}
	return note{first: first.Offset, bits: bits}
}

func digest(m *kafka.Message) string {
	h := sha256.New()
	h.Write(m.Key)
	h.Write(m.Value)
	return hex.EncodeToString(h.Sum(nil)[:8])
}

// mark is what is left with a commit, as a text of words: those that say nothing are
// left out.
type mark struct {
	sent    int64  // offset up to which events may have been sent
	expired uint64 // events of the partition, ever
	settled string // a note
}

func (m *mark) text() string {
	var words []string
	if m.sent > 0 {
		words = append(words, sentIs+strconv.FormatInt(m.sent, 10))
	}
	if m.expired > 0 {
		words = append(words, expiredIs+strconv.FormatUint(m.expired, 10))
	}
	if m.settled != "" {
		words = append(words, m.settled)
	}
	return strings.Join(words, " ")
}

// readMark reads what can be read.
func readMark(text string) (m mark) {
	for m.settled = text; ; {
		word, rest, _ := strings.Cut(m.settled, " ")
		if number, ok := strings.CutPrefix(word, sentIs); ok {
			m.sent = int64(readNumber(number, 63))
		} else if number, ok := strings.CutPrefix(word, expiredIs); ok {
			m.expired = readNumber(number, 64)
		} else {
			return m
		}
		m.settled = rest
	}
}

// readNumber is 0 where there is none.
func readNumber(text string, bits int) uint64 {
	n, err := strconv.ParseUint(text, 10, bits)
	if err != nil {
		return 0
	}
	return n
}

const sentIs, expiredIs = "sent=", "expired="
