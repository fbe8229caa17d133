// Package replay reads what Kafka keeps of the past and passes it on again, as
// of now: an old range of the events topic into a table, to a recipient or into
// another topic ([Replay]), single dead letters to where they could not go
// ([Redrive]), and, to look at, what arrives at the moment ([Tail]).
//
// What was let through once was let through by the policy and the resets of
// that day. So nothing is passed on here before the [Reviewer] has decided
// again; it never decides for more than was granted then.
package replay
