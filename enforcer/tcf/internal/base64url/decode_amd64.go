//go:build amd64 && !purego

package base64url

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

// decodeQuads decodes a multiple of four characters. It may write eight bytes
// more than those.
func decodeQuads(dst []byte, s string, dots *Dots) bool {
	if len(s) < block || !cpu.X86.HasAVX2 {
		return decodeGeneric(dst, s, dots)
	}
	_ = dst[len(s)/4*3+slack-1]
	return decodeAVX2(unsafe.SliceData(dst), unsafe.StringData(s), len(s), dots)
}

// decodeAVX2 is decodeGeneric for n characters, at least a block of them,
// without bounds checks. It writes four bytes of zeros after them.
//
//go:noescape
func decodeAVX2(dst, src *byte, n int, dots *Dots) bool
