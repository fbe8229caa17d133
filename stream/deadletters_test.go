package stream

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/schemas"
)

func letter(offset int64) schemas.DeadLetter {
	return schemas.DeadLetter{
		Topic: "sekisho.events", Partition: 1, Offset: offset, Recipient: "store", Reason: schemas.DeadRefused,
		Kind: schemas.KindEvent, Site: "shop", Value: []byte(`{"schema":1}`),
	}
}

// lettersOf lists what Each gives: offsets, and what became of the letters.
func lettersOf(t *testing.T, d *DeadLetters) (list []schemas.DeadLetter) {
	t.Helper()
	err := d.Each(t.Context(), func(l *schemas.DeadLetter) error {
		list = append(list, *l)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestDeadLetters(t *testing.T) {
	cluster := open(t, testConfig(startBroker(t)))
	set := metrics.NewSet()
	d := NewDeadLetters(cluster, set)
	d.Expect("store", []string{"shop", "news"})
	if list := lettersOf(t, d); len(list) != 0 {
		t.Fatalf("a new topic has %v", list)
	}
	old := letter(3)
	old.At = time.Now().Add(-2 * time.Hour)
	old.Expires = old.At.Add(time.Hour)
	done := letter(1)
	done.Settled, done.Value = schemas.Redriven, nil
	again := letter(5) // fails again after it was driven
	driven := again
	driven.Settled = schemas.Redriven
	for _, letters := range [][]schemas.DeadLetter{{letter(1), letter(2), old, again}, {done, driven}, {letter(2), letter(4), again}, {}} {
		if err := d.Append(t.Context(), letters...); err != nil {
			t.Fatal(err)
		}
	}
	list := lettersOf(t, d)
	if len(list) != 4 || list[0].Offset != 1 || list[1].Offset != 2 || list[2].Offset != 5 || list[3].Offset != 4 {
		t.Fatalf("got %+v", list)
	}
	if list[0].Settled != schemas.Redriven || list[1].Settled != schemas.Unsettled || list[2].Settled != schemas.Unsettled || string(list[0].Value) != `{"schema":1}` {
		t.Errorf("got %+v", list)
	}
	if kept := list[1].Expires.Sub(list[1].At); kept != cluster.config.Retention {
		t.Errorf("a letter is kept for %s", kept)
	}
	var text bytes.Buffer
	set.WritePrometheus(&text)
	for _, want := range []string{
		`sekisho_dead_letters_total{recipient="store",site="shop",reason="refused"} 7`,
		`sekisho_dead_letters_total{recipient="store",site="news",reason="refused"} 0`,
		`sekisho_dead_letters_total{recipient="store",site="",reason="undecodable"} 0`,
		`sekisho_dead_letters_settled_total{recipient="store",settled="redriven"} 2`,
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("want %s in\n%s", want, &text)
		}
	}
}

// A message that is no letter keeps nobody from those that are, and is told of once.
func TestWhatIsNoLetter(t *testing.T) {
	cluster := open(t, testConfig(startBroker(t)))
	var told bytes.Buffer
	d := NewDeadLetters(cluster, nil)
	d.Log = slog.New(slog.NewTextHandler(&told, nil))
	if err := d.Append(t.Context(), letter(1)); err != nil {
		t.Fatal(err)
	}
	junk := []Entry{{Time: time.Now(), Value: []byte("junk")}, {Time: time.Now(), Value: []byte(`{"schema":99}`)}, {Time: time.Now()}}
	if _, err := cluster.Append(t.Context(), cluster.config.Topics.DeadLetters, 0, junk); err != nil {
		t.Fatal(err)
	}
	if err := d.Append(t.Context(), letter(2)); err != nil {
		t.Fatal(err)
	}
	if list := lettersOf(t, d); len(list) != 2 || list[0].Offset != 1 || list[1].Offset != 2 {
		t.Errorf("got %+v", list)
	}
	if n := strings.Count(told.String(), "passed over"); n != len(junk) {
		t.Errorf("told of %d messages, want %d:\n%s", n, len(junk), &told)
	}
}

// Many letters are appended in batches that a broker takes.
func TestManyDeadLetters(t *testing.T) {
	d := NewDeadLetters(open(t, testConfig(startBroker(t))), nil)
	var letters []schemas.DeadLetter
	for i := range 40 {
		l := letter(int64(i))
		l.Value = []byte(`{"schema":1,"title":"` + strings.Repeat("x", 100<<10) + `"}`)
		letters = append(letters, l)
	}
	if err := d.Append(t.Context(), letters...); err != nil {
		t.Fatal(err)
	}
	if list := lettersOf(t, d); len(list) != len(letters) {
		t.Errorf("%d letters, want %d", len(list), len(letters))
	}
	enough := errors.New("enough")
	if err := d.Each(t.Context(), func(*schemas.DeadLetter) error { return enough }); !errors.Is(err, enough) {
		t.Errorf("got %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := d.Each(ended, func(*schemas.DeadLetter) error { return nil }); err == nil {
		t.Error("it reads on after its context ended")
	}
}
