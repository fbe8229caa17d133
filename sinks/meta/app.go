package meta

import (
	"regexp"
	"strings"

	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// app is what Meta must be told of an app's event, and without which it takes
// no advertising identifier: the kind of app, and the version of the system.
type app struct{ version, system string }

var system = regexp.MustCompile(`(?:iPhone OS|CPU OS|iOS|Android)[ /]([0-9]+(?:[._][0-9]+){0,2})`)

// systemVersion finds the version of iOS or Android in a user agent, "" where it
// says none.
func systemVersion(agent string) string {
	m := system.FindStringSubmatch(agent)
	if m == nil {
		return ""
	}
	return strings.ReplaceAll(m[1], "_", ".")
}

// append writes app_data. That the user lets the advertiser track is what the phone
// said by ATT or limit-ad-tracking, and nothing where it did not; that the app may is
// the user's consent to advertising, unless it is limited.
func (a *app) append(b []byte, e *forward.Event) []byte {
	b = append(b, `{"advertiser_tracking_enabled":`...)
	b = append(b, digit(e.Flags.Has(schemas.TrackingPermitted)))
	b = append(b, `,"application_tracking_enabled":`...)
	b = append(b, digit(e.Granted.Has(schemas.Advertising) && !e.Flags.Has(schemas.LimitedDataUse)))
	b = append(b, `,"extinfo":[`...)
	for i, text := range [16]string{
		0: a.version, 2: e.Get(schemas.AppVersion), 4: a.system, 6: e.Get(schemas.Language),
		9: e.Get(schemas.ScreenWidth), 10: e.Get(schemas.ScreenHeight), 15: e.Get(schemas.Timezone),
	} {
		if i > 0 {
			b = append(b, ',')
		}
		b = schemas.AppendString(b, text)
	}
	return append(b, "]}"...)
}

func digit(yes bool) byte {
	if yes {
		return '1'
	}
	return '0'
}
