package enforcer

import (
	"encoding/binary"
	"encoding/json"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"sekisho/schemas"
)

// tenMillion returns a registry of 10 million resets, made once.
var tenMillion = sync.OnceValue(func() *Resets {
	resets := newResets(new(testing.B))
	at := time.Now()
	var reset schemas.Reset
	reset.At = at
	for i := range uint64(10_000_000) {
		// Spread as hashes are.
		binary.LittleEndian.PutUint64(reset.Hash[:8], i*0x9e3779b97f4a7c15)
		binary.LittleEndian.PutUint64(reset.Hash[8:], i*0xc2b2ae3d27d4eb4f+1)
		resets.Put(&reset)
	}
	return resets
})

// vectors returns the official TC strings by name.
func vectors(b testing.TB) map[string]string {
	b.Helper()
	text, err := os.ReadFile("tcf/testdata/tc.json")
	if err != nil {
		b.Fatal(err)
	}
	var file struct {
		Vectors []struct {
			Name     string `json:"name"`
			TCString string `json:"tcString"`
		} `json:"vectors"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		b.Fatal(err)
	}
	byName := make(map[string]string)
	for _, v := range file.Vectors {
		byName[v.Name] = v.TCString
	}
	return byName
}

// BenchmarkDecide is the whole decision about a typical page view, with 10
// million resets loaded. The baseline is looking up the site. A string seen
// before is one that the processor has in its caches; nothing is kept of it.
func BenchmarkDecide(b *testing.B) {
	table := exampleTable(b)
	resets := tenMillion()
	tc := vectors(b)
	now := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	event := func(consent string) *schemas.Event {
		return decode(b, `{"type":"pageview","site":"shop","url":"https://shop.example.jp/tea?page=2","title":"Sencha","country":"DE",
			"visitor_id":"aW52ZW50ZWQtaWQtZm9yLWE","user_agent":"Mozilla/5.0 Chrome/126.0"`+consent+`}`)
	}
	// The registry is asked about one of many visitors, so that what it holds of
	// them is not in the processor's caches.
	visitors := make([]string, 1<<16)
	for i := range visitors {
		visitors[i] = "visitor-" + strconv.Itoa(i)
	}
	run := func(name string, e *schemas.Event, requests ...Request) {
		b.Run(name, func(b *testing.B) {
			var v Verdict
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				e.Set(schemas.VisitorID, visitors[i%len(visitors)])
				table.Decide(table.Site(e.Get(schemas.Site)), e, &requests[i%len(requests)], resets, &v)
				if v.Reason == schemas.ReasonMalformedConsent {
					b.Fatal("a string is malformed")
				}
			}
		})
	}
	b.Run("baseline", func(b *testing.B) {
		e := event("")
		b.ReportAllocs()
		for b.Loop() {
			if table.Site(e.Get(schemas.Site)) == nil {
				b.Fatal("no site")
			}
		}
	})
	with := func(strings ...string) (requests []Request) {
		for _, s := range strings {
			requests = append(requests, Request{Now: now, Signals: schemas.Signals{TCF: s}})
		}
		return requests
	}
	run("no signal", event(""), Request{Now: now})
	run("consent object", event(`,"consent":{"analytics":true,"advertising":false}`), Request{Now: now})
	run("TC string seen before", event(""), with(tc["real_gvl_accept_all"])...)
	run("TC string new", event(""), with(choicesOfVendors(tc["real_gvl_accept_all"], 1<<14)...)...)
}

// choicesOfVendors returns strings that differ in the vendors that were agreed
// to. Their bits begin with the 40th character.
func choicesOfVendors(s string, n int) (list []string) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	random := rand.New(rand.NewPCG(1, 2))
	text := []byte(s)
	for range n {
		for i := 40; i < 140; i++ {
			text[i] = alphabet[random.IntN(len(alphabet))]
		}
		list = append(list, string(text))
	}
	return list
}

// BenchmarkRecord is writing what was let through, as JSON.
func BenchmarkRecord(b *testing.B) {
	table, keys := exampleTable(b), newKeys(b)
	for _, consent := range []string{"true", "false"} {
		e := decode(b, `{"type":"pageview","site":"shop","url":"https://shop.example.jp/tea?page=2","title":"Sencha","country":"JP",
			"visitor_id":"aW52ZW50ZWQtaWQtZm9yLWE","user_agent":"Mozilla/5.0 Chrome/126.0","consent":{"analytics":`+consent+`}}`)
		var v Verdict
		var p Projector
		table.Decide(table.Site("shop"), e, &Request{}, nil, &v)
		b.Run(v.Outcome.String(), func(b *testing.B) {
			var out []byte
			b.ReportAllocs()
			for range b.N {
				out = p.Record(keys, e, &v, v.Outcome).AppendJSON(out[:0])
			}
		})
	}
}
