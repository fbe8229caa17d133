package ingest

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"sekisho/schemas"
)

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestMemoryIsEstimatedFromAbove: what a request takes from the budget is at
// least what it takes from the heap, however its body is made to cost most.
func TestMemoryIsEstimatedFromAbove(t *testing.T) {
	c := alone(t)
	check := func(what, text string, agent int) {
		t.Helper()
		s := new(session)
		s.now, s.table, s.agent = time.Now(), c.enforcer.Table(), strings.Repeat("a", agent)
		before := heapInUse()
		body := append(make([]byte, 0, len(text)), text...)
		s.body = body
		if !s.fits(&c.memory, body) {
			t.Fatalf("%s: it does not fit", what)
		}
		s.events, _ = s.decoder.Parse(body)
		if !s.fitsEvents(&c.memory, body) {
			t.Fatalf("%s: it does not fit", what)
		}
		takeBody(nil, c, s)
		s.outgoing()
		took := heapInUse() - before
		t.Logf("%s: %d KiB of body take %d KiB of %d KiB", what, len(body)>>10, took>>10, s.held>>10)
		if took > s.held+64<<10 {
			t.Errorf("%s: that is too much", what)
		}
		if kept := s.retained(); kept > reusable/2 && kept < took/8 {
			t.Errorf("%s: %d KiB are said to be kept", what, kept>>10)
		}
		runtime.KeepAlive(s)
		c.memory.give(s.held)
	}
	many := func(n int, text string) string { return "[" + strings.Repeat(text+",", n-1) + text + "]" }
	check("typical events", many(1000, typical()), 120)
	check("one of them", typical(), 120)
	check("small events under a long user agent", many(1000, page("")), 1024)
	check("numbers", "["+strings.Repeat("0,", 130_000)+"0]", 0)
	check("empty objects", many(1000, "{}"), 0)
	check("keys", page(strings.Repeat(`"":0,`, 100_000)+`"":0`), 0)
	check("nested arrays", "["+strings.Repeat("[[[[[[]]]]]],", 10_000)+"0]", 0)
	check("escapes", page(`"title":"`+strings.Repeat(`\n`, 500_000)+`"`), 0)
	check("halves of surrogate pairs", page(`"title":"`+strings.Repeat(`\ud800`, 150_000)+`"`), 0)
	check("properties", many(100, page(`"properties":{"`+strings.Repeat("x", 60)+`":1`+strings.Repeat(`,"a":2`, 60)+`}`)), 0)
	check("a largest event", largest(`"properties":{}`), schemas.MaxPropertyText)
}

// TestWhatIsRememberedCounts: what a session has kept of its largest request has a
// place in what it is said to keep, and of a small one takes little.
func TestWhatIsRememberedCounts(t *testing.T) {
	c := alone(t)
	check := func(what, event string, most int64) {
		t.Helper()
		const sessions = 64
		kept := make([]session, sessions)
		said := int64(0)
		before := heapInUse()
		for i := range kept {
			s := new(session)
			s.now, s.table = time.Now(), c.enforcer.Table()
			body := []byte("[" + event + "," + event + "]")
			if !s.fits(&c.memory, body) {
				t.Fatal("it does not fit")
			}
			s.events, _ = s.decoder.Parse(body)
			if !s.fitsEvents(&c.memory, body) {
				t.Fatal("it does not fit")
			}
			takeBody(nil, c, s)
			if s.rejected > 0 {
				t.Fatalf("%s: %+v", what, s.results[0].invalid)
			}
			c.memory.give(s.held)
			said = s.recalled
			kept[i].verdict, kept[i].project = s.verdict, s.project // and no more
		}
		took := (heapInUse() - before) / sessions
		t.Logf("%s: %d KiB are kept, and %d KiB said to be", what, took>>10, said>>10)
		if took > said || said > most {
			t.Errorf("%s: %d bytes are kept, and %d said to be, of at most %d", what, took, said, most)
		}
		runtime.KeepAlive(kept)
	}
	check("a small event", page(yes+`,"user_id":"u"`), 16<<10)
	check("a typical event", typical(), 24<<10)
	var fields []string
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		switch d := f.Definition(); d.Kind {
		case schemas.KindText:
			fields = append(fields, fmt.Sprintf("%q:%q", f, strings.Repeat("ab cd ", 64)[:min(int(d.Max), 256)]))
		case schemas.KindIdentifier:
			fields = append(fields, fmt.Sprintf("%q:%q", f, strings.Repeat("i", min(int(d.Max), 256))))
		}
	}
	check("the most that is remembered", `{"type":"pageview","site":"travel","url":"https://travel.example.com/`+strings.Repeat("a", 200)+`",`+yes+","+strings.Join(fields, ",")+`}`, mostRecalled)
}
