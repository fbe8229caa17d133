// Package gpp decodes GPP strings: the IAB Global Privacy Platform's envelope
// for the privacy signals of many jurisdictions (Core/Consent String
// Specification, version 1, and the specifications under Sections).
//
// It fails closed: a header that does not decode is an error, a section that
// does not decode is marked malformed and counts as an opt-out, and nothing
// that is malformed ever reads as permission. Any bytes may be given; the work
// is linear in their number, and decoding allocates nothing.
//
// Section 2 holds an ordinary TC string, which this package hands out as it
// stands. Section 6 is read by package usprivacy.
package gpp
