// Package mobile decodes what phones say of consent: the status of iOS App
// Tracking Transparency, the limit-ad-tracking flag, and whether an
// advertising identifier is one at all.
//
// What is not understood is an error, which the caller takes as a refusal.
// Decoding allocates nothing and may be done by any number of goroutines at
// once.
package mobile
