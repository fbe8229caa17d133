package resetfile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"sekisho/cmd/sekisho/internal/local"
)

// note is what a run has done so far, in a file beside the one that it reads.
type note struct {
	// Size and Modified are of the file, Where is what it is reset in: another one
	// begins anew.
	Where    string    `json:"where"`
	Size     int64     `json:"size"`
	Modified time.Time `json:"modified"`
	Place    Place     `json:"place"`
	Result   Result    `json:"result"`

	path    string
	written time.Time
}

// noteSuffix is the end of the note's name.
const noteSuffix = ".progress"

// openNote reads the note of a file that an earlier run left, or begins one. end is
// that of the resets that there are.
func openNote(file *os.File, where string, end int64) (*note, error) {
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot look at the file: %w", err)
	}
	fresh := &note{Where: where, Size: info.Size(), Modified: info.ModTime(), path: file.Name() + noteSuffix}
	text, err := os.ReadFile(fresh.path)
	if errors.Is(err, fs.ErrNotExist) {
		// What cannot be noted is said before anything is reset.
		return fresh, fresh.write(Result{})
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read how far an earlier run came: %w", err)
	}
	found := &note{path: fresh.path}
	if json.Unmarshal(text, found) != nil || found.Where != where || found.Result.To > end || found.Size != fresh.Size || !found.Modified.Equal(fresh.Modified) ||
		found.Place.Offset < 0 || found.Place.Offset > found.Size {
		return fresh, nil
	}
	return found, nil
}

// keep writes the note now and then: what was done since is only done again.
func (n *note) keep(r Result) error {
	if n.Result.Resets > 0 && time.Since(n.written) < time.Second {
		n.Result = r
		return nil
	}
	return n.write(r)
}

func (n *note) write(r Result) error {
	n.Result = r
	text, err := json.Marshal(n)
	if err != nil {
		return fmt.Errorf("cannot note the progress: %w", err)
	}
	err = local.Replace(n.path, func(f *os.File) error {
		_, err := f.Write(text)
		return err
	})
	if err != nil {
		return fmt.Errorf("cannot note the progress beside the file, without which a run cannot go on where it was: %w", err)
	}
	n.written = time.Now()
	return nil
}

func (n *note) remove() error {
	if err := os.Remove(n.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot remove the note of a run that is done: %w", err)
	}
	return nil
}
