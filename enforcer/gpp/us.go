package gpp

import "strings"

// decodeUS reads a section of a US law: a core, and for some laws a
// sub-section after a dot.
func (s *Section) decodeUS() Error {
	l := &layouts[s.ID]
	core, sub, hasSub := strings.Cut(s.Raw, ".")
	r, err := newReader(core)
	if err != 0 {
		return err
	}
	s.Version = uint8(r.take(6))
	slots := l.slots
	switch {
	case s.Version == 1 && s.ID == USNat:
		if slots, err = nationalSlots(r); err != 0 {
			return err
		}
	case s.Version == 1, s.Version == 2 && s.ID == USNat:
	default:
		return ErrSectionVersion
	}
	for _, slot := range slots {
		if err := s.set(slot, &r); err != 0 {
			return err
		}
	}
	if err := r.end(); err != 0 || !hasSub {
		return err
	}
	return s.decodeSubsection(l.subsection, sub)
}

// nationalSlots tells the two layouts apart that carry version 1: versions
// 3.1.5 and 3.1.7 of the IAB's own library wrote the longer one under it. Each
// must say whether the transaction is covered, the longer one at a place where
// the shorter one has ended.
func nationalSlots(r reader) ([]slot, Error) {
	const coveredV1, endV1, endV2 = 54, 60, 70
	r.skip(coveredV1 - r.pos)
	covered := r.take(2)
	r.skip(endV1 - r.pos)
	switch {
	case r.peek(endV2-endV1) != 0:
		return layouts[USNat].slots, 0
	case covered == 0 && r.left() >= endV2-endV1:
		return nil, ErrAmbiguous
	}
	return nationalV1, 0
}

func (s *Section) decodeSubsection(kind subsection, text string) Error {
	r, err := newReader(text)
	if err != 0 {
		return err
	}
	switch kind {
	case gpcSubsection:
		if r.take(2) != 1 {
			return ErrSubsection
		}
		s.GPC = r.flag()
	case sensitiveSubsection:
		if err := s.set(slot{sensitiveDataProcessing, 8}, &r); err != 0 {
			return err
		}
	default:
		return ErrSubsection
	}
	s.HasSubsection = true
	return r.end()
}

// set reads a slot into its field.
func (s *Section) set(slot slot, r *reader) Error {
	const low = 0x5555555555555555 // of every value the lower bit
	w := r.take(2 * int(slot.count))
	if w&(w>>1)&low != 0 {
		return ErrReservedValue
	}
	for i := slot.count; i > 0; w >>= 2 {
		i--
		*s.value(slot.field, i) = Value(w & 3)
	}
	return 0
}

// value returns where the section holds the i-th value of a field.
func (s *Section) value(f field, i uint8) *Value {
	switch f {
	case sharingNotice:
		return &s.SharingNotice
	case processingNotice:
		return &s.ProcessingNotice
	case saleOptOutNotice:
		return &s.SaleOptOutNotice
	case sharingOptOutNotice:
		return &s.SharingOptOutNotice
	case targetedAdvertisingOptOutNotice:
		return &s.TargetedAdvertisingOptOutNotice
	case sensitiveDataProcessingOptOutNotice:
		return &s.SensitiveDataProcessingOptOutNotice
	case sensitiveDataOptOutNotice:
		return &s.SensitiveDataOptOutNotice
	case sensitiveDataLimitUseNotice:
		return &s.SensitiveDataLimitUseNotice
	case saleOptOut:
		return &s.SaleOptOut
	case sharingOptOut:
		return &s.SharingOptOut
	case targetedAdvertisingOptOut:
		return &s.TargetedAdvertisingOptOut
	case sensitiveDataProcessing:
		return &s.SensitiveDataProcessing[i]
	case knownChildSensitiveDataConsents:
		return &s.KnownChildSensitiveDataConsents[i]
	case personalDataConsents:
		return &s.PersonalDataConsents
	case additionalDataProcessingConsent:
		return &s.AdditionalDataProcessingConsent
	case mspaCoveredTransaction:
		return &s.MSPACoveredTransaction
	case mspaOptOutOptionMode:
		return &s.MSPAOptOutOptionMode
	case mspaServiceProviderMode:
		return &s.MSPAServiceProviderMode
	default:
		return &s.MSPAMode
	}
}
