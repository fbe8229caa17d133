// Package consentmode decodes the consent state that Google's tags send with
// their hits: the parameters gcs and gcd of Google Consent Mode.
//
// Google publishes the meaning of neither; what is known of them was observed.
// So only what is known is accepted, and any surprise is an error, which the
// caller takes as a refusal of everything. Decoding allocates nothing and may
// be done by any number of goroutines at once.
package consentmode
