//go:build !linux

package parts

import "syscall"

// dieWithParent is for Linux to do: elsewhere a child outlives a killed parent.
func dieWithParent() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
