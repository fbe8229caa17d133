package stream

import (
	"errors"
	"testing"

	"sekisho/schemas"
)

// TestResume: who has all up to a mark reads only what is newer, and is ready
// no sooner than it has that.
func TestResume(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	first := follow(t, cluster)
	for n := byte(1); n <= 20; n++ {
		appendResets(t, first.Resets, n)
	}
	wait(t, "it has all", func() bool { return first.Applied() == 20 })
	mark := first.Mark()
	if mark.Next != 20 || len(mark.Signs) != signs {
		t.Fatalf("the mark is %+v", mark)
	}
	appendResets(t, first.Resets, 21, 22)

	check := func(what string, m Mark, want error, ahead ...byte) *follower {
		t.Helper()
		f := prepare(t, cluster)
		if err := f.Resume(t.Context(), m); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", what, err, want)
		}
		f.begin(t)
		wait(t, what+": it is ready", f.ready)
		if seen := f.all(); !f.has(ahead...) || len(seen) != len(ahead) {
			t.Errorf("%s: it read %v, want %v", what, seen, ahead)
		}
		return f
	}
	all := []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22}
	resumed := check("a good mark", mark, nil, 21, 22)
	if again := resumed.Mark(); again.Next != 22 || len(again.Signs) != signs || again.Signs[0].Offset != 14 {
		t.Errorf("the next mark is %+v", again)
	}
	change := func(do func(*Mark)) Mark {
		m := mark
		m.Signs = append([]Sign(nil), mark.Signs...)
		do(&m)
		return m
	}
	check("of another topic", change(func(m *Mark) { m.Topic = "other" }), ErrForeign, all...)
	check("of another cluster", change(func(m *Mark) { m.Cluster = "other" }), ErrForeign, all...)
	check("beyond the end", change(func(m *Mark) { m.Next = 23 }), ErrForeign, all...)
	check("without signs", change(func(m *Mark) { m.Signs = nil }), ErrForeign, all...)
	check("with another message", change(func(m *Mark) { m.Signs[3].Digest = m.Signs[2].Digest }), ErrForeign, all...)

	check("with nothing to know it by", change(func(m *Mark) { m.Signs = []Sign{{Offset: m.Next, Digest: m.Signs[0].Digest}} }), ErrForeign, all...)

	// What compaction has taken is no proof against it.
	for _, n := range []byte{1, 13, 14, 15, 16, 17, 18, 19} {
		appendResets(t, first.Resets, n)
	}
	if err := b.Compact(cluster.config.Topics.Resets); err != nil {
		t.Fatal(err)
	}
	check("compacted", mark, nil, 21, 22, 1, 13, 14, 15, 16, 17, 18, 19)
}

// TestResumeNeedsTheTopic: a topic that was made anew is another one, however
// long it is.
func TestResumeNeedsTheTopic(t *testing.T) {
	t.Parallel()
	b := startBroker(t)
	cluster := open(t, testConfig(b))
	f := follow(t, cluster)
	appendResets(t, f.Resets, 1, 2, 3)
	wait(t, "it has all", func() bool { return f.Applied() == 3 })
	mark := f.Mark()
	f.stop()
	if err := b.DeleteTopic(cluster.config.Topics.Resets); err != nil {
		t.Fatal(err)
	}
	if _, err := cluster.EnsureTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := NewResets(cluster, func(*schemas.Reset) {}, discard())
	appendResets(t, r, 4, 5, 6, 7, 8)
	if err := r.Resume(t.Context(), mark); !errors.Is(err, ErrForeign) {
		t.Errorf("got %v", err)
	}
}
