package stream

import (
	"strconv"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

var schemaVersion = strconv.Itoa(schemas.Version)

// HeaderOf returns the value of the message's header, nil when it has none.
func HeaderOf(headers []kafka.Header, name string) []byte {
	for i := range headers {
		if headers[i].Key == name {
			return headers[i].Value
		}
	}
	return nil
}
