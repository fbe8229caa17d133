package identifiers

// MaskURL is [MaskText] for the address of a page or a referrer: what it finds
// in path, query and fragment, in names and values, is replaced by
// percent-encoded marks, and a user and password before the host are taken
// away, which counts as a secret. In the host, which keeps its port, marks are such as
// _ip_; the machine's own stays. Any text may be given; a valid address stays valid
// (RFC 3986).
func MaskURL(dst []byte, url string, c *Counts) (out []byte, changed bool) {
	return Addresses{}.Mask(dst, url, c)
}

// Addresses says how addresses are masked that are not masked as MaskURL does.
type Addresses struct {
	// Own tells the origins of which the host stays as it is; nil for none.
	Own Origins
	// NoClicks: advertisement identifiers may not pass. The values of parameters such
	// as gclid are masked, too.
	NoClicks bool
}

// Origins is a set of origins (RFC 6454, section 6.2), in lower case.
type Origins interface{ Origin(origin string) bool }

// Mask is [MaskURL] so.
func (as Addresses) Mask(dst []byte, url string, c *Counts) (out []byte, changed bool) {
	form := &asURL
	if as.NoClicks {
		form = &asNoClicks
	}
	a := split(url)
	from, head := a.path, url[:a.path]
	maskedHost := false
	switch ok, odd := isHost(url[a.host:a.path]); {
	case !ok:
		from, head = a.host, url[:a.host]
	case odd && !as.owns(url, a):
		var host []byte
		if host, maskedHost = maskHost(append([]byte(nil), url[:a.user]...), url[a.host:a.path], c); maskedHost {
			head = string(host)
		}
	}
	if a.user < a.host {
		if c != nil {
			c[Secret]++
		}
		if !maskedHost {
			head = url[:a.user] + url[a.host:from]
		}
		maskedHost = true
	}
	if out, changed = mask(dst, head, url[from:], form, c); !changed && maskedHost {
		return append(append(dst, head...), url[from:]...), true
	}
	return out, changed
}

// owns reports whether the origin is the site's own. Most are written as origins are.
func (as Addresses) owns(url string, a address) bool {
	return as.Own != nil && (as.Own.Origin(url[:a.path]) || as.Own.Origin(string(appendOrigin(nil, url, a))))
}
