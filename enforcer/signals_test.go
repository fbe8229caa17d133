package enforcer

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// TC strings of the official library.
const (
	tcRejectAllV23                          = "CQitFIAQitFIAEsACBENB5FgAAAAAAAAAAYgAAAAAAAA.IH0P__ff-_-9__5__37_v_3f_-v_9_f7_-3__t__f7-__1__7v_3_fv_-f_-9_9_77__3__vv_f_e__8__79_3_7v__X_-_v9__b__2__v9_f_6__93_7_v3__P__e_-_99__7__33_v_vf_-f_9-_7_93__r__f3-__t__7f_AA"
	tcAcceptAllV23                          = "CQitFIAQitFIAEsACBENB5FsAP_gAEPgAAYgH0P__ffe_-9-_5__17_v_zf_-v39_f7v-3__N__f6-__19_7v_z_fv_2f_-9v9_77f_3_-vv_f9e__87_79_3_7v_vX_-_P9__a__2_9v9_f76__93_7_vn__P_fe_--99__5__337v_vf3-f_9u_7_9X__r-_f3-9_t__7f_A-h__77_3_3v__P_-_f9_-7__1__v7_f_2__9v_7_f3_-v__d_-_79__z__3v_v_ff_-__99_7_73__n__fv-__d__6__39_v_7f_-3_9_v7__X__u__f9-__5__73_3_vv__f_--_9_97__z__v3_f_u__9f_7-_3_9v__b_4AAAAA.IH0P__ff-_-9__5__37_v_3f_-v_9_f7_-3__t__f7-__1__7v_3_fv_-f_-9_9_77__3__vv_f_e__8__79_3_7v__X_-_v9__b__2__v9_f_6__93_7_v3__P__e_-_99__7__33_v_vf_-f_9-_7_93__r__f3-__t__7f_AA"
	tcGoogleOnlyPurpose1                    = "CQitFIAQitFIAEsACBENB5FgAIAAAAAAAAYgF5wAQF5gAAAA.IH0P__ff-_-9__5__37_v_3f_-v_9_f7_-3__t__f7-__1__7v_3_fv_-f_-9_9_77__3__vv_f_e__8__79_3_7v__X_-_v9__b__2__v9_f_6__93_7_v3__P__e_-_99__7__33_v_vf_-f_9-_7_93__r__f3-__t__7f_AA"
	tcEveryoneButGoogle                     = "CQitFIAQitFIAEsACBENB5FgAP_gAAAAAAYgH0P__ffe_-9-_5__17_v_zf_-v39_f7v-3__N__f6-__19_7v_z_fv_2f_-9v9_77f_3_-vv_f9e__87_79_3_7v_vX_-_P9__a__2_9v9_f76__93_7_vn__P_fe_--d9__5__337v_vf3-f_9u_7_9X__r-_f3-9_t__7f_AAAAAAA.IH0P__ff-_-9__5__37_v_3f_-v_9_f7_-3__t__f7-__1__7v_3_fv_-f_-9_9_77__3__vv_f_e__8__79_3_7v__X_-_v9__b__2__v9_f_6__93_7_v3__P__e_-_99__7__33_v_vf_-f_9-_7_93__r__f3-__t__7f_AA"
	tcMeasurementOnly                       = "CQitFIAQitFIAEsACBENB5FgAIPAAAAAAAYgF5wAQF5gAAAA.IF5wAQF5gAAA"
	tcGoogleConsentedNotDisclosed           = "CQitFIAQitFIAEsACBENB5FgAP_gAAAAAAYgF5wAQF5gAAAA.IH0P__ff-_-9__5__37_v_3f_-v_9_f7_-3__t__f7-__1__7v_3_fv_-f_-9_9_77__3__vv_f_e__8__79_3_7v__X_-_v9__b__2__v9_f_6__93_7_v3__P__e_-_d9__7__33_v_vf_-f_9-_7_93__r__f3-__t__7f_AA"
	tcV23MissingDisclosedCreatedAfterCutoff = "CQitFIAQitFIAEsACBENB5FgAMAAAAAAAAYgF5wAQF5gAAAA"
	tcRestrictionType0GoogleP3p4            = "CQitFIAQitFIAEsACBENB5FsAP_gAEPgAAYgH0P__ffe_-9-_5__17_v_zf_-v39_f7v-3__N__f6-__19_7v_z_fv_2f_-9v9_77f_3_-vv_f9e__87_79_3_7v_vX_-_P9__a__2_9v9_f76__93_7_vn__P_fe_--99__5__337v_vf3-f_9u_7_9X__r-_f3-9_t__7f_A-h__77_3_3v__P_-_f9_-7__1__v7_f_2__9v_7_f3_-v__d_-_79__z__3v_v_ff_-__99_7_73__n__fv-__d__6__39_v_7f_-3_9_v7__X__u__f9-__5__73_3_vv__f_--_9_97__z__v3_f_u__9f_7-_3_9v__b_4AQYACAvMQABAXmAAA.IH0P__ff-_-9__5__37_v_3f_-v_9_f7_-3__t__f7-__1__7v_3_fv_-f_-9_9_77__3__vv_f_e__8__79_3_7v__X_-_v9__b__2__v9_f_6__93_7_v3__P__e_-_99__7__33_v_vf_-f_9-_7_93__r__f3-__t__7f_AA"
	tcPurposeOneTreatmentNoP1               = "CQitFIAQitFIAEsACBENB5FgAH_gAAAAAJpYF5wAoAAgAEAvMAAAAAAA.IF5wAoAAgAEAvMAA"
)

// TestThirdPartySignals: what each signal of others means for an event, under
// the example policy.
func TestThirdPartySignals(t *testing.T) {
	table := exampleTable(t)
	type signals map[string]any
	check := func(name string, consent signals, kind, region string, outcome schemas.Outcome, reason schemas.Reason) {
		t.Helper()
		body := map[string]any{"type": kind, "site": "shop", "url": "https://shop.example.jp/", "ad_placement": "top", "region": region, "consent": consent}
		text, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		var v Verdict
		table.Decide(table.Site("shop"), decode(t, string(text)), &Request{Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}, nil, &v)
		if got := v.Recipients[0]; got.Outcome != outcome || got.Reason != reason {
			t.Errorf("%s, %s in %s: got %v because %v, want %v because %v", name, kind, region, got.Outcome, got.Reason, outcome, reason)
		}
	}
	const (
		allowed, anonymised, dropped = schemas.Allowed, schemas.Anonymised, schemas.Dropped
		granted, refused, silent     = schemas.ReasonGranted, schemas.ReasonRefused, schemas.ReasonSilent
		malformed, optOut, gpc       = schemas.ReasonMalformedConsent, schemas.ReasonOptOutSignal, schemas.ReasonGPC
	)
	// IAB TCF.
	check("accept all", signals{"tcf": tcAcceptAllV23}, "pageview", "DE", allowed, granted)
	check("accept all", signals{"tcf": tcAcceptAllV23}, "ad_click", "DE", allowed, granted)
	check("reject all", signals{"tcf": tcRejectAllV23}, "pageview", "DE", anonymised, refused)
	check("reject all", signals{"tcf": tcRejectAllV23}, "ad_click", "DE", dropped, refused)
	check("reject all and the object", signals{"tcf": tcRejectAllV23, "analytics": true, "advertising": true}, "ad_click", "DE", dropped, refused)
	check("accept all but the object", signals{"tcf": tcAcceptAllV23, "advertising": false}, "ad_click", "DE", dropped, refused)
	check("measurement only", signals{"tcf": tcMeasurementOnly}, "pageview", "DE", allowed, granted)
	check("measurement only", signals{"tcf": tcMeasurementOnly}, "ad_click", "DE", dropped, refused)
	check("too old a form", signals{"tcf": tcV23MissingDisclosedCreatedAfterCutoff}, "pageview", "DE", anonymised, malformed)
	check("truncated", signals{"tcf": tcAcceptAllV23[:40]}, "pageview", "US-NY", anonymised, malformed)
	// That the GDPR does not apply takes the string's grants, not its refusals.
	check("GDPR does not apply", signals{"tcf": tcRejectAllV23, "gdpr": "0"}, "pageview", "US-NY", anonymised, refused)
	check("GDPR does not apply", signals{"tcf": tcRejectAllV23, "gdpr": "0", "advertising": true}, "ad_click", "DE", dropped, refused)
	check("GDPR does not apply", signals{"tcf": tcAcceptAllV23[:40], "gdpr": "0", "advertising": true}, "ad_click", "DE", dropped, malformed)
	check("GDPR does not apply", signals{"tcf": tcAcceptAllV23, "gdpr": "0"}, "ad_click", "DE", dropped, silent)
	check("GDPR does not apply", signals{"gdpr": "0"}, "ad_click", "US-NY", allowed, granted)
	check("additional consent malformed", signals{"tcf": tcAcceptAllV23, "additional_consent": "zzz"}, "ad_click", "DE", dropped, malformed)
	check("additional consent malformed", signals{"additional_consent": "zzz"}, "ad_click", "US-NY", dropped, malformed)
	check("purpose 1 not asked", signals{"tcf": tcPurposeOneTreatmentNoP1}, "pageview", "DE", anonymised, refused)
	// IAB GPP and US Privacy: opting out refuses advertising, and only that.
	check("usnat sale", signals{"gpp": "DBABLA~CVVaAAAAAACA", "gpp_sections": "7"}, "ad_click", "US-NY", dropped, optOut)
	check("usnat sale", signals{"gpp": "DBABLA~CVVaAAAAAACA", "gpp_sections": "7"}, "pageview", "US-NY", allowed, granted)
	check("usnat GPC", signals{"gpp": "DBABLA~CVVqAAAAAACA.YA"}, "ad_click", "US-NY", dropped, optOut)
	check("usnat no", signals{"gpp": "DBABLA~CVVqAAAAAACA.QA"}, "ad_click", "US-NY", allowed, granted)
	check("usca no", signals{"gpp": "DBABBg~BVoAAACA", "gpp_sections": "8"}, "ad_click", "US-CA", allowed, granted)
	check("usca yes", signals{"gpp": "DBABBg~BVYAAACA", "gpp_sections": "8"}, "ad_click", "US-CA", dropped, optOut)
	check("not in force", signals{"gpp": "DBABBg~BVYAAACA", "gpp_sections": "-1"}, "ad_click", "US-CA", allowed, granted)
	check("in force but missing", signals{"gpp": "DBABBg~BVoAAACA", "gpp_sections": "7"}, "ad_click", "US-CA", dropped, optOut)
	check("in force without a string", signals{"gpp_sections": "7"}, "ad_click", "US-CA", dropped, optOut)
	check("none in force", signals{"gpp_sections": "-1"}, "ad_click", "US-CA", allowed, granted)
	check("sections malformed", signals{"gpp_sections": "zz"}, "ad_click", "US-CA", dropped, malformed)
	check("sections malformed", signals{"gpp": "DBABLA~CVVqAAAAAACA.QA", "gpp_sections": "7,x"}, "pageview", "US-CA", anonymised, malformed)
	check("section malformed", signals{"gpp": "DBABLA~CVV", "gpp_sections": "7"}, "pageview", "US-CA", anonymised, malformed)
	check("section malformed, not in force", signals{"gpp": "DBABLA~CVV", "gpp_sections": "-1"}, "pageview", "US-CA", allowed, granted)
	check("TCF in GPP", signals{"gpp": "DBABMA~" + tcAcceptAllV23}, "ad_click", "DE", allowed, granted)
	check("TCF in GPP", signals{"gpp": "DBABMA~" + tcRejectAllV23}, "ad_click", "DE", dropped, refused)
	check("nonsense", signals{"gpp": "DBABLA"}, "ad_click", "US-NY", dropped, malformed)
	check("US Privacy no", signals{"us_privacy": "1YNN"}, "ad_click", "US-NY", allowed, granted)
	check("US Privacy yes", signals{"us_privacy": "1YYN"}, "ad_click", "US-NY", dropped, optOut)
	check("US Privacy nonsense", signals{"us_privacy": "1Y"}, "ad_click", "US-NY", dropped, malformed)
	// Google Consent Mode.
	check("G111", signals{"gcs": "G111"}, "pageview", "DE", allowed, granted)
	check("G110", signals{"gcs": "G110"}, "pageview", "DE", anonymised, refused)
	check("G101", signals{"gcs": "G101"}, "ad_click", "DE", dropped, refused)
	check("G1--", signals{"gcs": "G1--"}, "pageview", "DE", anonymised, silent)
	check("all granted", signals{"gcd": "11r1r1r1r5"}, "ad_click", "DE", allowed, granted)
	check("all granted by default", signals{"gcd": "11t1t1t1t5"}, "ad_click", "DE", dropped, silent)
	check("G111 by default", signals{"gcd": "11t1t1t1t5", "gcs": "G111"}, "ad_click", "DE", dropped, silent)
	check("G111 by choice", signals{"gcd": "11v1v1v1v5", "gcs": "G111"}, "ad_click", "DE", allowed, granted)
	check("G100 beside a choice", signals{"gcd": "11v1v1v1v5", "gcs": "G100"}, "ad_click", "DE", dropped, refused)
	check("all denied", signals{"gcd": "11p1p1p1p5"}, "ad_click", "DE", dropped, refused)
	check("all denied by default, elsewhere", signals{"gcd": "11p1p1p1p5", "gcs": "G100"}, "ad_click", "US-NY", dropped, refused)
	check("denied by default, granted by the site", signals{"gcd": "11p1p1p1p5", "gcs": "G100", "advertising": true}, "ad_click", "DE", dropped, refused)
	check("user data denied by default", signals{"gcd": "11r1r1p1r5"}, "ad_click", "DE", dropped, refused)
	check("never configured", signals{"gcd": "13l3l3l3l1l1"}, "ad_click", "DE", dropped, silent)
	check("gcd nonsense", signals{"gcd": "xyz"}, "ad_click", "US-NY", dropped, malformed)
	// Consent management platforms.
	check("OneTrust of tomorrow", signals{"onetrust": "groups=C0001:1,C0002:1&interactionCount=1", "onetrust_closed": "2026-11-04T09:00:00.000Z"}, "pageview", "DE", anonymised, malformed)
	check("Didomi of next century", signals{"didomi": base64.StdEncoding.EncodeToString([]byte(`{"updated":"2126-11-01T09:00:00.000Z","purposes":{"enabled":["measure_content_performance"],"disabled":[]}}`))}, "pageview", "DE", anonymised, malformed)
	const closed = "2026-11-01T09:00:00.000Z"
	check("OneTrust yes", signals{"onetrust": "groups=C0001:1,C0002:1,C0004:0&interactionCount=1", "onetrust_closed": closed}, "pageview", "DE", allowed, granted)
	check("OneTrust no", signals{"onetrust": "groups=C0001:1,C0002:1,C0004:0&interactionCount=1", "onetrust_closed": closed}, "ad_click", "DE", dropped, refused)
	check("OneTrust defaults", signals{"onetrust": "groups=C0001:1,C0002:1,C0004:1"}, "pageview", "DE", anonymised, silent)
	check("OneTrust denies by default", signals{"onetrust": "groups=C0001:1,C0002:0,C0004:0"}, "pageview", "US-NY", anonymised, refused)
	check("OneTrust unmapped", signals{"onetrust": "groups=C0001:1,X9:1&interactionCount=1", "onetrust_closed": closed}, "pageview", "DE", anonymised, silent)
	check("Cookiebot yes", signals{"cookiebot": "{stamp:'a',necessary:true,preferences:false,statistics:true,marketing:false,method:'explicit',ver:1,utc:1760000000000,region:'de'}"}, "pageview", "DE", allowed, granted)
	check("Cookiebot no", signals{"cookiebot": "{stamp:'a',necessary:true,preferences:false,statistics:true,marketing:false,method:'explicit',ver:1,utc:1760000000000,region:'de'}"}, "ad_click", "DE", dropped, refused)
	check("Cookiebot nonsense", signals{"cookiebot": "yes"}, "pageview", "US-NY", anonymised, malformed)
	check("Segment", signals{"categories": signals{"C0002": true, "C0004": false}}, "pageview", "DE", allowed, granted)
	check("Segment", signals{"categories": signals{"C0002": true, "C0004": false}}, "ad_click", "DE", dropped, refused)
	// Phones refuse, and never grant.
	check("ATT denied", signals{"att": "denied", "advertising": true}, "ad_click", "JP", dropped, optOut)
	check("ATT authorized", signals{"att": "authorized"}, "ad_click", "JP", dropped, silent)
	check("ATT authorized", signals{"att": "authorized", "advertising": true}, "ad_click", "JP", allowed, granted)
	check("limited", signals{"limit_ad_tracking": "1", "advertising": true}, "ad_click", "JP", dropped, optOut)
	check("not limited", signals{"limit_ad_tracking": "0", "advertising": true}, "ad_click", "JP", allowed, granted)
	check("GPC by an app", signals{"gpc": true, "advertising": true}, "ad_click", "JP", dropped, gpc)
}

// TestVendorsOfATCString: recipients have what the string permits their vendor.
func TestVendorsOfATCString(t *testing.T) {
	table := exampleTable(t)
	check := func(name, tc, kind string, google schemas.Outcome) {
		t.Helper()
		e := decode(t, `{"type":"`+kind+`","site":"shop","url":"https://shop.example.jp/","ad_placement":"top","region":"DE","consent":{"tcf":"`+tc+`"}}`)
		var v Verdict
		table.Decide(table.Site("shop"), e, &Request{Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}, nil, &v)
		for _, rv := range v.Recipients {
			switch recipient := table.Recipients[rv.Recipient]; recipient {
			case "google":
				if rv.Outcome != google {
					t.Errorf("%s: google has %s %v because %v, want %v", name, kind, rv.Outcome, rv.Reason, google)
				}
			case "meta": // no Additional Consent string
				if rv.Outcome != schemas.Dropped {
					t.Errorf("%s: meta has %s %v", name, kind, rv.Outcome)
				}
			}
		}
	}
	check("accept all", tcAcceptAllV23, "ad_click", schemas.Allowed)
	check("everyone but google", tcEveryoneButGoogle, "ad_click", schemas.Dropped)
	check("google not disclosed", tcGoogleConsentedNotDisclosed, "ad_click", schemas.Dropped)
	check("no profiles for google", tcRestrictionType0GoogleP3p4, "ad_click", schemas.Dropped)
	check("only purpose 1", tcGoogleOnlyPurpose1, "ad_click", schemas.Dropped)
	check("no statistics for google", tcNoStatisticsForGoogle, "pageview", schemas.Dropped)
	check("no statistics for google", tcNoStatisticsForGoogle, "ad_click", schemas.Dropped) // it requires analytics
}

// TestVendorWithoutPurposes: a vendor that registered none of what a purpose takes does
// not process for it, whatever the string says; least of all where the string refuses
// it, which nothing would notice otherwise.
func TestVendorWithoutPurposes(t *testing.T) {
	const entry = "tcf: {vendor: 755, consent: [1, 3, 4], legitimate_interest: [2, 7, 9, 10], flexible: [2, 7, 9, 10]}"
	for _, other := range []string{"tcf: {vendor: 755}", "tcf: {vendor: 755, consent: [10]}"} {
		table := tableWith(t, entry, other)
		for name, consent := range map[string]string{
			"accept all": `"tcf":"` + tcAcceptAllV23 + `"`, "everyone but google": `"tcf":"` + tcEveryoneButGoogle + `"`,
			"not disclosed": `"tcf":"` + tcGoogleConsentedNotDisclosed + `"`, "Canada": `"gpp":"DBABD~BQitFIAQitFIAEsACBENB5FAAf_AAAAAAAAFABAAEAAAAAAA"`,
		} {
			region := "DE"
			if name == "Canada" {
				region = "CA"
			}
			var v Verdict
			e := decode(t, `{"type":"ad_click","site":"shop","ad_placement":"top","region":"`+region+`","consent":{`+consent+`}}`)
			table.Decide(table.Site("shop"), e, &Request{Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}, nil, &v)
			for _, rv := range v.Recipients {
				if table.Recipients[rv.Recipient] == "google" && (rv.Outcome != schemas.Dropped || rv.Reason != schemas.ReasonVendorRefused) {
					t.Errorf("%s, %s: google has %v because %v", other, name, rv.Outcome, rv.Reason)
				}
			}
		}
	}
}

// tcNoStatisticsForGoogle permits all but that the publisher forbids Google purpose
// 9, which analytics needs.
const tcNoStatisticsForGoogle = "CQitFIAQitFIAEsACBENB5FgAP_gAEPgAAYgF5wAoAAgAGAvMC84AUAAQADAXmACSAAgLz.IF5wAoAAgAGAvM"

// TestVendorRefusedOnePurpose: where a string refuses a purpose to one vendor alone,
// that one has nothing by it, though others have: by the decision, by the review of
// its record, and also where the policy does not say what all it is sent serves.
func TestVendorRefusedOnePurpose(t *testing.T) {
	strict := exampleTable(t)
	lax := tableWith(t, "    requires: [analytics]", "    #")
	event := `{"type":"conversion","name":"order","site":"shop","value":1,"currency":"EUR","visitor_id":"v","age_band":"30-39","region":"DE","consent":{"tcf":"` + tcNoStatisticsForGoogle + `"}}`
	at := Request{Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}
	e := decode(t, event)
	var v Verdict
	lax.Decide(lax.Site("shop"), e, &at, nil, &v)
	record := new(Projector).Record(newKeys(t), e, &v, schemas.Allowed)
	read := new(schemas.Record)
	if err := new(schemas.RecordDecoder).Decode(record.AppendJSON(nil), read); err != nil {
		t.Fatal(err)
	}
	if got := lax.Review(read, policy.Store, nil); got.Outcome != schemas.Allowed || !got.Granted.Has(schemas.Analytics) {
		t.Errorf("the store has %+v", got)
	}
	if got := lax.Review(read, "google", nil); got.Outcome != schemas.Allowed || got.Granted.Has(schemas.Analytics) || !got.Granted.Has(schemas.Advertising) {
		t.Errorf("google has %+v", got)
	}
	if got := strict.Review(read, "google", nil); got.Outcome != schemas.Dropped || got.Reason != schemas.ReasonVendorRefused {
		t.Errorf("google has %+v of a policy by which all it is sent serves analytics", got)
	}
	x := strict.Explain(strict.Site("shop"), decode(t, event), &at, nil)
	for _, r := range x.Recipients {
		if r.Recipient == "google" && (r.Outcome != schemas.Dropped || r.Reason != schemas.ReasonVendorRefused || !strings.Contains(r.Why, "analytics")) {
			t.Errorf("explained as %+v", r)
		}
	}
}

// TestAdditionalConsent: a provider outside the vendor list has only what the
// Additional Consent string gives it, where Google itself may process.
func TestAdditionalConsent(t *testing.T) {
	table := exampleTable(t)
	check := func(tc, additional string, meta schemas.Outcome) {
		t.Helper()
		e := decode(t, `{"type":"ad_click","site":"shop","ad_placement":"top","region":"DE","consent":{"tcf":"`+tc+`","additional_consent":"`+additional+`"}}`)
		var v Verdict
		table.Decide(table.Site("shop"), e, &Request{Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}, nil, &v)
		for _, rv := range v.Recipients {
			if table.Recipients[rv.Recipient] == "meta" && rv.Outcome != meta {
				t.Errorf("%s: meta has %v because %v, want %v", additional, rv.Outcome, rv.Reason, meta)
			}
		}
	}
	check(tcAcceptAllV23, "2~12.89.1007~dv.7", schemas.Allowed)
	check(tcAcceptAllV23, "1~89", schemas.Allowed)
	check(tcAcceptAllV23, "2~12.1007~dv.89", schemas.Dropped)
	check(tcAcceptAllV23, "2~89x", schemas.Dropped)
	check(tcEveryoneButGoogle, "2~89~dv.", schemas.Dropped)
}

// TestVendorsInCanada: the Canadian section too has vendors, and no providers
// beyond them.
func TestVendorsInCanada(t *testing.T) {
	table := exampleTable(t)
	check := func(name, gpp string, google schemas.Outcome) {
		t.Helper()
		var v Verdict
		e := decode(t, `{"type":"ad_click","site":"shop","ad_placement":"top","region":"CA","consent":{"gpp":"`+gpp+`"}}`)
		table.Decide(table.Site("shop"), e, &Request{Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)}, nil, &v)
		for _, rv := range v.Recipients {
			want, reason := google, schemas.ReasonVendorRefused
			switch table.Recipients[rv.Recipient] {
			case "store":
				want = schemas.Allowed
			case "meta":
				want = schemas.Dropped
			}
			if want == schemas.Allowed {
				reason = schemas.ReasonGranted
			}
			if rv.Outcome != want || rv.Reason != reason {
				t.Errorf("%s: %s has %v because %v, want %v", name, table.Recipients[rv.Recipient], rv.Outcome, rv.Reason, want)
			}
		}
	}
	check("google", "DBABD~BQitFIAQitFIAEsACBENB5FAAf_AAAAAAAXnABAXmAAAAAAA", schemas.Allowed)
	check("another", "DBABD~BQitFIAQitFIAEsACBENB5FAAf_AAAAAAAAFABAAEAAAAAAA", schemas.Dropped)
	check("google by implication", "DBABD~BQitFIAQitFIAEsACBENB5FAAf_AAf_AAAAAAvOACAvMAAAA", schemas.Dropped)
}

// TestOptOutThatDoesNotBind: where the policy has opt-outs refuse nothing, whoever
// opted out is processed for as little as possible, and what cannot be understood
// is a refusal all the same.
func TestOptOutThatDoesNotBind(t *testing.T) {
	text := strings.Replace(string(policy.Example), "opt_out: [advertising, social]\n", "opt_out: []\n", 1)
	text = strings.ReplaceAll(text, "gpc: [advertising, social]", "gpc: []")
	p, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	table := Compile(p)
	check := func(s schemas.Signals, outcome schemas.Outcome, reason schemas.Reason, limited bool) {
		t.Helper()
		var v Verdict
		e := decode(t, `{"type":"ad_click","site":"shop","ad_placement":"top","region":"US-CA","consent":{"advertising":true}}`)
		table.Decide(table.Site("shop"), e, &Request{Now: time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC), Signals: s}, nil, &v)
		for _, rv := range v.Recipients {
			if rv.Outcome != outcome || rv.Reason != reason || rv.LimitedDataUse != limited {
				t.Errorf("%+v: %s has %v because %v, limited %v", s, table.Recipients[rv.Recipient], rv.Outcome, rv.Reason, rv.LimitedDataUse)
			}
		}
	}
	check(schemas.Signals{}, schemas.Allowed, schemas.ReasonGranted, false)
	check(schemas.Signals{USPrivacy: "1YYN"}, schemas.Allowed, schemas.ReasonGranted, true)
	check(schemas.Signals{USPrivacy: "1YNN"}, schemas.Allowed, schemas.ReasonGranted, false)
	check(schemas.Signals{GPP: "DBABLA~CVVaAAAAAACA"}, schemas.Allowed, schemas.ReasonGranted, true)
	check(schemas.Signals{GPC: "1"}, schemas.Allowed, schemas.ReasonGranted, true)
	check(schemas.Signals{GPP: "DBABLA~CVV"}, schemas.Dropped, schemas.ReasonMalformedConsent, false)
}
