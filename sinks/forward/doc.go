// Package forward brings records from Kafka to third parties: to each recipient
// of the handling policy what was granted for it, and nothing else.
//
// What all recipients have in common is here: the [Runner] reads the events topic
// as a consumer group of the recipient's own, looks at each record again by
// today's policy, resets and opt-outs, makes an [Event] of what the recipient may
// have, sends requests, and follows up what came of them. What is particular to
// one sort of recipient is a [Kind]: packages ga4, meta and webhook beside this
// one.
//
// # Adding a kind of recipient
//
// Write a package with a [Kind], and a Config that is its [Section], whose fields
// bear `yaml` and `doc` tags; add the Config to the forwarders' part of the
// configuration under the kind's name, in a field of its own; and name the
// recipient in the handling policy, which says what it may have.
//
// # What a Kind never sees
//
// A Kind is given [Event], never a record. An identifier is there as a
// [Pseudonym] made for this recipient alone, and as it came only where the policy
// names it among the recipient's own. So a mistake in a Kind can send the wrong
// thing to its vendor, and never something that the vendor was not granted.
package forward
