package tcf

import "time"

// The dates from which the standard demands more, in tenths of seconds.
const (
	fromTCF22 = 16961184000 // 1 October 2023: TCF 2.2 was due on 30 September
	fromTCF23 = 17723232000 // 1 March 2026: TCF 2.3 was due on 28 February
)

// clockSlack is how far in the future a string may be: time zones, since a day
// counts from midnight somewhere, and clocks that are wrong.
const clockSlack = 48 * time.Hour

// minPolicy is the policy version of TCF 2.2.
const minPolicy = 4

// Usable reports whether the string may still be relied on at a time, and why
// not: the error is an [Error]. What is not usable is no signal of consent.
// Until Usable has been asked and has said yes, [Consent.Permits] permits nothing.
//
// A string without disclosed vendors is usable if it was last changed before
// TCF 2.3 became due; later ones are not, whatever policy they name. Whether the
// platform is on the CMP list, and whether consent has grown too old, is for the
// caller to judge, by [Consent.CMP] and [Consent.LastUpdated].
func (c *Consent) Usable(now time.Time) error {
	if err := c.check(uint64(max(now.UnixMilli(), 0)) / 100); err != 0 {
		c.usable = false
		return err
	}
	c.usable = true
	return nil
}

func (c *Consent) check(now uint64) Error {
	changed := max(c.field(atCreated, 36), c.field(atUpdated, 36))
	switch {
	case c.field(0, 6) != 2:
		return ErrVersion
	case c.field(atServiceSpecific, 1) == 0:
		return ErrGlobalScope
	case c.CMP() <= 1: // not platforms
		return ErrCMP
	case now >= fromTCF22 && c.PolicyVersion() < minPolicy:
		return ErrPolicyVersion
	case changed > now+uint64(clockSlack/(100*time.Millisecond)):
		return ErrFuture
	case changed >= fromTCF23 && c.disclosed.form == absent:
		return ErrUndisclosed
	}
	return 0
}
