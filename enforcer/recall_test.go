package enforcer

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"sekisho/enforcer/registry"
	"sekisho/schemas"
)

// TestRemember: who remembers writes what others write, whatever the order of
// visitors, pages, keys and registries, and forgets them all.
func TestRemember(t *testing.T) {
	table, random := exampleTable(t), rand.New(rand.NewPCG(1, 2))
	other, err := NewKeys("k2", []byte(strings.Repeat("q", MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	hasher, err := registry.NewHasher([]byte(strings.Repeat("h", registry.MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	keys, registries := []*Keys{newKeys(t), other}, []*Resets{newResets(t), NewResets(hasher), nil}
	pick := func(list ...string) string { return list[random.IntN(len(list))] }
	var v Verdict
	var p Projector
	v.Remember()
	p.Remember()
	k, resets := keys[0], registries[0]
	for range 2000 {
		if random.IntN(20) == 0 {
			k, resets = keys[random.IntN(len(keys))], registries[random.IntN(len(registries))]
		}
		e := decode(t, fmt.Sprintf(`{"type":"%s","site":"shop","name":"buy","country":"%s","url":"https://shop.example.jp/%s","title":"%s","user_agent":"%s",
			"visitor_id":"raw-visitor-%s","ga":"1234567890.%s","fbp":"fb.1.1596403881668.%s","gaid":"%s","idfa":"%s","consent":{"analytics":%s,"advertising":%s}}`,
			pick("conversion", "pageview"), pick("JP", "DE"), pick("a-page-of-the-shop", "another-page-of-the-shop", "thanks?mail=taro@example.com&from=the-page-before", "a-page-that-is-advertised?gclid=abc"),
			pick("A title that is long enough to be remembered", "Another title that is long enough to be, too", "Of suzuki.ichiro@example.com, whose title it is"),
			pick("Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0.0.0 Safari/537.36", "Mozilla/5.0 (X11; Linux x86_64) at 192.0.2.17, which is an address"),
			pick("a", "b", strings.Repeat("c", 100)), pick("1700000001", "1700000002"), pick("1116446470", "1116446471"),
			pick("6d92078a-8246-4ba4-ae5b-76104861e7dc", "00000000-0000-0000-0000-000000000000"), pick("6d92078a-8246-4ba4-ae5b-76104861e7dc", "ea7583cd-a667-48bc-b806-42ecb2b48606"),
			pick("true", "false"), pick("true", "false")))
		var fresh Verdict
		request := Request{Now: time.Now()}
		table.Decide(table.Site("shop"), e, &request, resets, &fresh)
		table.Decide(table.Site("shop"), e, &request, resets, &v)
		if !slices.Equal(v.Hashes, fresh.Hashes) || v.Outcome != fresh.Outcome {
			t.Fatalf("hashes %x, want %x", v.Hashes, fresh.Hashes)
		}
		for _, form := range []schemas.Outcome{schemas.Allowed, schemas.Anonymised} {
			var once Projector
			before := p.Masked
			want, got := once.Record(k, e, &fresh, form), p.Record(k, e, &v, form)
			if want == nil || got == nil {
				if want != got {
					t.Fatalf("got %v, want %v", got, want)
				}
				continue
			}
			if want, got := want.AppendJSON(nil), got.AppendJSON(nil); !bytes.Equal(want, got) {
				t.Fatalf("got  %s\nwant %s", got, want)
			}
			for kind := range before {
				if p.Masked[kind]-before[kind] != once.Masked[kind] {
					t.Fatalf("masked %v, want %v more than %v", p.Masked, once.Masked, before)
				}
			}
		}
	}
	v.Forget()
	p.Forget()
	for _, r := range []*recall{&v.recall, &p.recall} {
		entries := r.entries[:cap(r.entries)]
		if len(entries) < 4 {
			t.Errorf("only %d texts were remembered", len(entries))
		}
		for _, e := range entries {
			for _, b := range [][]byte{e.text[:cap(e.text)], e.made[:cap(e.made)]} {
				if len(bytes.Trim(b, "\x00")) > 0 {
					t.Errorf("%s is still known: %q", e.field, b)
				}
			}
		}
	}
}
