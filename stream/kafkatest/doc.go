// Package kafkatest gives tests a Kafka that they can disturb. Ordinary builds
// have the embedded one, builds with the tag apache have Apache Kafka; tests
// need not know which.
package kafkatest
