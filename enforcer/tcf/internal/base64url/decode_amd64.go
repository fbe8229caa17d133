//go:build amd64 && !purego

package base64url

import (
	"unsafe"

	"golang.org/x/sys/cpu"
)

func decodeBlocks(dst []byte, s string, blocks int) bool {
	if !cpu.X86.HasAVX2 {
		return decodeGeneric(dst, s, blocks)
	}
	_, _ = dst[blocks*blockBytes+slack-1], s[blocks*block-1]
	return decodeAVX2(unsafe.SliceData(dst), unsafe.StringData(s), blocks)
}

// decodeAVX2 is decodeGeneric for blocks > 0, without bounds checks. It writes
// four bytes of zeros after the last block.
//
//go:noescape
func decodeAVX2(dst, src *byte, blocks int) bool
