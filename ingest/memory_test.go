package ingest

import (
	"runtime"
	"strings"
	"testing"

	"sekisho/schemas"
)

// TestMemoryIsEstimatedFromAbove: what a request takes from the budget is at
// least what it takes from the heap, however its body is made to cost most.
func TestMemoryIsEstimatedFromAbove(t *testing.T) {
	r := start(t)
	r.collector.events = null{}
	heap := func() int64 {
		runtime.GC()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	check := func(what, text string, agent int) {
		t.Helper()
		s := new(session)
		s.table, s.agent = r.enforcer.Table(), strings.Repeat("a", agent)
		before := heap()
		body := append(make([]byte, 0, len(text)), text...)
		s.body = body
		if !s.fits(&r.collector.memory, body) {
			t.Fatalf("%s: it does not fit", what)
		}
		s.events, _ = s.decoder.Parse(body)
		if !s.fitsEvents(&r.collector.memory, body) {
			t.Fatalf("%s: it does not fit", what)
		}
		takeBody(nil, r.collector, s)
		s.outgoing()
		took := heap() - before
		t.Logf("%s: %d KiB of body take %d KiB of %d KiB", what, len(body)>>10, took>>10, s.held>>10)
		if took > s.held+64<<10 {
			t.Errorf("%s: that is too much", what)
		}
		if kept := s.retained(); kept > reusable/2 && kept < took/8 {
			t.Errorf("%s: %d KiB are said to be kept", what, kept>>10)
		}
		runtime.KeepAlive(s)
		r.collector.memory.give(s.held)
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
