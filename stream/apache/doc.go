// Package apache runs Apache Kafka, for tests and benchmarks: brokers in KRaft
// mode on loopback, each a process of its own that can be killed, suspended and
// started again on its data.
//
// It needs a JDK (17 or later) and Maven, which fetches Kafka once into the
// user's cache directory.
package apache
