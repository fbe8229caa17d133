// Package ingest is the collector: it takes events over HTTP, checks them
// against the schema, finds the signals that came with them, has the enforcer
// decide, and answers when what was let through is durable.
//
// Nothing of a request is written anywhere but what the enforcer let through:
// no address, no payload, no header reaches a log, a metric or an answer.
package ingest
