package embedded

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	barEvery  = 200 * time.Millisecond
	lineEvery = 3 * time.Second
)

// progress shows how much of a long step is done: a bar on a terminal, else a
// plain line every few seconds.
type progress struct {
	out   io.Writer
	what  string
	total int64
	bar   *progressbar.ProgressBar // nil where out is no terminal
}

func newProgress(out io.Writer, what string, total int64) *progress {
	p := &progress{out: out, what: what, total: total}
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions64(total,
			progressbar.OptionSetWriter(out),
			progressbar.OptionSetDescription(what),
			progressbar.OptionShowBytes(true),
			progressbar.OptionSetPredictTime(true),
			progressbar.OptionFullWidth())
		return p
	}
	p.line("started")
	return p
}

// follow shows done() until the function it returns is called.
func (p *progress) follow(done func() int64) (stop func()) {
	every := lineEvery
	if p.bar != nil {
		every = barEvery
	}
	quit, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-quit:
				return
			case <-ticker.C:
				p.show(done())
			}
		}
	}()
	return func() { close(quit); <-ended }
}

func (p *progress) show(done int64) {
	done = min(done, p.total) // npm's own bookkeeping comes on top
	if p.bar != nil {
		_ = p.bar.Set64(done)
		return
	}
	p.line(fmt.Sprintf("%d%%", 100*done/max(p.total, 1)))
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
		fmt.Fprintln(p.out)
		return
	}
	p.line("done")
}

func (p *progress) line(state string) {
	fmt.Fprintf(p.out, "%s (%.0f MB): %s\n", p.what, float64(p.total)/1e6, state)
}
