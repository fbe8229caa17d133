//go:build amd64 && !purego

package base64url

import "golang.org/x/sys/cpu"

var hasAVX2 = cpu.X86.HasAVX2

// decodeAVX2 is decodeGeneric for n characters, at least a block of them,
// without bounds checks. It may write eight bytes more than those.
//
//go:noescape
func decodeAVX2(dst, src *byte, n int, dots *Dots) bool
