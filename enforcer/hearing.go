package enforcer

import (
	"time"

	"sekisho/enforcer/additionalconsent"
	"sekisho/enforcer/cmp"
	"sekisho/enforcer/consentmode"
	"sekisho/enforcer/gpp"
	"sekisho/enforcer/mobile"
	"sekisho/enforcer/tcf"
	"sekisho/enforcer/usprivacy"
	"sekisho/schemas"
)

// hearing hears every consent signal of an event and its request. Signals come
// in any number and order; the most restrictive wins, per purpose and, where a
// signal speaks of vendors, per recipient.
type hearing struct {
	consents
	// vendorRefused has, by the site's recipients, the purposes for which an
	// IAB signal does not permit the recipient to process.
	vendorRefused [schemas.MaxRecipients]schemas.Purposes
	flags         vendorFlags

	table *Table
	site  *Site
	now   time.Time

	// Decoders, kept for reuse.
	tcf     tcf.Consent
	gpp     gpp.String
	choices cmp.Choices
}

// vendorFlags are what the vendors' own flags are derived from.
type vendorFlags struct {
	noUserData        bool // Google's ad_user_data was denied
	noPersonalisation bool // ad_personalization was denied, or GPC is on
	optedOut          bool // of sale, sharing or targeted advertising: US Privacy, GPP or GPC
	permitted         bool // tracking is, by the phone
	noProfiles        [schemas.MaxRecipients]bool
}

// malformed is what becomes of a signal that cannot be understood.
func (h *hearing) malformed() {
	h.refuse(schemas.OptionalPurposes, schemas.ReasonMalformedConsent)
	h.flags.optedOut = true // for all that is known
}

// hear gathers the signals of an event and of its request.
func (h *hearing) hear(t *Table, site *Site, e *schemas.Event, r *Request, j *jurisdiction) {
	h.consents, h.flags, h.vendorRefused = consents{}, vendorFlags{}, [schemas.MaxRecipients]schemas.Purposes{}
	h.table, h.site, h.now = t, site, r.Now
	t.hearObject(&e.Consent, r.Now, &h.consents)
	t.hearCookie(r.Consent, r.Now, &h.consents)
	h.hearSignals(&r.Signals, j)
	h.hearSignals(&e.Consent.Signals, j)
}

func (h *hearing) hearSignals(s *schemas.Signals, j *jurisdiction) {
	if !s.Any() {
		return
	}
	if s.Unclear != "" {
		h.malformed()
	}
	if s.GPC == "1" {
		h.hearGPC(j)
	}
	if s.DNT == "1" {
		h.refuse(j.dnt, schemas.ReasonDNT)
	}
	for _, text := range [...]string{s.TCF, s.TCFPublisher, s.TCFHeader} {
		if text != "" {
			h.hearTCF(text, s.AdditionalConsent, s.GDPR != "0")
		}
	}
	h.hearAdditional(s.AdditionalConsent)
	if s.GPP != "" || s.GPPSections != "" {
		h.hearGPP(s.GPP, s.GPPSections, s.AdditionalConsent)
	}
	if s.USPrivacy != "" {
		h.hearUSPrivacy(s.USPrivacy)
	}
	if s.GCS != "" || s.GCD != "" {
		h.hearConsentMode(s.GCS, s.GCD)
	}
	if s.OneTrust != "" {
		h.hearPlatform(platformOneTrust, h.choices.DecodeOneTrust(s.OneTrust, s.OneTrustClosed), j)
	}
	if s.Cookiebot != "" {
		h.hearPlatform(platformCookiebot, h.choices.DecodeCookiebot(s.Cookiebot), j)
	}
	if s.Didomi != "" {
		h.hearPlatform(platformDidomi, h.choices.DecodeDidomi(s.Didomi), j)
	}
	if s.Usercentrics != "" {
		h.hearPlatform(platformUsercentrics, h.choices.DecodeUsercentrics(s.Usercentrics), j)
	}
	if s.CookieYes != "" {
		h.hearPlatform(platformCookieYes, h.choices.DecodeCookieYes(s.CookieYes), j)
	}
	if s.Categories != "" {
		h.hearPlatform(platformSegment, h.choices.DecodeSegment(s.Categories), j)
	}
	h.hearMobile(s)
}

func (h *hearing) hearGPC(j *jurisdiction) {
	h.refuse(j.gpc, schemas.ReasonGPC)
	h.flags.noPersonalisation, h.flags.optedOut = true, true
}

// hearTCF hears an IAB TC string: it answers for every purpose that the policy
// maps, and for every recipient that is a vendor. Where the event says that the
// GDPR does not apply it grants nothing, and still refuses.
func (h *hearing) hearTCF(text, additional string, applies bool) {
	if tcf.Decode(&h.tcf, text) != nil || h.tcf.Usable(h.now) != nil {
		h.malformed()
		return
	}
	changed := h.tcf.LastUpdated().UnixMilli()
	for p := schemas.Analytics; p < schemas.NumPurposes; p++ {
		needs := h.table.tcfNeeds[p]
		if len(needs) == 0 {
			continue
		}
		switch {
		case !h.consentsTo(needs):
			h.refuse(1<<p, schemas.ReasonRefused)
		case applies:
			h.grantAt(changed, 1<<p)
		}
	}
	for i, recipient := range h.site.recipients {
		v := &h.table.vendors[recipient]
		switch {
		case v.tcf.ID != 0:
			h.hearVendor(i, &v.tcf)
		case v.additional != 0 && !h.additionally(additional, v.additional):
			h.vendorRefused[i] = schemas.OptionalPurposes
		}
	}
}

// grantAt grants what was agreed to at a time, in Unix milliseconds. Before the
// last material revision that counts as silence.
func (h *hearing) grantAt(at int64, granted schemas.Purposes) {
	if at < h.table.materialAt {
		h.outdated |= granted
		return
	}
	h.grant(granted)
}

func (h *hearing) consentsTo(needs []tcf.Purpose) bool {
	for _, p := range needs {
		if !h.tcf.PurposeConsent(p) {
			return false
		}
	}
	return true
}

func (h *hearing) hearVendor(recipient int, v *tcf.Vendor) {
	for p := schemas.Analytics; p < schemas.NumPurposes; p++ {
		// A vendor needs what the purpose takes of what it registered: it does not
		// process for the others, and of which it registered none, not at all.
		needs := h.table.tcfNeeds[p]
		permitted := len(needs) == 0
		for _, need := range needs {
			if !v.Consent.Has(need) && !v.LegitimateInterest.Has(need) {
				continue
			}
			if permitted = h.tcf.Permits(v, need); !permitted {
				break
			}
		}
		if !permitted {
			h.vendorRefused[recipient] |= 1 << p
		}
	}
	// TCF purposes 3 and 4 create and use profiles for advertising.
	if !h.tcf.Permits(v, 3) || !h.tcf.Permits(v, 4) {
		h.flags.noProfiles[recipient] = true
	}
}

// google is Google's vendor number; its Additional Consent string is only good
// where it may process itself.
var google = tcf.Vendor{ID: 755, Consent: tcf.Purposes(1)}

// additionally reports whether the Additional Consent string names a provider.
func (h *hearing) additionally(text string, provider uint32) bool {
	if text == "" || !h.tcf.Permits(&google, 1) {
		return false
	}
	list, err := additionalconsent.Decode(text)
	return err == nil && list.Consented(provider)
}

// hearAdditional refuses where an Additional Consent string, which only adds to a
// TC string, cannot be understood.
func (h *hearing) hearAdditional(text string) {
	if text == "" {
		return
	}
	if _, err := additionalconsent.Decode(text); err != nil {
		h.malformed()
	}
}

// hearGPP hears an IAB GPP string: the sections that are in force.
func (h *hearing) hearGPP(text, sections, additional string) {
	inForce, err := gpp.ParseSectionIDs(sections)
	if err == nil && text == "" {
		if inForce&^gpp.NoneInForce != 0 { // all are missing
			h.hearOptOut()
		}
		return
	}
	if err != nil || gpp.Decode(&h.gpp, text) != nil {
		h.malformed()
		return
	}
	here, _ := h.gpp.Applicable(inForce)
	for i := range h.gpp.Sections() {
		if s := &h.gpp.Sections()[i]; here.Has(s.ID) && s.Malformed != 0 {
			h.malformed()
		}
	}
	if here.Has(gpp.TCFEUv2) {
		h.hearTCF(h.gpp.Section(gpp.TCFEUv2).Raw, additional, true)
	}
	if here.Has(gpp.TCFCAv1) {
		h.hearCanada(h.gpp.Section(gpp.TCFCAv1))
	}
	if h.gpp.OptedOut(inForce) {
		h.hearOptOut()
	}
}

// hearOptOut hears that the user opted out by a law of opting out.
func (h *hearing) hearOptOut() {
	h.refuse(h.table.optOut, schemas.ReasonOptOutSignal)
	h.flags.optedOut = true
}

// hearCanada hears express consent; implied consent is none here. The Canadian
// framework does not use purpose 1.
func (h *hearing) hearCanada(s *gpp.Section) {
	if s.Malformed != 0 {
		return
	}
	h.hearCanadaVendors()
	express := h.gpp.Canada().PurposesExpressConsent
	for p := schemas.Analytics; p < schemas.NumPurposes; p++ {
		needs := h.table.tcfNeeds[p]
		granted := len(needs) > 0
		for _, need := range needs {
			granted = granted && (need == 1 || express.Has(uint8(need)))
		}
		if granted {
			h.grantAt(h.gpp.Canada().LastUpdated.UnixMilli(), 1<<p)
		} else if len(needs) > 0 {
			h.refuse(1<<p, schemas.ReasonRefused)
		}
	}
}

// hearCanadaVendors hears which recipients the string permits to process. It
// knows no providers beyond its vendor list.
func (h *hearing) hearCanadaVendors() {
	c := h.gpp.Canada()
	for i, recipient := range h.site.recipients {
		v := &h.table.vendors[recipient]
		if v.tcf.ID == 0 {
			if v.additional != 0 {
				h.vendorRefused[i] = schemas.OptionalPurposes
			}
			continue
		}
		for p := schemas.Analytics; p < schemas.NumPurposes; p++ {
			needs := h.table.tcfNeeds[p]
			permitted := len(needs) == 0
			for _, need := range needs {
				if need == 1 || !v.tcf.Consent.Has(need) && !v.tcf.LegitimateInterest.Has(need) {
					continue
				}
				if permitted = c.HasExpressConsent(uint8(need), v.tcf.ID); !permitted {
					break
				}
			}
			if !permitted {
				h.vendorRefused[i] |= 1 << p
			}
		}
		if !c.HasExpressConsent(3, v.tcf.ID) || !c.HasExpressConsent(4, v.tcf.ID) {
			h.flags.noProfiles[i] = true
		}
	}
}

func (h *hearing) hearUSPrivacy(text string) {
	s, err := usprivacy.Decode(text)
	switch {
	case err != nil:
		h.malformed()
	case s.OptedOut():
		h.hearOptOut()
	}
}

// hearConsentMode hears Google Consent Mode: analytics_storage is analytics,
// ad_storage and ad_user_data together are advertising. gcd tells a choice from the
// page's default, which grants nothing, and refuses without being a withdrawal; gcs
// does not, and by itself is taken for a choice.
func (h *hearing) hearConsentMode(gcs, gcd string) {
	short, err := consentmode.DecodeGCS(gcs)
	full, errFull := consentmode.DecodeGCD(gcd)
	if err != nil || errFull != nil {
		h.malformed()
		return
	}
	chosen := full.Chosen()
	if gcd == "" {
		chosen = short
	}
	hear := func(p schemas.Purpose, types ...consentmode.Type) {
		denied, byChoice := false, false
		for _, t := range types {
			d := full[t].Value == consentmode.Denied
			denied = denied || d || short[t].Value == consentmode.Denied
			byChoice = byChoice || chosen[t].Value == consentmode.Denied || short[t].Value == consentmode.Denied && !d
		}
		switch {
		case byChoice:
			h.refuse(1<<p, schemas.ReasonRefused)
		case denied:
			h.refuseByDefault(1 << p)
		case chosen[types[0]].Value == consentmode.Granted:
			h.grant(1 << p)
		}
	}
	hear(schemas.Analytics, consentmode.AnalyticsStorage)
	hear(schemas.Advertising, consentmode.AdStorage, consentmode.AdUserData)
	h.flags.noUserData = h.flags.noUserData || full[consentmode.AdUserData].Value == consentmode.Denied
	h.flags.noPersonalisation = h.flags.noPersonalisation || full[consentmode.AdPersonalization].Value == consentmode.Denied
}

// The platforms, as the policy orders them.
const (
	platformOneTrust = iota
	platformCookiebot
	platformDidomi
	platformUsercentrics
	platformSegment
	platformCookieYes
)

// hearPlatform hears a consent management platform, whose value h.choices has
// decoded: a purpose is granted when every category that the policy maps to it
// is, and refused when one is.
func (h *hearing) hearPlatform(platform int, err error, j *jurisdiction) {
	if err != nil || h.choices.Chosen > h.now.Add(maxAhead).UnixMilli() {
		h.malformed()
		return
	}
	if h.choices.GPC {
		h.hearGPC(j)
	}
	var granted, silent, refused schemas.Purposes
	for _, c := range h.site.categoriesOf[platform] {
		switch h.choices.Answer(c.name) {
		case schemas.Granted:
			granted |= c.purposes
		case schemas.Refused:
			refused |= c.purposes
		default:
			silent |= c.purposes
		}
	}
	tc, ac := h.choices.TC, h.choices.AC
	if h.choices.Explicit {
		h.refuse(refused, schemas.ReasonRefused)
	} else {
		h.refuseByDefault(refused)
	}
	if granted &^= refused | silent; h.choices.Chosen != 0 {
		h.grantAt(h.choices.Chosen, granted)
	} else {
		h.grant(granted) // the site's word of now
	}
	if tc != "" {
		h.hearTCF(tc, ac, true)
	}
	h.hearAdditional(ac)
}

// hearMobile hears what a phone says. Its permission to track is not consent:
// it refuses, and never grants.
func (h *hearing) hearMobile(s *schemas.Signals) {
	if s.ATT != "" {
		att, err := mobile.DecodeATT(s.ATT)
		switch {
		case err != nil:
			h.malformed()
		case att.Answer() == schemas.Refused:
			h.refuse(h.table.mobile, schemas.ReasonOptOutSignal)
		default:
			h.flags.permitted = true
		}
	}
	if s.LimitAdTracking != "" {
		limit, err := mobile.DecodeLimitAdTracking(s.LimitAdTracking)
		switch {
		case err != nil:
			h.malformed()
		case limit.Answer() == schemas.Refused:
			h.refuse(h.table.mobile, schemas.ReasonOptOutSignal)
		default:
			h.flags.permitted = true
		}
	}
}

// derive sets the vendors' own flags of an allowed verdict.
func (h *hearing) derive(i int, granted schemas.Purposes, j *jurisdiction, rv *RecipientVerdict) {
	ads := (granted &^ h.vendorRefused[i]).Has(schemas.Advertising)
	rv.AdUserData = ads && !h.flags.noUserData
	rv.AdPersonalisation = ads && !h.flags.noPersonalisation && !h.flags.noProfiles[i]
	rv.TrackingPermitted = ads && h.flags.permitted
	rv.refused = h.vendorRefused[i]
	// Where silence grants, the law is one of opting out: who has not said yes
	// is processed for as little as possible; and so is who has opted out, where
	// the policy does not have that refuse.
	rv.LimitedDataUse = h.flags.optedOut || j.granted.Has(schemas.Advertising) && h.answers[schemas.Advertising] != schemas.Granted
}
