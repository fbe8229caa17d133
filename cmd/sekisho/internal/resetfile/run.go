package resetfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"sekisho/schemas"
)

// Options are what a run needs.
type Options struct {
	// Where names what the identifiers are reset in, and End is the offset after the
	// last reset that it has: a run that was cut off elsewhere, or before the resets
	// were lost, is not gone on with.
	Where string
	End   int64
	// Reset makes the reset of an identifier in its normal form.
	Reset func(f schemas.Field, normal string, at time.Time) schemas.Reset
	// Append makes resets durable and returns the offset of the first.
	Append func(ctx context.Context, resets []schemas.Reset) (offset int64, err error)
	// Progress is told how many lines of how many are done.
	Progress func(done, of int)
}

// Result is what a run, with those before it that were cut off, has done.
type Result struct {
	Resets int // that are durable
	None   int // lines with an identifier that is none
	// From and To (excluded) are the offsets between which the resets are.
	From, To int64
	// Resumed is the line after which this run went on, 0 for the first.
	Resumed int
}

// together is how many bytes of resets are written at once, at most: it is well
// below the largest Kafka batch.
const together = 600 << 10

// sizeOf is the most bytes that a reset takes in a Kafka batch.
func sizeOf(r *schemas.Reset) int { return 340 + len(r.By) + 48*len(r.Pseudonyms) }

// Check reads the whole file and reports what is wrong with it, some ten
// problems at most, and how many lines it has.
func Check(file io.ReadSeeker, format string) (identifiers int, err error) {
	source, err := Open(file, format, Place{})
	if err != nil {
		return 0, err
	}
	var problems []error
	for {
		_, err := source.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			problems = append(problems, err)
			if errors.Is(err, errCSV) || errors.Is(err, errLong) || len(problems) == 10 {
				problems = append(problems, errors.New("what follows was not looked at"))
				break
			}
			continue
		}
		identifiers++
	}
	if len(problems) > 0 {
		return identifiers, fmt.Errorf("the file is not as it must be; nothing was reset:\n%w", errors.Join(problems...))
	}
	return identifiers, nil
}

// Run resets the identifiers of a file, from where an earlier run was cut off.
// What it has done when it fails is durable and noted, and the next run goes on
// from there; to run it again from the beginning does no harm either.
func Run(ctx context.Context, file *os.File, format string, o Options) (Result, error) {
	total, err := Check(file, format)
	if err != nil {
		return Result{}, err
	}
	// Two at a time would write the same note. The lock goes with the process, and where
	// the file's system has none, there is none.
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); errors.Is(err, syscall.EWOULDBLOCK) {
		return Result{}, errors.New("another process is resetting the identifiers of this file; let it end")
	}
	note, err := openNote(file, o.Where, o.End)
	if err != nil {
		return Result{}, err
	}
	r := note.Result
	r.Resumed = note.Place.Line
	source, err := Open(file, format, note.Place)
	if err != nil {
		return r, err
	}
	var batch []schemas.Reset
	for done := r.Resets + r.None; ; {
		batch = batch[:0]
		none := 0
		for size := 0; size < together; {
			identifier, err := source.Next()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return r, fmt.Errorf("the file has changed: %w", err)
			}
			if identifier.Normal == "" {
				none++
				continue
			}
			batch = append(batch, o.Reset(identifier.Field, identifier.Normal, time.Now()))
			size += sizeOf(&batch[len(batch)-1])
		}
		if len(batch) == 0 {
			r.None += none
			return r, note.remove()
		}
		offset, err := o.Append(ctx, batch)
		if err != nil {
			return r, errors.Join(fmt.Errorf("%d of %d are reset; run the same again to go on: %w", r.Resets, total, err), note.write(r))
		}
		if r.Resets == 0 {
			r.From = offset
		}
		r.Resets, r.None, r.To = r.Resets+len(batch), r.None+none, offset+int64(len(batch))
		note.Place = source.Place()
		if err := note.keep(r); err != nil {
			return r, err
		}
		done += len(batch) + none
		o.Progress(done, total)
	}
}
