package identifiers

import "strings"

// namesSecret reports whether s ends with the name of a parameter that holds
// a secret or a visitor's identifier.
func namesSecret[T string | []byte](s T) bool {
	if len(s) < 3 || !endsSecretName[s[len(s)-1]] {
		return false
	}
	if namesVisitor(s) {
		return true
	}
	switch lowered(s[len(s)-1]) {
	case 'd':
		return namesPassword(s) || endsWith(s, "sessionid") || endsWith(s, "session_id") || endsWith(s, "sessid")
	case 'n':
		return endsWith(s, "token") || isName(s, "session")
	case 'h':
		return isName(s, "auth")
	case 'p':
		return namesPassword(s)
	case 't':
		return namesPassword(s)
	case 'y':
		return endsWith(s, "api_key") || endsWith(s, "apikey") || endsWith(s, "api-key") ||
			endsWith(s, "access_key") || endsWith(s, "secret_key") || endsWith(s, "private_key")
	}
	return false
}

// endsSecretName settles most names by their last letter.
var endsSecretName = func() (table [256]bool) {
	for _, b := range []byte("dntyalcpkxrhDNTYALCPKXRH") {
		table[b] = true
	}
	return table
}()

// namesPassword reports whether the parameter holds a secret whatever it
// looks like.
func namesPassword[T string | []byte](s T) bool {
	return endsWith(s, "password") || endsWith(s, "passwd") || endsWith(s, "pwd") || endsWith(s, "secret") || isName(s, "otp")
}

// namesVisitor reports whether s ends with the name of a parameter that hands a visitor's
// identifier on: from site to site (Google Analytics, HubSpot), or from a newsletter to
// the site that it links to.
func namesVisitor[T string | []byte](s T) bool {
	if len(s) < len("_ga") {
		return false
	}
	switch lowered(s[len(s)-1]) {
	case 'a':
		return isName(s, "_ga")
	case 'l':
		return isName(s, "_gl")
	case 'c':
		return isName(s, "__hstc") || isName(s, "_hsenc") || isName(s, "__hssc")
	case 'p':
		return isName(s, "__hsfp")
	case 'd':
		return isName(s, "mc_eid") || isName(s, "vero_id") || isName(s, "oly_enc_id") || isName(s, "oly_anon_id") || isName(s, "ck_subscriber_id")
	case 'k':
		return isName(s, "mkt_tok")
	case 'x':
		return isName(s, "_kx")
	case 'r':
		return isName(s, "ml_subscriber")
	case 'h':
		return isName(s, "sc_eh")
	}
	return false
}

// isName reports whether s ends with the whole name, in any case.
func isName[T string | []byte](s T, name string) bool {
	return endsWith(s, name) && startsName(s, len(s)-len(name))
}

// startsName reports whether a name may start at i: after an escape or what is no part
// of one.
func startsName[T string | []byte](s T, i int) bool {
	return i == 0 || !is(s[i-1], token) || i >= 3 && s[i-3] == '%' && is(s[i-2], hex) && is(s[i-1], hex)
}

// longestClickName is the length of the longest name of a click identifier.
const longestClickName = len("li_fat_id")

// namesClickID reports whether s ends with the name of a parameter that holds
// an advertisement identifier.
func namesClickID[T string | []byte](s T) bool {
	if len(s) == 0 || !endsClickName(s[len(s)-1]) {
		return false
	}
	var room [longestClickName]byte
	n := 0
	for n < len(s) && !startsName(s, len(s)-n) {
		if n++; n > len(room) {
			return false
		}
		room[len(room)-n] = lowered(s[len(s)-n])
	}
	switch string(room[len(room)-n:]) {
	case "gclid", "gbraid", "wbraid", "dclid", "fbclid", "msclkid", "ttclid", "yclid", "ysclid",
		"twclid", "li_fat_id", "sccid", "srsltid", "rdt_cid", "qclid", "epik", "igshid", "igsh",
		"irclickid", "cjevent", "tblci", "dicbo", "obclid", "ldtag_cl", "awc", "wickedid", "click_id", "clickid":
		return true
	}
	return false
}

// endsClickName settles most names by their last letter.
func endsClickName(b byte) bool {
	switch b | 0x20 {
	case 'd', 'k', 'h', 't', 'i', 'o', 'l', 'c':
		return true
	}
	return false
}

// anyClickID reports whether a parameter in s, perhaps in an address that is the value
// of one, is named so.
func anyClickID(s string) bool {
	return anyNamed(s, '=', func(string) bool { return true }) || anyNamed(s, '%', isEscapedEquals)
}

// anyNamed reports whether a name of a click identifier stands before the byte, where
// what follows ends it.
func anyNamed(s string, b byte, ends func(string) bool) bool {
	for i := strings.IndexByte(s, b); i >= 0; {
		if ends(s[i+1:]) && namesClickID(s[:i]) {
			return true
		}
		next := strings.IndexByte(s[i+1:], b)
		if next < 0 {
			break
		}
		i += 1 + next
	}
	return false
}

// isEscapedEquals reports whether s goes on as an equals sign does behind the percent
// sign, however often it was encoded.
func isEscapedEquals(s string) bool {
	for strings.HasPrefix(s, "25") {
		s = s[2:]
	}
	return len(s) >= 2 && s[0] == '3' && s[1]|0x20 == 'd'
}
