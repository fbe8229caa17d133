// Package stream is the one way in and out of Kafka: topics, a producer that
// answers when a batch is durable, consumer groups that commit only what was
// handled, and the compacted topic of resets.
//
// What goes in has been through the enforcer; nothing else may be given to it.
package stream
