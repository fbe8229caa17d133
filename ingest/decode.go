package ingest

import (
	"bytes"
	"errors"
	"io"
	"runtime"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/valyala/fasthttp"
)

// coding is a content coding (RFC 9110, section 8.4.1).
type coding uint8

const (
	identity coding = iota
	gzipped
	brotlied
	zstandard
)

// codingOf returns the coding of a request's body, if it is one that is taken.
func codingOf(h *fasthttp.RequestHeader) (coding, bool) {
	name := h.ContentEncoding()
	if len(name) == 0 {
		return identity, true
	}
	if len(h.PeekAll(fasthttp.HeaderContentEncoding)) > 1 {
		return 0, false // one after the other
	}
	for c, names := range [...][]string{
		identity: {"identity"}, gzipped: {"gzip", "x-gzip"}, brotlied: {"br"}, zstandard: {"zstd"},
	} {
		for _, known := range names {
			if bytes.EqualFold(name, []byte(known)) {
				return coding(c), true
			}
		}
	}
	return 0, false
}

// decoders undo content codings. A few serve all requests, since decoding is a
// matter of the processor alone and each takes up to 32 MiB, with a window of
// 16 MiB for br (RFC 7932, section 9.1) and of 8 MiB for zstd (RFC 9659), beside
// what comes out.
type decoders chan *decoder

type decoder struct {
	source bytes.Reader
	gzip   gzip.Reader
	brotli *brotli.Reader
	zstd   *zstd.Decoder
}

const maxWindow = 8 << 20

func newDecoders() decoders {
	d := make(decoders, min(runtime.GOMAXPROCS(0), 8))
	for range cap(d) {
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			panic(err) // the options are constants
		}
		d <- &decoder{brotli: brotli.NewReader(nil), zstd: z}
	}
	return d
}

// decode appends the decoded body to into, at most limit bytes.
func (d decoders) decode(c coding, body, into []byte, limit int) ([]byte, error) {
	z := <-d
	defer func() { d <- z }()
	z.source.Reset(body)
	defer z.source.Reset(nil)
	from, err := z.reader(c)
	if err != nil {
		return into, errDamaged
	}
	return readLimited(from, into, limit)
}

func (z *decoder) reader(c coding) (io.Reader, error) {
	switch c {
	case gzipped:
		return &z.gzip, z.gzip.Reset(&z.source)
	case brotlied:
		return z.brotli, z.brotli.Reset(&z.source)
	default:
		return z.zstd, z.zstd.Reset(&z.source)
	}
}

// readLimited stops one byte past the limit: a small body that unpacks to a
// huge one costs no more than the limit.
func readLimited(from io.Reader, into []byte, limit int) ([]byte, error) {
	for {
		if len(into) == cap(into) {
			into = append(make([]byte, 0, min(max(2*cap(into), firstBuffer), limit+1)), into...)
		}
		n, err := from.Read(into[len(into):min(cap(into), limit+1)])
		into = into[:len(into)+n]
		switch {
		case len(into) > limit || errors.Is(err, zstd.ErrWindowSizeExceeded) || errors.Is(err, zstd.ErrDecoderSizeExceeded):
			return into[:0], errDecoded
		case errors.Is(err, io.EOF):
			return into, nil
		case err != nil:
			return into[:0], errDamaged
		}
	}
}
