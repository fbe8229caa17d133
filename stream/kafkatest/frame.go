package kafkatest

import (
	"encoding/binary"
	"errors"
	"io"
)

// maxFrame is larger than any request or answer of a test.
const maxFrame = 128 << 20

// readFrame reads a request or an answer with its four bytes of length.
func readFrame(from io.Reader) ([]byte, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	n := binary.BigEndian.Uint32(length[:])
	if n > maxFrame {
		return nil, errors.New("this is not Kafka's protocol")
	}
	frame := make([]byte, 4+n)
	copy(frame, length[:])
	_, err := io.ReadFull(from, frame[4:])
	return frame, err
}

func writeFrame(to io.Writer, frame []byte) error {
	_, err := to.Write(frame)
	return err
}
