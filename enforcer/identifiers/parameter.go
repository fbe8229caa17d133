package identifiers

// namesSecret reports whether s ends with the name of a parameter that holds
// a secret.
func namesSecret[T string | []byte](s T) bool {
	if len(s) < 3 {
		return false
	}
	switch lowered(s[len(s)-1]) {
	case 'd':
		return namesPassword(s) || endsWith(s, "sessionid") || endsWith(s, "session_id") || endsWith(s, "sessid")
	case 'n':
		return endsWith(s, "token")
	case 't':
		return namesPassword(s)
	case 'y':
		return endsWith(s, "api_key") || endsWith(s, "apikey") || endsWith(s, "api-key") ||
			endsWith(s, "access_key") || endsWith(s, "secret_key") || endsWith(s, "private_key")
	}
	return false
}

// namesPassword reports whether the parameter holds a secret whatever it
// looks like.
func namesPassword[T string | []byte](s T) bool {
	return endsWith(s, "password") || endsWith(s, "passwd") || endsWith(s, "pwd") || endsWith(s, "secret")
}

// namesClickID reports whether s ends with the name of a parameter that holds
// an advertisement identifier.
func namesClickID(s []byte) bool {
	for _, name := range [...]string{"gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "yclid"} {
		if endsWith(s, name) {
			return len(s) == len(name) || !is(s[len(s)-len(name)-1], token)
		}
	}
	return false
}
