package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// insideVariable tells a process that it may mount.
const insideVariable = "FAULTS_INSIDE"

// Inside makes this process one that may mount small disks: it runs itself
// again in a user and mount namespace, which nobody else sees, and then returns
// false and the code with which that ended. Where the system does not allow it,
// disks are not filled, and the report says so.
func Inside(ctx context.Context) (inside bool, code int, err error) {
	if os.Getenv(insideVariable) != "" {
		return true, 0, nil
	}
	self, err := os.Executable()
	if err != nil {
		return false, 1, err
	}
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVariable+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	signal.Ignore(os.Interrupt) // which the child gets too
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		fmt.Fprintln(os.Stderr, "small disks cannot be mounted here, so none is filled:", err)
		return true, 0, nil
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	var ended *exec.ExitError
	if err := cmd.Wait(); err != nil && !errors.As(err, &ended) {
		return false, 1, err
	}
	return false, cmd.ProcessState.ExitCode(), nil
}

// mountSmall mounts a disk of so many bytes in memory on a new directory.
func mountSmall(dir string, size int) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if os.Getenv(insideVariable) == "" {
		return errors.ErrUnsupported
	}
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", size))
}

func unmount(dir string) { _ = syscall.Unmount(dir, syscall.MNT_DETACH) }
