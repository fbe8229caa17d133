// Package tcf decodes TC strings, the consent signal of IAB Europe's
// Transparency and Consent Framework, versions 2.0 to 2.3, and says what they
// permit a vendor.
//
// Three questions are kept apart. [Decode]: is this a TC string? [Consent.Usable]:
// may it still be relied on? [Consent.Permits]: does it let this vendor process
// data for this purpose? Everything fails closed: whatever is malformed, unusable
// or contradictory grants nothing, and no error repeats what was sent.
//
// The format is IAB Tech Lab's "Consent string and vendor list formats v2"; who
// may process what is told in its section on publisher restrictions and in
// IAB Europe's policies.
package tcf
