package ingest

import (
	"bytes"

	"github.com/valyala/fasthttp"
)

// prefersRepresentation reports whether the client asked for a result for each
// event: `Prefer: return=representation` (RFC 7240, section 4.2). Of a
// preference that is stated twice the first counts (section 2).
func prefersRepresentation(h *fasthttp.RequestHeader) bool {
	if len(h.Peek("Prefer")) == 0 {
		return false
	}
	for _, line := range h.PeekAll("Prefer") {
		for len(line) > 0 {
			var preference []byte
			preference, line, _ = bytes.Cut(line, []byte(","))
			preference, _, _ = bytes.Cut(preference, []byte(";"))
			name, value, _ := bytes.Cut(preference, []byte("="))
			if bytes.EqualFold(bytes.TrimSpace(name), []byte("return")) {
				return bytes.EqualFold(bytes.Trim(bytes.TrimSpace(value), `"`), []byte("representation"))
			}
		}
	}
	return false
}
