package ingest

import (
	"bytes"
	"errors"
	"net"

	"github.com/valyala/fasthttp"

	"sekisho/schemas"
)

// refuse answers a request that could not be read as HTTP. Nobody knows what it
// would have been, so it is in no account but this counter.
func (c *Collector) refuse(ctx *fasthttp.RequestCtx, err error) {
	c.counters.malformed.Inc()
	var timeout net.Error
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.As(err, &small):
		answerError(ctx, fasthttp.StatusRequestHeaderFieldsTooLarge, "the header is too large; the limit is 16KiB")
	case errors.As(err, &timeout) && timeout.Timeout():
		answerError(ctx, fasthttp.StatusRequestTimeout, "the request did not come in time")
	default:
		answerError(ctx, fasthttp.StatusBadRequest, noHTTP)
	}
}

const noHTTP = "this is not HTTP as the collector speaks it"

// lenient returns the status with which to refuse a request that the server has
// let pass and another one on its way might understand otherwise; 0 for none.
func lenient(h *fasthttp.RequestHeader) int {
	switch string(h.Protocol()) {
	case "HTTP/1.1", "HTTP/1.0":
	default:
		return fasthttp.StatusHTTPVersionNotSupported
	}
	if folded(h.RawHeaders()) {
		return fasthttp.StatusBadRequest
	}
	return 0
}

// folded reports whether a header field goes on in the next line (RFC 9112,
// section 5.2).
func folded(header []byte) bool {
	for {
		end := bytes.IndexByte(header, '\n')
		if end < 0 || end+1 == len(header) {
			return false
		}
		if header = header[end+1:]; header[0] == ' ' || header[0] == '\t' {
			return true
		}
	}
}

// expect answers a client that asks before it sends its body (Expect:
// 100-continue): not to send one that is refused by what is known of it already.
// The connection is closed then.
func (c *Collector) expect(ctx *fasthttp.RequestCtx) int {
	if status := lenient(&ctx.Request.Header); status != 0 {
		c.counters.malformed.Inc()
		return status
	}
	if ctx.Request.Header.ContentLength() <= int(c.config.MaxBody) {
		return fasthttp.StatusContinue
	}
	c.counters.requests.Inc()
	if string(ctx.Path()) == eventsPath && ctx.IsPost() {
		c.lose(schemas.ReasonTooLarge)
	}
	return fasthttp.StatusRequestEntityTooLarge
}
