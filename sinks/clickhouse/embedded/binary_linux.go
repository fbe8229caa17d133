package embedded

import "syscall"

// dieWithParent ends the server even where the process between is killed.
func dieWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
}
