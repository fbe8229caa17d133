// Package additionalconsent decodes Google's Additional Consent (AC) string,
// which lists consent to ad technology providers that are not on the TCF's
// global vendor list.
//
// An AC string adds to a TC string and is nothing by itself: use it only with a
// usable TC string, and preferably only if that permits Google's own vendor, 755.
// Meta is not on the TCF's list that was last checked; others read provider 89
// as Meta.
//
// The format is told in Google's help center, answer 9681920. Whatever is not
// of that form is an error, which the caller takes as a refusal, and no error
// repeats what was sent. Decoding allocates nothing and may be done by any
// number of goroutines at once.
package additionalconsent
