package parts

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Usage returns the processor time that a process has taken, and the memory of
// it that is resident, in bytes.
func Usage(pid int) (cpu time.Duration, resident int64, err error) {
	const ticks = 100 // a second, on every Linux (USER_HZ)
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	// The name, in brackets, may hold anything; state is the first after it.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 22 {
		return 0, 0, fmt.Errorf("/proc/%d/stat is not as expected", pid)
	}
	number := func(i int) (n int64) {
		n, e := strconv.ParseInt(string(fields[i]), 10, 64)
		if e != nil {
			err = e
		}
		return n
	}
	user, system, pages := number(11), number(12), number(21)
	return time.Duration(user+system) * time.Second / ticks, pages * int64(os.Getpagesize()), err
}
