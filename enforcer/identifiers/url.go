package identifiers

// MaskURL is [MaskText] for the address of a page or a referrer: what it finds
// in path, query and fragment, in names and values, is replaced by
// percent-encoded marks, and a user and password before the host are taken
// away, which counts as a secret. The host stays as it is. Any text may be
// given; a valid address stays valid (RFC 3986).
func MaskURL(dst []byte, url string, c *Counts) (out []byte, changed bool) {
	return maskURL(dst, url, &asURL, c)
}

// MaskURLAndClicks is MaskURL where advertisement identifiers may not pass: the values
// of parameters such as gclid are masked, too.
func MaskURLAndClicks(dst []byte, url string, c *Counts) (out []byte, changed bool) {
	return maskURL(dst, url, &asNoClicks, c)
}

func maskURL(dst []byte, url string, form *form, c *Counts) (out []byte, changed bool) {
	a := split(url)
	from := a.path
	if !isHost(url[a.host:a.path]) {
		from = a.host
	}
	if a.user == a.host {
		return mask(dst, url[:from], url[from:], form, c)
	}
	if c != nil {
		c[Secret]++
	}
	dst = append(dst, url[:a.user]...)
	if out, changed = mask(dst, url[a.host:from], url[from:], form, c); !changed {
		out = append(dst, url[a.host:]...)
	}
	return out, true
}
