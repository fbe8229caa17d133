// Package cmp decodes what consent management platforms keep: the cookies of
// OneTrust, Cookiebot, Didomi and CookieYes, the lists of Usercentrics, and the
// category object of Segment-style SDKs.
//
// Each decoder fills a [Choices]: the platform's own categories, each granted,
// refused or silent. What a category means is a site's configuration and not
// this package's business: one that no policy maps grants nothing.
//
// The decoders take any bytes. What they do not understand is an error, which
// the caller takes as a refusal of everything, and an error leaves nothing
// granted. They do no work beyond [MaxValue] bytes and [MaxCategories]
// categories, and allocate nothing for a valid value of usual size once a
// Choices has been used.
//
// They are called with values that are there; absence is silence, and the
// caller's to see.
package cmp
