package identifiers

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// labelled is one case of testdata/corpus.jsonl. Cases marked holdout were
// written before the matchers and not looked at while these were tuned.
type labelled struct {
	Set   string   `json:"set"`   // tune or holdout
	Field string   `json:"field"` // text or url
	In    string   `json:"in"`
	Kinds []string `json:"kinds"` // of the identifiers it holds, in order
	Want  string   `json:"want"`  // masked; absent when nothing is to be
}

func (l *labelled) masked() (string, Counts) {
	mask := MaskText
	if l.Field == "url" {
		mask = MaskURL
	}
	var c Counts
	out, changed := mask(nil, l.In, &c)
	if !changed {
		return l.In, c
	}
	return string(out), c
}

func readCorpus(t testing.TB) (corpus []labelled) {
	file, err := os.Open("testdata/corpus.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for lines := bufio.NewScanner(file); lines.Scan(); {
		var l labelled
		if err := json.Unmarshal(lines.Bytes(), &l); err != nil {
			t.Fatalf("case %d: %v", len(corpus)+1, err)
		}
		corpus = append(corpus, l)
	}
	return corpus
}

// score counts identifiers found, found for nothing, and missed.
type score struct{ right, wrong, missed int }

func ratio(n, of int) float64 {
	if of == 0 {
		return 1
	}
	return float64(n) / float64(of)
}

func (s score) precision() float64 { return ratio(s.right, s.right+s.wrong) }
func (s score) recall() float64    { return ratio(s.right, s.right+s.missed) }

func (s *score) add(want, got int) {
	s.right += min(want, got)
	s.wrong += max(0, got-want)
	s.missed += max(0, want-got)
}

// result sums up a set of cases.
type result struct {
	kinds            [NumKinds + 1]score // the last: all
	cases, clean     int
	exact, falseHits int
}

func (r *result) add(want, got Counts, exact bool) {
	r.cases++
	if exact {
		r.exact++
	}
	if want.Total() == 0 {
		r.clean++
		if got.Total() > 0 {
			r.falseHits++
		}
	}
	for k := range want {
		r.kinds[k].add(int(want[k]), int(got[k]))
		r.kinds[NumKinds].add(int(want[k]), int(got[k]))
	}
}

func (r *result) String() string {
	var table strings.Builder
	fmt.Fprintf(&table, "%d cases, %d masked exactly as labelled; %d without identifiers, %d false hits\n",
		r.cases, r.exact, r.clean, r.falseHits)
	for k, s := range r.kinds {
		name := "all kinds"
		if k < NumKinds {
			name = Kind(k).String()
		}
		fmt.Fprintf(&table, "  %-10s %4d right %3d wrong %3d missed   precision %.3f recall %.3f\n",
			name, s.right, s.wrong, s.missed, s.precision(), s.recall())
	}
	return table.String()
}

// TestCorpus measures precision and recall by kind; -v prints them.
func TestCorpus(t *testing.T) {
	results := map[string]*result{"tune": {}, "holdout": {}, "all": {}}
	for _, l := range readCorpus(t) {
		got, counts := l.masked()
		want := l.Want
		if len(l.Kinds) == 0 {
			want = l.In
		}
		if got != want {
			t.Logf("%s %s: masked\n  %q\nas%q\nnot %q", l.Set, l.Field, l.In, got, want)
		}
		var expected Counts
		for _, name := range l.Kinds {
			for k := range Kind(NumKinds) {
				if k.String() == name {
					expected[k]++
				}
			}
		}
		results[l.Set].add(expected, counts, got == want)
		results["all"].add(expected, counts, got == want)
	}
	for _, set := range []string{"tune", "holdout", "all"} {
		t.Logf("%s: %v", set, results[set])
	}

	all := results["all"]
	if all.cases < 600 || all.clean*2 < all.cases || results["holdout"].cases < 150 {
		t.Errorf("the corpus has %d cases, %d without identifiers, %d held out", all.cases, all.clean, results["holdout"].cases)
	}
	for set, r := range results {
		if total := r.kinds[NumKinds]; total.precision() < 0.99 || total.recall() < 0.99 {
			t.Errorf("%s: precision %.3f and recall %.3f; want 0.99 at least", set, total.precision(), total.recall())
		}
		if ratio(r.exact, r.cases) < 0.99 {
			t.Errorf("%s: %d of %d cases masked exactly as labelled; want 0.99 at least", set, r.exact, r.cases)
		}
		if r.falseHits*100 > r.clean {
			t.Errorf("%s: %d false hits in %d cases without identifiers; want 0.01 at most", set, r.falseHits, r.clean)
		}
	}
	for k, s := range all.kinds {
		if s.precision() < 0.95 || s.recall() < 0.95 {
			t.Errorf("%v: precision %.3f and recall %.3f; want 0.95 at least", Kind(k), s.precision(), s.recall())
		}
	}
}
