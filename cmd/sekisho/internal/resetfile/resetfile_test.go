package resetfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
)

// all reads a source to its end.
func all(t testing.TB, text, format string) (found string, err error) {
	t.Helper()
	s, err := Open(strings.NewReader(text), format, Place{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		i, err := s.Next()
		if errors.Is(err, io.EOF) {
			return strings.TrimSpace(found), nil
		}
		if err != nil {
			return strings.TrimSpace(found), err
		}
		found += fmt.Sprintf("%v=%s ", i.Field, i.Normal)
	}
}

func TestSource(t *testing.T) {
	check := func(what, format, text, want, problem string) {
		t.Helper()
		got, err := all(t, text, format)
		if got != want || (err == nil) != (problem == "") || err != nil && !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: got %q, %v, want %q, %q", what, got, err, want, problem)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error repeats an identifier: %v", what, err)
		}
	}
	const two = "visitor_id=a user_id=b"
	check("plain", "csv", "visitor_id,a\nuser_id,b\n", two, "")
	check("no newline at the end", "csv", "visitor_id,a\nuser_id,b", two, "")
	check("Windows", "csv", "visitor_id,a\r\nuser_id,b\r\n", two, "")
	check("a header", "csv", "kind,id\nvisitor_id,a\nuser_id,b\n", two, "")
	check("a header in another order, with more columns", "csv", "name,id,since,kind\nx,a,,visitor_id\ny,b,,user_id\n", two, "")
	check("quotes, spaces and empty lines", "csv", "\"visitor_id\", a \n\n user_id,\"b\"\n", two, "")
	check("a mark", "csv", "\xef\xbb\xbfvisitor_id,a\nuser_id,b\n", two, "")
	check("a mark before a header", "csv", "\xef\xbb\xbfid,kind\r\na,visitor_id\r\nb,user_id\r\n", two, "")
	check("normal forms", "csv", "ga,GA1.1.5.6\nidfa,6D92078A-8246-4BA4-AE5B-76104861E7DC\ngaid,00000000-0000-0000-0000-000000000000\n",
		"ga=5.6 idfa=6d92078a-8246-4ba4-ae5b-76104861e7dc gaid=", "")
	check("nothing", "csv", "", "", "")
	check("only a header", "csv", "kind,id\n", "", "")
	check("a column", "csv", "visitor_id,a\ncanary\n", "visitor_id=a", "line 2: must have two columns")
	check("a kind", "csv", "kind,id\nvisitor_id,a\ncanary,b\n", "visitor_id=a", "line 3: the kind must be one of visitor_id,")
	check("another field", "csv", "url,canary\n", "", "line 1: the kind must be one of")
	check("an identifier", "csv", "visitor_id,can ary\n", "", "line 1: visitor_id: must be")
	check("what a client may send, and its maker would not write", "csv", "ga,GA1.3.amp-KxQ9_abc\n", "ga=3.amp-KxQ9_abc", "")
	check("an empty one", "csv", "visitor_id,\n", "", "line 1: the id is empty")
	check("quotes", "csv", "visitor_id,a\nvisitor_id,\"canary\n", "visitor_id=a", "line 2: is no CSV")

	check("objects", "jsonl", `{"kind":"visitor_id","id":"a"}`+"\n\n"+`{"id":"b","more":[1],"kind":"user_id"}`, two, "")
	check("an array", "jsonl", `["visitor_id","canary"]`, "", `line 1: must be an object such as`)
	check("no kind", "jsonl", "\n"+`{"id":"canary"}`, "", `line 2: must be an object`)
	check("a number", "jsonl", `{"kind":"user_id","id":17}`, "", `line 1: must be an object`)
	check("half", "jsonl", `{"kind":"user_id","id":"canary`, "", `line 1: must be an object`)
	check("long", "jsonl", `{"kind":"user_id","id":"`+strings.Repeat("canary", 1<<16)+`"}`, "", `line 1: is too long`)
}

// topic is a resets topic that fails when it is told to.
type topic struct {
	name   string
	got    []schemas.Reset
	failAt int // after so many
	during func()
}

var errAway = errors.New("Kafka is away")

func (k *topic) append(_ context.Context, resets []schemas.Reset) (int64, error) {
	if k.failAt > 0 && len(k.got) >= k.failAt {
		return 0, errAway
	}
	if k.during != nil {
		k.during()
	}
	k.got = append(k.got, resets...)
	return int64(100 + len(k.got) - len(resets)), nil
}

func run(t *testing.T, path string, k *topic) (Result, error) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	return Run(t.Context(), file, FormatOf(path), Options{
		Where: k.name, End: int64(100 + len(k.got)),
		Reset: func(f schemas.Field, normal string, at time.Time) schemas.Reset {
			return schemas.Reset{Field: f, Pseudonyms: []string{normal}, At: at}
		},
		Append: k.append, Progress: func(int, int) {},
	})
}

// batch is how many resets with one pseudonym are written at once.
var batch = (together + sizeOf(&schemas.Reset{Pseudonyms: []string{""}}) - 1) / sizeOf(&schemas.Reset{Pseudonyms: []string{""}})

// TestRun goes on where it was cut off, and leaves nothing behind.
func TestRun(t *testing.T) {
	for _, format := range []string{"csv", "jsonl"} {
		path := filepath.Join(t.TempDir(), "many."+format)
		var text strings.Builder
		if format == "csv" {
			text.WriteString("id,kind\n")
		}
		const n = 9000
		for i := range n {
			switch {
			case format == "csv":
				fmt.Fprintf(&text, "canary-%d,visitor_id\n", i)
			default:
				fmt.Fprintf(&text, `{"kind":"visitor_id","id":"canary-%d"}`+"\n", i)
			}
		}
		if err := os.WriteFile(path, []byte(text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		k := &topic{failAt: 2 * batch}
		if _, err := run(t, path, k); !errors.Is(err, errAway) || !strings.Contains(err.Error(), "of 9000 are reset; run the same again to go on") {
			t.Errorf("%s: %v", format, err)
		}
		note, err := os.ReadFile(path + noteSuffix)
		if err != nil || strings.Contains(string(note), "canary") {
			t.Errorf("%s: the note is %s, %v", format, note, err)
		}
		k.failAt = 3 * batch
		if _, err := run(t, path, k); !errors.Is(err, errAway) {
			t.Errorf("%s: %v", format, err)
		}
		k.failAt = 0
		r, err := run(t, path, k)
		line := 3 * batch
		if format == "csv" {
			line++
		}
		if err != nil || r != (Result{Resets: n, From: 100, To: 100 + n, Resumed: line}) {
			t.Errorf("%s: the result is %+v, %v", format, r, err)
		}
		if len(k.got) != n {
			t.Errorf("%s: %d resets were written", format, len(k.got))
		}
		for i, reset := range k.got {
			if reset.Pseudonyms[0] != fmt.Sprintf("canary-%d", i) {
				t.Fatalf("%s: reset %d is another", format, i)
			}
		}
		if _, err := os.Stat(path + noteSuffix); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the note is still there", format)
		}
		// Another file with the same name begins anew, and so does a bad note.
		for what, change := range map[string]func() error{
			"a changed file": func() error {
				return os.Chtimes(path, time.Time{}, time.Now().Add(time.Hour))
			},
			"a damaged note": func() error { return os.WriteFile(path+noteSuffix, []byte("{"), 0o600) },
			// What was reset elsewhere, or is there no more, is yet to be reset here. (The
			// beginning of the file was passed over.)
			"another deployment":   func() error { k.name, k.got = "another", nil; return nil },
			"resets that are lost": func() error { k.got = nil; return nil },
		} {
			k = &topic{failAt: batch}
			run(t, path, k)
			if err := change(); err != nil {
				t.Fatal(err)
			}
			k.failAt = 0
			if r, err := run(t, path, k); err != nil || r.Resets != n || r.Resumed != 0 {
				t.Errorf("%s: %s: %+v, %v", format, what, r, err)
			}
		}
	}
}

// TestRunAlone: a second run of a file that is under way is refused, and does not
// disturb the first. (Both noted their progress in the same file, until one failed.)
func TestRunAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "many.csv")
	if err := os.WriteFile(path, []byte(strings.Repeat("visitor_id,a\n", 2*batch)), 0o600); err != nil {
		t.Fatal(err)
	}
	k := new(topic)
	k.during = func() {
		k.during = nil
		if _, err := run(t, path, new(topic)); err == nil || !strings.Contains(err.Error(), "another process") {
			t.Errorf("a second run ended with %v", err)
		}
	}
	if r, err := run(t, path, k); err != nil || r.Resets != 2*batch {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestRunChecksFirst: of a file that is not as it must be nothing is reset.
func TestRunChecksFirst(t *testing.T) {
	path := filepath.Join(t.TempDir(), "many.csv")
	text := strings.Repeat("visitor_id,a\n", 3000) + strings.Repeat("canary,b\n", 50)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k := new(topic)
	_, err := run(t, path, k)
	if err == nil || len(k.got) > 0 || !strings.Contains(err.Error(), "nothing was reset") || !strings.Contains(err.Error(), "line 3010: ") ||
		strings.Contains(err.Error(), "line 3011: ") || strings.Contains(err.Error(), "canary") {
		t.Errorf("%d resets, %v", len(k.got), err)
	}
}

// FuzzSource: whatever a file has, it ends, no error repeats it, and from every
// place the rest is read as it would have been.
func FuzzSource(f *testing.F) {
	f.Add("kind,id\nvisitor_id,a\nuser_id,b\n", true)
	f.Add("visitor_id,\"a\"\r\n\nuser_id,b", true)
	f.Add("\xef\xbb\xbfkind,id\nvisitor_id,a\nuser_id,b\n", true)
	f.Add("{\"kind\":\"visitor_id\",\"id\":\"a\"}\n\n{\"kind\":\"user_id\",\"id\":\"b\"}", false)
	f.Fuzz(func(t *testing.T, text string, csv bool) {
		format := Formats[1]
		if csv {
			format = Formats[0]
		}
		rest := func(from Place) (found []Identifier, places []Place) {
			s, err := Open(strings.NewReader(text), format, from)
			if err != nil {
				t.Fatal(err)
			}
			for {
				i, err := s.Next()
				if err != nil {
					return found, places
				}
				found, places = append(found, i), append(places, s.Place())
			}
		}
		whole, places := rest(Place{})
		for n, place := range places {
			if after, _ := rest(place); fmt.Sprint(after) != fmt.Sprint(whole[n+1:]) {
				t.Fatalf("after %d of %d (%+v): got %v, want %v", n+1, len(whole), place, after, whole[n+1:])
			}
		}
	})
}
