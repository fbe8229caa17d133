//go:build !amd64 || purego

package base64url

func decodeBlocks(dst []byte, s string, blocks int) bool { return decodeGeneric(dst, s, blocks) }
