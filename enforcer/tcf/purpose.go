package tcf

// Purpose is the number of a TCF purpose, from 1 to [MaxPurpose]. Those defined
// are 1 store and access information on a device, 2 select advertising with
// limited data, 3 and 4 create and use advertising profiles, 5 and 6 create and
// use content profiles, 7 and 8 measure advertising and content, 9 understand
// audiences, 10 develop and improve services, 11 select content with limited data.
type Purpose uint8

// MaxPurpose is the highest purpose that a TC string has room for.
const MaxPurpose Purpose = 24

// PurposeSet is a set of purposes as it is written in 24 bits: the highest is
// purpose 1.
type PurposeSet uint32

// consentOnly are the purposes that no vendor may base on legitimate interest,
// 3 to 6 since TCF 2.2.
const consentOnly PurposeSet = purpose1 | 1<<21 | 1<<20 | 1<<19 | 1<<18

const purpose1 PurposeSet = 1 << 23

// Purposes returns a set. Numbers that are no purposes are left out.
func Purposes(purposes ...Purpose) (s PurposeSet) {
	for _, p := range purposes {
		s |= p.set()
	}
	return s
}

// Has reports whether p is in the set.
func (s PurposeSet) Has(p Purpose) bool { return s&p.set() != 0 }

// set is empty if p is no purpose.
func (p Purpose) set() PurposeSet {
	if p < 1 || p > MaxPurpose {
		return 0
	}
	return 1 << (MaxPurpose - p)
}
