// Package registry is the in-memory set of reset identifiers against which every
// event is checked. It is sized for a hundred million resets in one process and
// does no I/O of its own: a snapshot goes through a reader or writer that the
// caller gives.
//
// It holds keyed hashes only, never identifiers: a [Hasher] turns a kind and an
// identifier into a [Hash], and a [Set] remembers hashes until they expire.
package registry
