package enforcer

import "strings"

// browsers are the families that an anonymised event may name, by their token
// in the user agent. The first that is found counts: most browsers also claim
// to be the ones further down.
var browsers = []struct{ token, family string }{
	{"Edg/", "Edge"},
	{"EdgA/", "Edge"},
	{"EdgiOS/", "Edge"},
	{"OPR/", "Opera"},
	{"SamsungBrowser/", "Samsung"},
	{"Vivaldi/", "Vivaldi"},
	{"FxiOS/", "Firefox"},
	{"Firefox/", "Firefox"},
	{"CriOS/", "Chrome"},
	{"Chrome/", "Chrome"},
	{"Version/", "Safari"},
}

// appendFamily appends the browser's family and major version, "Chrome 126",
// or "other". A version of more than three digits is no browser's and is left
// out.
func appendFamily(b []byte, userAgent string) []byte {
	for i := range browsers {
		at := strings.Index(userAgent, browsers[i].token)
		if at < 0 {
			continue
		}
		b = append(b, browsers[i].family...)
		version := userAgent[at+len(browsers[i].token):]
		n := 0
		for n < len(version) && version[n] >= '0' && version[n] <= '9' {
			n++
		}
		if n >= 1 && n <= 3 {
			b = append(b, ' ')
			b = append(b, version[:n]...)
		}
		return b
	}
	return append(b, "other"...)
}
