// Package usprivacy decodes the IAB US Privacy String (CCPA Opt-Out Storage
// Format, version 1.0): four characters such as 1YNN, sent as us_privacy, in
// the cookie usprivacy, or as section 6 of a GPP string.
//
// It was superseded by GPP but is still sent. Decoding allocates nothing and
// may be done by any number of goroutines at once.
package usprivacy
