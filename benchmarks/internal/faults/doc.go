// Package faults breaks everything that Sekisho is made of while events are
// written to it, and holds at the end what was acknowledged against what Kafka
// and ClickHouse have.
//
// A [stage] is what runs: a Kafka, a ClickHouse, collectors and sinks, each a
// process of its own, with proxies between them. A schedule, made from a seed,
// says which fault comes next and for how long; the director carries it out.
// Writers send events and enter the answers in a ledger. When all is mended and
// ClickHouse has caught up, the ledger is compared.
package faults
