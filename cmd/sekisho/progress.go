package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progressOf shows how far long work is, how fast it goes and how long it may
// still take: a bar on a terminal, else a line now and then.
type progressOf struct {
	doing, done, unit string // "replaying", "replayed", "messages"
	to                io.Writer
	terminal          bool
	bar               *progressbar.ProgressBar
	began             time.Time
	first             int64
	told              time.Time
}

func newProgress(to *os.File, doing, done, unit string) *progressOf {
	return &progressOf{doing: doing, done: done, unit: unit, to: to, terminal: term.IsTerminal(int(to.Fd())), first: -1}
}

func (s *progressOf) update(done, total int64) {
	if s.first < 0 {
		s.first, s.began, s.told = done, time.Now(), time.Now()
		if s.terminal {
			s.bar = progress(total, s.doing, s.unit)
		}
	}
	if s.bar != nil {
		_ = s.bar.Set64(done)
		return
	}
	if time.Since(s.told) < 5*time.Second && (done < total || s.told.IsZero()) {
		return
	}
	s.told = time.Now()
	fmt.Fprintln(s.to, s.line(done, total))
}

func (s *progressOf) line(done, total int64) string {
	line := fmt.Sprintf("%s %d of %d %s", s.done, done, total, s.unit)
	if rate := float64(done-s.first) / time.Since(s.began).Seconds(); rate >= 1 {
		left := time.Duration(float64(total-done) / rate * float64(time.Second))
		line += fmt.Sprintf(", %.0f a second, %s left", rate, left.Round(time.Second))
	}
	return line
}

func (s *progressOf) end() {
	if s.bar != nil {
		_ = s.bar.Exit()
		fmt.Fprintln(s.to)
	}
}
