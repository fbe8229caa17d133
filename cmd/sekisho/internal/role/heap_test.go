package role

import (
	"context"
	"os"
	"runtime/debug"
	"testing"
)

func TestLeanHeap(t *testing.T) {
	ended, end := context.WithCancel(context.Background())
	end()
	check := func(gogc string, registry, want int) {
		t.Helper()
		t.Setenv("GOGC", gogc)
		if gogc == "" {
			os.Unsetenv("GOGC")
		}
		before := debug.SetGCPercent(100)
		leanHeap(ended, func() int { return registry })
		if got := debug.SetGCPercent(before); got != want {
			t.Errorf("GOGC %q and a registry of %d MiB: %d %%, want %d", gogc, registry>>20, got, want)
		}
	}
	check("", 0, 100)
	check("", 1<<20, 100) // what a small one takes is no matter
	check("", headroom, 50)
	check("", 3*headroom, 25)
	check("", 2<<30, 5)
	check("200", 2<<30, 100)
}
