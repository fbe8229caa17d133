package stream

import (
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
)

// TestReporter: what compaction took off the topic is reported too, by whoever goes
// on, once all is carried out that was there then, and in the state of what is least
// far of that. (A ticket stayed open when its reset was gone before the first message
// of a run.)
func TestReporter(t *testing.T) {
	t.Parallel()
	cluster := open(t, testConfig(startBroker(t)))
	begun := time.Now()
	reporter := func() *Reporter {
		t.Helper()
		r, err := NewReporter(t.Context(), cluster, "google")
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	// tell reports messages, each a letter for its state at its offset, " " where
	// there is none.
	letters := map[rune]schemas.ProgressState{'a': schemas.Asked, 'd': schemas.Done, 'u': schemas.Unsupported, 'f': schemas.Failed}
	tell := func(r *Reporter, first, end int64, run string) {
		t.Helper()
		var messages []kafka.Message
		var states []schemas.ProgressState
		for i, letter := range run {
			if letter != ' ' {
				messages = append(messages, kafka.Message{Offset: first + int64(i), HighWaterMark: end})
				states = append(states, letters[letter])
			}
		}
		if err := r.Tell(t.Context(), messages, states); err != nil {
			t.Fatal(err)
		}
	}
	check := func(want string) {
		t.Helper()
		p := NewProgress(cluster)
		if err := p.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		got := ""
		for i := range want {
			state, _, ok := p.Of("google", int64(i), int64(i)+1, begun)
			if !ok {
				got += "."
				continue
			}
			got += state.String()[:1]
		}
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
	r := reporter()
	tell(r, 2, 10, "dd") // 0 and 1 are gone
	check("..dd......")
	tell(r, 4, 10, "f u") // so is 5
	check("..ddf.u...")
	tell(r, 7, 11, "d") // something came
	check("..ddf.ud...")
	tell(reporter(), 8, 11, "u d") // another goes on, with what was the end
	check("uuddfuuduud")
	r = reporter()
	tell(r, 11, 13, "aa")
	check("uuddfuuduudaa")
	tell(r, 12, 13, "d") // handed out again
	check("uuddfuuduudad")
	tell(r, 14, 16, "d")
	check("uuddfuuduudad.d.")
	tell(reporter(), 15, 16, "f")
	check("uuddfuuduudadfdf")

	// The topic is made anew, and its reports are kept.
	begun = time.Now().Add(maxSkew + time.Millisecond)
	check("................")
	begun = time.Now()
	tell(reporter(), 1, 2, "f")
	check("ff")
}

// TestReporterBehind: what is reported of a reset counts for its ticket, though the clock
// of who made it is ahead of the reporter's. (The ticket stayed open for ever.)
func TestReporterBehind(t *testing.T) {
	t.Parallel()
	cluster := open(t, testConfig(startBroker(t)))
	r, err := NewReporter(t.Context(), cluster, "google")
	if err != nil {
		t.Fatal(err)
	}
	ahead := time.Now().Add(10 * time.Minute)
	messages := []kafka.Message{{Offset: 0, Time: time.Now()}, {Offset: 1, Time: ahead}, {Offset: 2, Time: time.Now(), HighWaterMark: 3}}
	if err := r.Held(t.Context(), messages, "for now"); err != nil {
		t.Fatal(err)
	}
	if err := r.Tell(t.Context(), messages, []schemas.ProgressState{schemas.Done, schemas.Done, schemas.Done}); err != nil {
		t.Fatal(err)
	}
	p := NewProgress(cluster)
	if err := p.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if state, _, ok := p.Of("google", 0, 3, messages[0].Time); !ok || state != schemas.Done {
		t.Errorf("of all: %v, %v", state, ok)
	}
	if state, _, ok := p.Of("google", 1, 2, ahead); !ok || state != schemas.Done {
		t.Errorf("of the one that is ahead: %v, %v", state, ok)
	}
	if _, _, ok := p.Of("google", 0, 1, ahead); ok {
		t.Error("a report counts for a reset that was accepted after it")
	}
}
