package stream

import (
	"strconv"

	"github.com/google/uuid"
	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

var (
	schemaVersion = []byte(strconv.Itoa(schemas.Version))
	eventHeaders  = []kafka.Header{
		{Key: schemas.HeaderKind, Value: []byte(schemas.KindEvent)},
		{Key: schemas.HeaderSchema, Value: schemaVersion},
	}
)

func accountHeaders(id uuid.UUID) []kafka.Header {
	return []kafka.Header{
		{Key: schemas.HeaderKind, Value: []byte(schemas.KindAccount)},
		{Key: schemas.HeaderSchema, Value: schemaVersion},
		{Key: schemas.HeaderBatch, Value: id[:]},
	}
}

// HeaderOf returns the value of the message's header, nil when it has none.
func HeaderOf(headers []kafka.Header, name string) []byte {
	for i := range headers {
		if headers[i].Key == name {
			return headers[i].Value
		}
	}
	return nil
}
