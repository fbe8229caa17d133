package role

import (
	"context"
	"os"
	"runtime/debug"
	"time"
)

// headroom is how much may be allocated beside what is live before the garbage
// collector runs, when there is a large registry.
const headroom = 32 << 20

// leanHeap keeps a heap with a large registry from growing to twice its size
// before it is collected: the registry is live for good, has no pointers to
// follow, and what requests allocate is little. It does so until ctx ends, unless
// GOGC says what is wanted.
func leanHeap(ctx context.Context, registry func() int) {
	if os.Getenv("GOGC") != "" {
		return
	}
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for before := 0; ; {
		if size := registry(); size > before+headroom/4 || size < before-headroom/4 {
			debug.SetGCPercent(max(100*headroom/(size+headroom), 5))
			debug.FreeOSMemory() // what was needed to read them
			before = size
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
