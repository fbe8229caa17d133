package gpp

import (
	"encoding/json"
	"errors"
	"testing"
	"time"
)

func TestDescribe(t *testing.T) {
	check := func(in string, tcf func(string) (any, error), want string) {
		t.Helper()
		got, err := json.Marshal(decode(t, in).Describe(tcf))
		if err != nil || string(got) != want {
			t.Errorf("%q:\n got %s, %v\nwant %s", in, got, err, want)
		}
	}
	const tcString = "CPXxRfAPXxRfAAfKABENB-CgAAAAAAAAAAYgAAAAAAAA"
	check("DBAA", nil, `{"sectionIds":[],"sections":{}}`)
	check("DBABM~"+tcString, nil, `{"sectionIds":[2],"sections":{"tcfeuv2":{"TCString":"`+tcString+`"}}}`)
	check("DBABM~"+tcString, func(s string) (any, error) { return len(s), nil }, `{"sectionIds":[2],"sections":{"tcfeuv2":44}}`)
	check("DBABM~"+tcString, func(string) (any, error) { return nil, errors.New("too old") },
		`{"sectionIds":[2],"sections":{"tcfeuv2":{"Malformed":"too old"}}}`)
	// A malformed section does not hide the others, and the order is the string's.
	check(encodeHeader(6, 24)+"~1XXX~BhVQ.YA", nil,
		`{"sectionIds":[6,24],"sections":{"uspv1":{"Malformed":"GPP section is not a US Privacy string"},`+
			`"usmd":{"MspaVersion":1,"MspaCoveredTransaction":2,"MspaMode":0,"ProcessingNotice":1,"SaleOptOutNotice":1,`+
			`"TargetedAdvertisingOptOutNotice":1,"SaleOptOut":1,"TargetedAdvertisingOptOut":1,"AdditionalDataProcessingConsent":0,`+
			`"GpcSegmentType":1,"Gpc":true}}}`)
	check(encodeString(USRI, "BhWQ.AAE"), nil,
		`{"sectionIds":[27],"sections":{"usri":{"MspaVersion":1,"MspaCoveredTransaction":2,"MspaMode":0,"ProcessingNotice":1,"SaleOptOutNotice":1,`+
			`"TargetedAdvertisingOptOutNotice":1,"SaleOptOut":2,"TargetedAdvertisingOptOut":1,"KnownChildSensitiveDataConsents":0,`+
			`"AdditionalDataProcessingConsent":0,"SensitiveDataProcessing":[0,0,0,0,0,0,0,1]}}}`)
	check(encodeString(USIA, "BVkAAAgA"), nil,
		`{"sectionIds":[18],"sections":{"usia":{"Version":1,"ProcessingNotice":1,"SaleOptOutNotice":1,"TargetedAdvertisingOptOutNotice":1,`+
			`"SensitiveDataOptOutNotice":2,"SaleOptOut":1,"TargetedAdvertisingOptOut":0,"SensitiveDataProcessing":[0,0,0,0,0,0,0,0],`+
			`"KnownChildSensitiveDataConsents":0,"MspaCoveredTransaction":2,"MspaOptOutOptionMode":0,"MspaServiceProviderMode":0}}}`)
	// usnat of version 1 has shorter lists.
	check(encodeString(USNat, "BVVqAAAAAgA"), nil,
		`{"sectionIds":[7],"sections":{"usnat":{"Version":1,"SharingNotice":1,"SaleOptOutNotice":1,"SharingOptOutNotice":1,`+
			`"TargetedAdvertisingOptOutNotice":1,"SensitiveDataProcessingOptOutNotice":1,"SensitiveDataLimitUseNotice":1,`+
			`"SaleOptOut":2,"SharingOptOut":2,"TargetedAdvertisingOptOut":2,"SensitiveDataProcessing":[0,0,0,0,0,0,0,0,0,0,0,0],`+
			`"KnownChildSensitiveDataConsents":[0,0],"PersonalDataConsents":0,"MspaCoveredTransaction":2,"MspaOptOutOptionMode":0,"MspaServiceProviderMode":0}}}`)
}

func TestVendorsAdd(t *testing.T) {
	var v Vendors
	check := func(want string) {
		t.Helper()
		if got, err := json.Marshal(v); err != nil || string(got) != want {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	check(`{"count":0,"ranges":[]}`)
	v.Add(1, 1)
	v.Add(2, 3)
	v.Add(5, 5)
	check(`{"count":4,"ranges":[[1,3],[5,5]]}`)
}

func TestTimestamp(t *testing.T) {
	at := time.Date(2022, 4, 21, 0, 0, 0, 100e6, time.FixedZone("", 2*3600))
	if got := Timestamp(at); got != "2022-04-20T22:00:00.100Z" {
		t.Errorf("got %s", got)
	}
}
