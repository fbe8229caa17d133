package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/valyala/fasthttp"
)

var (
	errTooLarge   = errors.New("the body is too large")
	errDecoded    = fmt.Errorf("%w after decompression", errTooLarge)
	errEncoding   = errors.New("Content-Encoding must be gzip, br or zstd")
	errDamaged    = errors.New("the body is not what its Content-Encoding says")
	errMediaType  = errors.New("Content-Type must be application/json or text/plain")
	errSlow       = errors.New("the body did not come in time")
	errIncomplete = errors.New("the body did not come whole")
	errCrowded    = errors.New("too many large requests at once; send it again")
)

// readBody returns the request's body, decompressed where it has an encoding.
// It is valid until the session ends.
func (c *Collector) readBody(ctx *fasthttp.RequestCtx, s *session) ([]byte, error) {
	if !isJSON(ctx.Request.Header.ContentType()) {
		return nil, errMediaType
	}
	coding, ok := codingOf(&ctx.Request.Header)
	if !ok {
		return nil, errEncoding
	}
	body, err := c.receive(ctx, s, int(c.config.MaxBody))
	if err != nil || coding == identity {
		return body, err
	}
	s.decoded, err = c.decoders.decode(coding, body, s.decoded[:0], int(c.config.MaxDecoded))
	return s.decoded, err
}

// The body's buffer begins with the size that most requests have, and grows
// only as bytes come: what a client declares costs nothing.
const firstBuffer = 16 << 10

// receive returns the body as it was sent, at most limit bytes of it.
func (c *Collector) receive(ctx *fasthttp.RequestCtx, s *session, limit int) ([]byte, error) {
	from := ctx.Request.BodyStream()
	if ctx.Request.Header.ContentLength() > limit {
		return nil, errTooLarge
	}
	if from == nil {
		return ctx.Request.Body(), nil
	}
	body := s.body[:0]
	for {
		if len(body) == cap(body) {
			size := min(max(2*cap(body), firstBuffer), limit+1)
			if !s.need(&c.memory, int64(cap(body)+size)) {
				return nil, errCrowded
			}
			body = append(make([]byte, 0, size), body...)
			s.body = body
		}
		n, err := from.Read(body[len(body):cap(body)])
		body = body[:len(body)+n]
		switch {
		case len(body) > limit:
			return nil, errTooLarge
		case errors.Is(err, io.EOF):
			whole(ctx)
			return body, nil
		case err != nil:
			return nil, unread(err)
		}
	}
}

// lingering is how much of a body that nobody wanted is read and thrown away.
const lingering = 16 << 20

// linger reads what is left of the body before the request is answered: many
// clients see the answer only once they have sent all.
func linger(ctx *fasthttp.RequestCtx) {
	body := ctx.Request.BodyStream()
	if body == nil || ctx.Request.Header.ContentLength() > lingering {
		return
	}
	if _, err := body.Read(nil); err == nil { // there is more of it
		_, _ = io.CopyN(io.Discard, body, lingering)
	}
}

// unread tells a client that is slow from one that is gone or speaks no HTTP.
func unread(err error) error {
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errSlow
	}
	return errIncomplete
}

// isJSON accepts the types under which events are sent: sendBeacon sends text
// as text/plain and an ArrayBuffer without a type.
func isJSON(contentType []byte) bool {
	return len(bytes.TrimSpace(contentType)) == 0 || isType(contentType, "application/json") || isType(contentType, "text/plain")
}

// isType compares a media type without its parameters.
func isType(contentType []byte, want string) bool {
	kind, _, _ := bytes.Cut(contentType, []byte(";"))
	return bytes.EqualFold(bytes.TrimSpace(kind), []byte(want))
}
