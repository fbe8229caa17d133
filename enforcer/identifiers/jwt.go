package identifiers

import "bytes"

// jwts finds compact JWS and JWE (RFC 7515 and RFC 7516, section 7.1): base64url
// parts joined by dots, the first of which begins a JSON object.
func (f *finder) jwts() {
	const shortestHeader, shortestPayload = minToken, 8
	begin := []byte("eyJ") // {" in base64
	for i := bytes.Index(f.text, begin); i >= 0; {
		next := f.run(i, token)
		if !is(f.at(i-1), alnum) && next-i >= shortestHeader && f.at(next) == '.' {
			end := f.run(next+1, token)
			if end-next > shortestPayload {
				if f.at(end) == '.' { // the signature may be empty
					end = f.run(end+1, token)
				}
				for range 2 { // the other parts of a JWE
					if last := f.run(end+1, token); f.at(end) == '.' && last > end+shortestPayload {
						end = last
					}
				}
				f.mark(i, end, JWT)
				next = end
			}
		}
		if i = bytes.Index(f.text[next:], begin); i >= 0 {
			i += next
		}
	}
}
