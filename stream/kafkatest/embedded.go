//go:build !apache

package kafkatest

import "sekisho/stream/embedded"

// Apache reports whether it is Apache Kafka.
const Apache = false

// broker is the embedded Kafka.
type broker struct{ *embedded.Kafka }

func (b *broker) start(dir, advertised string) (err error) {
	b.Kafka, err = embedded.StartBehind(dir, 0, advertised)
	return err
}

// Compact has the broker forget all but the last version of each key of a
// compacted topic.
func (k *Kafka) Compact(string) error {
	k.broker.Compact()
	return nil
}
