//go:build !amd64 || purego

package base64url

const hasAVX2 = false

func decodeAVX2(_, _ *byte, _ int, _ *Dots) bool { panic("no AVX2") }
