package replay_test

import (
	"fmt"
	"testing"
	"time"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
	"sekisho/sinks/replay"
	"sekisho/stream"
)

// redrive drives all letters and returns how many had which fate.
func (w *world) redrive(t *testing.T, dry bool) (fates [replay.NumFates]int) {
	t.Helper()
	d := replay.Redrive{
		Cluster: w.cluster, Letters: w.letters, DryRun: dry, Reviewer: w.reviewer(),
		Select: func(*schemas.DeadLetter) bool { return true },
		Report: func(_ *schemas.DeadLetter, f replay.Fate) { fates[f]++ },
	}
	if err := d.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	return fates
}

func TestRedrive(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.execute(t, "ALTER TABLE "+w.store.Table("events")+" ADD CONSTRAINT wholesome CHECK title != 'poison'")
	w.startSink(t)
	var records []*schemas.Record
	for i := range 20 {
		r := w.visit(t, i, when.Add(time.Duration(i)*time.Minute))
		if i%5 == 0 {
			r.Event.Set(schemas.Title, "poison")
		}
		records = append(records, r)
	}
	w.send(t, records...)
	eventually(t, "20 records to be stored or buried", func() bool { return w.rows(t)+uint64(len(w.open(t))) == 20 })
	if n := len(w.open(t)); n != 4 {
		t.Fatalf("%d letters, want 4", n)
	}

	// Nothing is written by trying.
	if fates := w.redrive(t, true); fates[replay.Redriven] != 4 || len(w.open(t)) != 4 {
		t.Errorf("got %v and %d letters", fates, len(w.open(t)))
	}
	// ClickHouse still refuses: new letters take the place of the old.
	if fates := w.redrive(t, false); fates[replay.Redriven] != 4 {
		t.Errorf("got %v", fates)
	}
	eventually(t, "4 new letters", func() bool { return len(w.open(t)) == 4 })

	// A visitor resets meanwhile: his record is not driven.
	w.execute(t, "ALTER TABLE "+w.store.Table("events")+" DROP CONSTRAINT wholesome")
	w.reset(t, 5)
	if fates := w.redrive(t, false); fates[replay.Redriven] != 3 || fates[replay.Withdrawn] != 1 {
		t.Errorf("got %v", fates)
	}
	eventually(t, "the records to be stored", func() bool { return w.rows(t) == 19 })
	if n := w.ask(t, "SELECT count() FROM "+w.store.Table("events")+" WHERE visitor_id = '"+w.pseudonym(5)+"'"); n != 0 {
		t.Errorf("%d rows of a visitor who reset", n)
	}
	if n := w.ask(t, "SELECT sum(received) FROM "+w.store.Table("accounts")); n != 20 {
		t.Errorf("%d events are accounted for, want 20", n)
	}
	if fates := w.redrive(t, false); fates != [replay.NumFates]int{} {
		t.Errorf("settled letters are driven again: %v", fates)
	}
}

// What is driven for the store is not given to anybody else once more.
func TestRedriveIsForOneRecipient(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.visit(t, 1, when)
	for _, recipient := range []string{"google", "meta"} {
		letter := schemas.DeadLetter{Topic: "e", Recipient: recipient, Reason: schemas.DeadRefused, Value: r.AppendJSON(nil)}
		letter.Describe(r)
		if err := w.letters.Append(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
	}
	// Meta was never granted it.
	if fates := w.redrive(t, false); fates[replay.Redriven] != 1 || fates[replay.Withdrawn] != 1 {
		t.Errorf("got %v", fates)
	}
	var got []schemas.Record
	for _, m := range w.topic(t, w.cluster.Config().Topics.Events) {
		if string(stream.HeaderOf(m.Headers, schemas.HeaderKind)) != schemas.KindEvent {
			t.Fatalf("a message of kind %s", stream.HeaderOf(m.Headers, schemas.HeaderKind))
		}
		got = append(got, decoded(t, m.Value))
	}
	if len(got) != 1 || len(got[0].Grants) != 1 || got[0].Grants[0].Recipient != "google" {
		t.Fatalf("got %+v", got)
	}
	if fields := got[0].Event.Fields; !fields.Has(schemas.VisitorID) || fields.Has(schemas.Title) {
		t.Errorf("the fields are %v", got[0].Event.Fields)
	}
}

// Of what cannot be read only the place is kept, and it is read there.
func TestRedriveOfWhatCouldNotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	events := w.cluster.Config().Topics.Events
	good, account := w.visit(t, 1, when), schemas.Account{{Minute: schemas.MinuteOf(when), Site: "shop", Outcome: schemas.Allowed}: 3}
	put := func(kind, value string) int64 {
		at, err := w.cluster.Append(t.Context(), events, 0, []stream.Entry{{Value: []byte(value), Headers: headers(kind)}})
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	offsets := []int64{
		put(schemas.KindEvent, string(good.AppendJSON(nil))), // as if by a program that knows more
		put(schemas.KindEvent, "no record"),
		put(schemas.KindAccount, string(account.AppendJSON(nil))),
		put(schemas.KindAccount, "no account"),
		1000,
	}
	for _, offset := range offsets {
		letter := schemas.DeadLetter{Topic: events, Offset: offset, Recipient: "store", Reason: schemas.DeadUndecodable}
		if err := w.letters.Append(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
	}
	// A topic that had more partitions, and one that had another name. (Neither these
	// letters nor any other could be driven.)
	for _, letter := range []schemas.DeadLetter{{Topic: events, Partition: partitions}, {Topic: events + "-before"}} {
		letter.Recipient, letter.Reason = "store", schemas.DeadUndecodable
		if err := w.letters.Append(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
	}
	fates := w.redrive(t, false)
	if fates[replay.Redriven] != 2 || fates[replay.Unreadable] != 2 || fates[replay.Gone] != 3 {
		t.Errorf("got %v", fates)
	}
	if n := len(w.topic(t, events)); n != 6 {
		t.Errorf("%d messages, want 6", n)
	}
	if n := len(w.open(t)); n != 5 {
		t.Errorf("%d letters are left, want 5", n)
	}
}

// TestRedriveToTheSamePartition, behind the record, wherever its key would go now,
// and marked: who reads the topic knows then that no account counts it again.
func TestRedriveToTheSamePartition(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	events := w.cluster.Config().Topics.Events
	r := w.visit(t, 1, when)
	for p := range partitions {
		letter := schemas.DeadLetter{Topic: events, Partition: p, Offset: 7, Recipient: "store", Reason: schemas.DeadRefused, Value: r.AppendJSON(nil)}
		if err := w.letters.Append(t.Context(), letter); err != nil {
			t.Fatal(err)
		}
	}
	if fates := w.redrive(t, false); fates[replay.Redriven] != partitions {
		t.Errorf("got %v", fates)
	}
	for i, m := range w.topic(t, events) {
		want := fmt.Sprintf("%s/%d/7/store", events, m.Partition)
		if got := string(stream.HeaderOf(m.Headers, schemas.HeaderLetter)); m.Partition != i || got != want {
			t.Errorf("message %d is in partition %d, of letter %q, want %q", i, m.Partition, got, want)
		}
	}
}

// A policy that says what to do with resets is obeyed here too.
func TestReviewerAnonymises(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := examplePolicy(t)
	p.Reset = policy.Anonymise
	w.table.Store(enforcer.Compile(p))
	r := w.visit(t, 3, when)
	w.reset(t, 3)
	v := w.reviewer()
	if err := v.Barrier(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !v.Reset(r) {
		t.Error("the reset is not known")
	}
	left, review := v.Only(r, "store")
	if left == nil || left.Outcome != schemas.Anonymised || review.Reason != schemas.ReasonReset || left.Event.Fields.Has(schemas.VisitorID) {
		t.Errorf("got %+v, %+v", left, review)
	}
	own, anonymised, _ := v.Whole(r)
	if own != nil || anonymised == nil || anonymised.Event.Fields&schemas.Identifiers != 0 {
		t.Errorf("got %+v and %+v", own, anonymised)
	}
}
