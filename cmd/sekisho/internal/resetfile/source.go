// Package resetfile resets the identifiers of a file: many, in an order that
// does not matter, and as often as one likes. What it has done is noted beside
// the file, so that a run that was cut off goes on where it was.
//
// Nothing here repeats an identifier, neither in an error nor in the note.
package resetfile

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// Identifier is one to be reset, in its normal form, "" when it is none: an
// advertising identifier of zeros.
type Identifier struct {
	Field  schemas.Field
	Normal string
}

// Formats are the forms that a file may have: CSV of the columns kind and id, in
// this order or as the first line names them; or JSON lines of objects with the
// members kind and id. What else there is, is passed over.
var Formats = []string{"csv", "jsonl"}

// FormatOf returns the form of a file by its name, "" when the name does not
// tell.
func FormatOf(name string) string {
	switch {
	case strings.HasSuffix(name, ".csv"):
		return "csv"
	case strings.HasSuffix(name, ".jsonl"), strings.HasSuffix(name, ".ndjson"):
		return "jsonl"
	}
	return ""
}

// Source reads identifiers.
type Source struct {
	line   int // of what was read last, from 1
	offset int64
	next   func() (kind, id string, err error)
}

// Open begins to read. Where resumed is not zero it goes on at that place,
// which an earlier Source had after its last identifier.
func Open(file io.ReadSeeker, format string, resumed Place) (*Source, error) {
	s := &Source{line: resumed.Line, offset: resumed.Offset}
	open := map[string]func(io.ReadSeeker) error{"csv": s.openCSV, "jsonl": s.openLines}[format]
	if open == nil {
		return nil, fmt.Errorf("the format must be one of %s", strings.Join(Formats, ", "))
	}
	return s, open(file)
}

// Place is where a source has read up to.
type Place struct {
	Line   int   `json:"line"`
	Offset int64 `json:"offset"` // in bytes
}

// Place returns where the source has read up to.
func (s *Source) Place() Place { return Place{s.line, s.offset} }

// Next returns the next identifier, or io.EOF. An error names the line.
func (s *Source) Next() (Identifier, error) {
	kind, id, err := s.next()
	if errors.Is(err, io.EOF) {
		return Identifier{}, io.EOF
	}
	var identifier Identifier
	if err == nil {
		identifier, err = Parse(kind, strings.TrimSpace(id))
	}
	if err != nil {
		return Identifier{}, fmt.Errorf("line %d: %w", s.line, err)
	}
	return identifier, nil
}

// Kinds are the kinds of identifier by which somebody can be found.
var Kinds = schemas.Identifiers &^ schemas.SetOf(schemas.SessionID)

// Parse checks an identifier. The error does not repeat it.
func Parse(kind, id string) (Identifier, error) {
	f, ok := schemas.FieldNamed([]byte(strings.TrimSpace(kind)))
	switch {
	case ok && f == schemas.SessionID:
		return Identifier{}, errors.New("a session_id is stored only as one of the identifier beside it: name the visitor_id, or whatever else the session was seen with")
	case !ok || !Kinds.Has(f):
		return Identifier{}, fmt.Errorf("the kind must be one of %s", strings.Join(Kinds.Names(), ", "))
	}
	if id == "" {
		return Identifier{}, errors.New("the id is empty")
	}
	if problem := schemas.Check(f, id); problem != nil {
		return Identifier{}, problem
	}
	return Identifier{f, enforcer.NormalIdentifier(f, id)}, nil
}

var byteOrderMark = []byte("\xef\xbb\xbf")

var (
	errColumns = errors.New("must have two columns, kind and id")
	errCSV     = errors.New("is no CSV")
	errJSON    = errors.New(`must be an object such as {"kind":"visitor_id","id":"…"}`)
	errLong    = errors.New("is too long")
)

// maxLine is the longest line of JSON, in bytes.
const maxLine = 64 << 10

func (s *Source) openCSV(file io.ReadSeeker) error {
	kind, id := 0, 1
	begin, err := afterMark(file)
	if err != nil {
		return err
	}
	reader := newCSV(file)
	first, err := reader.Read()
	header := err == nil && slices.Contains(first, "kind") && slices.Contains(first, "id")
	if header {
		kind, id = slices.Index(first, "kind"), slices.Index(first, "id")
	}
	start := s.offset
	switch {
	case start == 0 && header:
		start, s.line = begin+reader.InputOffset(), 1
	case start == 0:
		start, s.line = begin, 0
	}
	if _, err := file.Seek(start, io.SeekStart); err != nil {
		return fmt.Errorf("cannot go to a place in the file: %w", err)
	}
	lines := s.line
	reader = newCSV(file)
	s.next = func() (string, string, error) {
		row, err := reader.Read()
		var parse *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return "", "", io.EOF
		case errors.As(err, &parse):
			s.line = lines + parse.Line
			return "", "", errCSV
		case err != nil:
			return "", "", fmt.Errorf("cannot read the file: %w", err)
		}
		line, _ := reader.FieldPos(0)
		s.line, s.offset = lines+line, start+reader.InputOffset()
		if len(row) <= max(kind, id) {
			return "", "", errColumns
		}
		return row[kind], row[id], nil
	}
	return nil
}

// afterMark goes to where the file's text begins, after the byte order mark with
// which spreadsheets begin it.
func afterMark(file io.ReadSeeker) (begin int64, err error) {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return 0, fmt.Errorf("cannot go to a place in the file: %w", err)
	}
	mark := make([]byte, len(byteOrderMark))
	if _, err := io.ReadFull(file, mark); err == nil && bytes.Equal(mark, byteOrderMark) {
		begin = int64(len(mark))
	}
	if _, err := file.Seek(begin, io.SeekStart); err != nil {
		return 0, fmt.Errorf("cannot go to a place in the file: %w", err)
	}
	return begin, nil
}

func newCSV(file io.Reader) *csv.Reader {
	r := csv.NewReader(file)
	r.FieldsPerRecord, r.ReuseRecord = -1, true
	return r
}

func (s *Source) openLines(file io.ReadSeeker) error {
	if _, err := file.Seek(s.offset, io.SeekStart); err != nil {
		return fmt.Errorf("cannot go to a place in the file: %w", err)
	}
	reader := bufio.NewReaderSize(file, maxLine)
	s.next = func() (string, string, error) {
		for {
			line, err := reader.ReadSlice('\n')
			if errors.Is(err, io.EOF) && len(line) == 0 {
				return "", "", io.EOF
			}
			s.line++
			s.offset += int64(len(line))
			switch {
			case errors.Is(err, bufio.ErrBufferFull):
				return "", "", errLong
			case err != nil && !errors.Is(err, io.EOF):
				return "", "", fmt.Errorf("cannot read the file: %w", err)
			}
			if line = bytes.TrimSpace(bytes.TrimPrefix(line, byteOrderMark)); len(line) == 0 {
				continue
			}
			var in struct {
				Kind *string `json:"kind"`
				ID   *string `json:"id"`
			}
			if json.Unmarshal(line, &in) != nil || in.Kind == nil || in.ID == nil {
				return "", "", errJSON
			}
			return *in.Kind, *in.ID, nil
		}
	}
	return nil
}
