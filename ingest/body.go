package ingest

import (
	"bytes"
	"errors"
	"io"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"
)

var (
	errTooLarge  = errors.New("the body is too large after decompression")
	errEncoding  = errors.New("Content-Encoding must be gzip, br or zstd")
	errDamaged   = errors.New("the body is not what its Content-Encoding says")
	errMediaType = errors.New("Content-Type must be application/json or text/plain")
)

// readBody returns the request's body, decompressed into into[:0] where it has
// an encoding. The result never exceeds limit bytes.
func readBody(ctx *fasthttp.RequestCtx, into []byte, limit int) ([]byte, error) {
	if !isJSON(ctx.Request.Header.ContentType()) {
		return nil, errMediaType
	}
	body := ctx.Request.Body()
	var from io.Reader
	switch string(ctx.Request.Header.ContentEncoding()) {
	case "", "identity":
		return body, nil
	case "gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, errDamaged
		}
		from = r
	case "br":
		from = brotli.NewReader(bytes.NewReader(body))
	case "zstd":
		r, err := zstd.NewReader(bytes.NewReader(body), zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxMemory(uint64(limit)), zstd.WithDecoderLowmem(true))
		if err != nil {
			return nil, errDamaged
		}
		defer r.Close()
		from = r
	default:
		return nil, errEncoding
	}
	return readLimited(from, into[:0], limit)
}

// readLimited stops one byte past the limit: a small body that unpacks to a
// huge one costs no more than the limit.
func readLimited(from io.Reader, into []byte, limit int) ([]byte, error) {
	out := bytes.NewBuffer(into)
	n, err := out.ReadFrom(io.LimitReader(from, int64(limit)+1))
	switch {
	case n > int64(limit) || errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded):
		return nil, errTooLarge
	case err != nil:
		return nil, errDamaged
	}
	return out.Bytes(), nil
}

// isJSON accepts the types under which events are sent: sendBeacon sends text
// as text/plain and an ArrayBuffer without a type.
func isJSON(contentType []byte) bool {
	kind, _, _ := bytes.Cut(contentType, []byte(";"))
	kind = bytes.TrimSpace(kind)
	return len(kind) == 0 || bytes.EqualFold(kind, []byte("application/json")) || bytes.EqualFold(kind, []byte("text/plain"))
}
