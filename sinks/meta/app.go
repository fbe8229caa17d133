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

// append writes app_data. That the event came this far says that the user lets
// the app and the advertiser track: an advertising identifier is there only then.
func (a *app) append(b []byte, e *forward.Event) []byte {
	b = append(b, `{"advertiser_tracking_enabled":1,"application_tracking_enabled":1,"extinfo":[`...)
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
