package stream

import (
	"strconv"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

var schemaVersion = strconv.Itoa(schemas.Version)

// redrivenHeaders are those of an event that is driven again.
func redrivenHeaders(letter string) []kafka.Header {
	return []kafka.Header{
		{Key: schemas.HeaderKind, Value: []byte(schemas.KindEvent)},
		{Key: schemas.HeaderSchema, Value: []byte(schemaVersion)},
		{Key: schemas.HeaderLetter, Value: []byte(letter)},
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
