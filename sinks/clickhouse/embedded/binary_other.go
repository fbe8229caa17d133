//go:build !linux

package embedded

import "syscall"

// dieWithParent has no equal here: a server outlives a process between that is
// killed, until the next start finds its directory locked.
func dieWithParent() *syscall.SysProcAttr { return nil }
