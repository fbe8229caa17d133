package ingest

import (
	"errors"
	"net"

	"github.com/valyala/fasthttp"
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
		answerError(ctx, fasthttp.StatusBadRequest, "this is not HTTP as the collector speaks it")
	}
}
