package consentmode

// DecodeGCS decodes gcs, which is `G1xy`: x is ad_storage, y is
// analytics_storage, each 1 (granted), 0 (denied) or - (not set). An absent
// gcs, "", is the zero State, as is `G1--`.
//
// On error the State is zero, and the value must count as a refusal.
func DecodeGCS(s string) (State, error) {
	if s == "" {
		return State{}, nil
	}
	if len(s) != 4 || s[0] != 'G' || s[1] != '1' {
		return State{}, ErrForm
	}
	ads, okAds := gcsValue(s[2])
	analytics, okAnalytics := gcsValue(s[3])
	if !okAds || !okAnalytics {
		return State{}, ErrState
	}
	return State{AdStorage: {Value: ads}, AnalyticsStorage: {Value: analytics}}, nil
}

func gcsValue(c byte) (Value, bool) {
	switch c {
	case '-':
		return NotSet, true
	case '0':
		return Denied, true
	case '1':
		return Granted, true
	}
	return NotSet, false
}
