//go:build !amd64 || purego

package base64url

func decodeQuads(dst []byte, s string, dots *Dots) bool { return decodeGeneric(dst, s, dots) }
