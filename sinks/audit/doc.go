// Package audit checks that every event is accounted for: what was received
// against what was decided, and what was let through against what is stored.
//
// It asks the parts that know, each for itself: the accounts on the events topic
// say what was decided; the records beside them say what was let through; the
// sink's consumer group says how far it is; ClickHouse says which of the records
// have a row and what it has counted; the dead letters, the resets and the
// policy say why one has none.
//
// An account is in the same Kafka batch as the records that it counts for the
// store. So the messages of a partition fall into groups, records and then their
// accounts, in each of which the two must agree. A copy of a batch has the ids of
// its accounts, which have been seen then, and a copy of an event has its id.
//
// It may run at any time. What is under way meanwhile counts as pending, never as
// a difference: how far the sink is is asked for first, and what ClickHouse has
// last, so that all before the one is in the other.
package audit
