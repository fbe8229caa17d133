package stream

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	protocolfetch "github.com/segmentio/kafka-go/protocol/fetch"
)

const (
	// fetchBytes is about how much is fetched at once. Kafka sends a batch that is
	// larger nevertheless.
	fetchBytes = 8 << 20
	// fetchWait is how long Kafka waits for a message, and fetchTimeout how long
	// an answer may take after that.
	fetchWait    = time.Second
	fetchTimeout = 30 * time.Second
	maxFetched   = 1 << 30
)

// fetchRecords asks for the messages of a partition from offset on. It waits for them,
// for a moment; there may be none.
func (c *Cluster) fetchRecords(ctx context.Context, topic string, partition int, offset int64) (*records, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchWait+fetchTimeout)
	defer cancel()
	answer, err := c.transport.RoundTrip(ctx, c.client.Addr, &fetchRequest{Request: protocolfetch.Request{
		ReplicaID: -1, MaxWaitTime: int32(fetchWait / time.Millisecond), MinBytes: 1, MaxBytes: fetchBytes, SessionID: 0, SessionEpoch: -1,
		Topics: []protocolfetch.RequestTopic{{Topic: topic, Partitions: []protocolfetch.RequestPartition{{
			Partition: int32(partition), CurrentLeaderEpoch: -1, FetchOffset: offset, LogStartOffset: -1, PartitionMaxBytes: fetchBytes,
		}}}},
	}})
	if err != nil {
		return nil, fmt.Errorf("cannot fetch from partition %d: %w", partition, err)
	}
	r, err := answer.(*fetchResponse).records()
	if err != nil {
		return nil, fmt.Errorf("cannot fetch from partition %d: %w", partition, err)
	}
	r.topic, r.partition = topic, partition
	return r, nil
}

// fetchRequest is kafka-go's, and reads its answer itself: kafka-go would make
// several objects of each message.
type fetchRequest struct {
	protocolfetch.Request
	version int16
}

// Versions of the request that can be spoken. Kafka has had the first since 0.11.
const firstFetch, lastFetch = 4, 11

// Required notes the version that kafka-go agreed on with the broker.
func (r *fetchRequest) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = min(versions[protocol.Fetch], lastFetch)
	return true
}

var (
	errOldKafka = errors.New("the broker is older than Kafka 0.11, which is needed")
	errAnswer   = errors.New("the broker's answer cannot be understood")
)

// RawExchange sends the request and reads the answer.
func (r *fetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if r.version < firstFetch {
		return nil, errOldKafka
	}
	const id = 1 // one request at a time
	if err := protocol.WriteRequest(rw, r.version, id, "", &r.Request); err != nil {
		return nil, err
	}
	var size [4]byte
	if _, err := io.ReadFull(rw, size[:]); err != nil {
		return nil, err
	}
	n := int32(binary.BigEndian.Uint32(size[:]))
	if n < 4 || n > maxFetched {
		return nil, errAnswer
	}
	body := make([]byte, n)
	if _, err := io.ReadFull(rw, body); err != nil {
		return nil, err
	}
	if binary.BigEndian.Uint32(body) != id {
		return nil, errAnswer
	}
	return &fetchResponse{version: r.version, body: body[4:]}, nil
}

// fetchResponse is an answer as it came.
type fetchResponse struct {
	version int16
	body    []byte
}

// ApiKey makes it a message of kafka-go's.
func (*fetchResponse) ApiKey() protocol.ApiKey { return protocol.Fetch }

// records finds the batches of the one partition that was asked for.
func (f *fetchResponse) records() (*records, error) {
	d := fields{left: f.body}
	d.skip(4) // by how much the broker throttles
	problem := int16(0)
	if f.version >= 7 {
		problem = int16(d.number(2))
		d.skip(4) // the session
	}
	topics := d.number(4)
	d.skip(int(int16(d.number(2)))) // the topic's name
	partitions := d.number(4)
	d.skip(4) // its number
	if code := int16(d.number(2)); code != 0 {
		problem = code
	}
	r := &records{mark: int64(d.number(8))}
	d.skip(8) // the end of the last transaction
	if f.version >= 5 {
		d.skip(8) // the partition's beginning
	}
	if aborted := int32(d.number(4)); aborted > 0 {
		d.skip(int(aborted) * 16)
	}
	if f.version >= 11 {
		d.skip(4) // a replica to ask instead, of which there is none without racks
	}
	size := int32(d.number(4))
	switch {
	case problem != 0:
		return nil, kafka.Error(problem)
	case d.bad || topics != 1 || partitions != 1 || int64(size) > int64(len(d.left)):
		return nil, errAnswer
	}
	r.rest = d.left[:max(size, 0)]
	return r, nil
}

// fields reads fields of fixed size.
type fields struct {
	left []byte
	bad  bool
}

func (d *fields) skip(n int) {
	if n < 0 || n > len(d.left) {
		d.bad, d.left = true, nil
		return
	}
	d.left = d.left[n:]
}

// number reads a number of so many bytes, at most 8.
func (d *fields) number(size int) (n uint64) {
	if size > len(d.left) {
		d.bad, d.left = true, nil
		return 0
	}
	for _, b := range d.left[:size] {
		n = n<<8 | uint64(b)
	}
	d.left = d.left[size:]
	return n
}
