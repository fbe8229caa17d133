package enforcer

import (
	"strconv"
	"strings"
	"time"
)

// browsers are the families that an anonymised event may name, by their token
// in the user agent. The first that is found counts: most browsers also claim
// to be the ones further down.
var browsers = []struct {
	token, family string
	// current tells the major versions that many have at a time; nil for a
	// family so rare that a version of it has few users.
	current func(time.Time) (oldest, newest int)
}{
	{"Edg/", "Edge", nil},
	{"EdgA/", "Edge", nil},
	{"EdgiOS/", "Edge", nil},
	{"OPR/", "Opera", nil},
	{"SamsungBrowser/", "Samsung", nil},
	{"Vivaldi/", "Vivaldi", nil},
	{"FxiOS/", "Firefox", nil},
	{"Firefox/", "Firefox", nil},
	{"CriOS/", "Chrome", currentChrome},
	{"Chrome/", "Chrome", currentChrome},
	{"Version/", "Safari", currentSafari},
}

// chrome120 is when version 120 was released. A version followed every four
// weeks until 2026.
var chrome120 = time.Date(2023, 12, 5, 0, 0, 0, 0, time.UTC)

// currentChrome returns the versions of about a year.
func currentChrome(now time.Time) (oldest, newest int) {
	newest = 120 + int(now.Sub(chrome120)/(28*24*time.Hour))
	return newest - 12, newest + 3
}

// currentSafari returns the versions of this year and the last. Since 26, of
// autumn 2025, a version bears the number of the year that follows it.
func currentSafari(now time.Time) (oldest, newest int) {
	year := now.Year() - 2000
	return year - 1, year + 1
}

// appendFamily appends the browser's family, and its major version where many
// have it at the time of the event, as in "Chrome 155"; or "other".
func appendFamily(b []byte, userAgent string, at time.Time) []byte {
	for i := range browsers {
		_, version, found := strings.Cut(userAgent, browsers[i].token)
		if !found {
			continue
		}
		b = append(b, browsers[i].family...)
		if browsers[i].current == nil {
			return b
		}
		n := 0
		for n < len(version) && n < 4 && version[n] >= '0' && version[n] <= '9' {
			n++
		}
		major, err := strconv.Atoi(version[:n])
		if oldest, newest := browsers[i].current(at); err == nil && oldest <= major && major <= newest {
			b = append(b, ' ')
			b = strconv.AppendInt(b, int64(major), 10)
		}
		return b
	}
	return append(b, "other"...)
}
