package ingest

import (
	"errors"
	"net"

	"github.com/valyala/fasthttp"

	"sekisho/schemas"
)

// refuse answers a request that could not be read as HTTP or is over a limit.
func (c *Collector) refuse(ctx *fasthttp.RequestCtx, err error) {
	var timeout net.Error
	var small *fasthttp.ErrSmallBuffer
	switch {
	case errors.Is(err, fasthttp.ErrBodyTooLarge):
		c.lose(schemas.ReasonTooLarge)
		answerError(ctx, fasthttp.StatusRequestEntityTooLarge, "the body is too large; the limit is "+c.config.MaxBody.String())
	case errors.As(err, &small):
		c.counters.malformed.Inc()
		answerError(ctx, fasthttp.StatusRequestHeaderFieldsTooLarge, "the header is too large; the limit is 16KiB")
	case errors.As(err, &timeout) && timeout.Timeout():
		c.counters.malformed.Inc()
		answerError(ctx, fasthttp.StatusRequestTimeout, "the request did not come in time")
	default:
		c.counters.malformed.Inc()
		answerError(ctx, fasthttp.StatusBadRequest, "this is not HTTP as the collector speaks it")
	}
}
