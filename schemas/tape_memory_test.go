package schemas

import (
	"runtime"
	"strings"
	"testing"
)

// Texts with escapes take no more than the body does, whichever of them are held.
func TestEscapedTextsAreBounded(t *testing.T) {
	event := `{"site":"shop","type":"pageview","url":"https://a.example/` + strings.Repeat("x", 4000) + `\u0041","id":"\u0030190163d-8694-739b-aea5-966c26f8ad91"}`
	body := []byte("[" + strings.Repeat(event+",", MaxBatch-1) + event + "]")
	held := func() int64 {
		runtime.GC()
		runtime.GC() // empties the pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	var d Decoder
	var e Event
	before := held()
	n, err := d.Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, 0, n)
	for i := range n {
		if problem := d.Event(i, &e); problem != nil {
			t.Fatal(problem)
		}
		ids = append(ids, e.Get(ID))
	}
	if took := held() - before; took > int64(2*len(body)) {
		t.Errorf("texts of a body of %d bytes hold %d", len(body), took)
	}
	runtime.KeepAlive(ids)
	runtime.KeepAlive(&d)
}
