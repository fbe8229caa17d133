// Package enforcer decides, for every event, what may become of it: allow,
// anonymise or drop, for whom, with which fields, and why. It is the reason
// for which Sekisho exists.
//
// It does no I/O and reads no clock: a decision is a pure function of the
// event, the request's signals, the policy's compiled [Table] and the reset
// registry. What it does not understand is a refusal.
package enforcer
