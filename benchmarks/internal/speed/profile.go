package speed

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// profile has a role write a profile of the processor, and then one of all that
// it allocated, while it is under load; they are for `go tool pprof`. It does
// nothing unless profiles are asked for. The result says when they are written.
func (p *server) profile(ctx context.Context, name string, during time.Duration) <-chan error {
	done := make(chan error, 1)
	if p.profiles == "" {
		done <- nil
		return done
	}
	go func() {
		file := filepath.Join(p.profiles, strings.NewReplacer(" ", "-", ",", "").Replace(name))
		seconds := max(int(during/time.Second)-1, 1)
		err := fetch(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", p.admin, seconds), file+".cpu.pprof")
		if err == nil {
			err = fetch(ctx, p.admin+"/debug/pprof/allocs?gc=1", file+".allocs.pprof")
		}
		done <- err
	}()
	return done
}

func fetch(ctx context.Context, address, into string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %d", address, answer.StatusCode)
	}
	file, err := os.Create(into)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(file, answer.Body)
	return err
}
