package faults

import (
	"testing"

	"github.com/google/uuid"

	"sekisho/schemas"
)

// run is what a run left: ten events that were allowed, five anonymised, one
// under an identifier that had been reset, and their accounts.
func run() (*verifier, *stored) {
	l := newLedger()
	s := &stored{ids: map[uuid.UUID]uint64{}, anonymised: map[uuid.UUID]uint64{}, sum: schemas.Account{}}
	t := newTopicAccount(nil, "events")
	for range 10 {
		e := event{id: uuid.New(), want: schemas.Allowed}
		l.enter(&e, schemas.Allowed, schemas.ReasonGranted, false)
		s.ids[e.id] = 1
	}
	for range 5 {
		e := event{id: uuid.New(), want: schemas.Anonymised}
		l.enter(&e, schemas.Anonymised, schemas.ReasonSilent, false)
		s.anonymised[uuid.New()] = 1
	}
	l.enter(&event{id: uuid.New(), leaving: true, reset: true}, schemas.Allowed, schemas.ReasonGranted, false)
	l.miss([]event{{id: uuid.New(), want: schemas.Allowed}}, true) // it may have landed
	for d, n := range map[schemas.Decision]uint64{
		decision(schemas.Allowed, schemas.ReasonGranted):   11,
		decision(schemas.Anonymised, schemas.ReasonSilent): 5,
	} {
		s.sum[d], t.sum[d] = n, n
	}
	return &verifier{ledger: l, topic: t}, s
}

func decision(o schemas.Outcome, why schemas.Reason) schemas.Decision {
	return schemas.Decision{Minute: 1700000040, Site: "shop", Outcome: o, Reason: why}
}

func anyOf[V any](m map[uuid.UUID]V) (id uuid.UUID) {
	for id = range m {
		break
	}
	return id
}

// TestCompareFindsWhatIsWrong, and nothing where all is right.
func TestCompareFindsWhatIsWrong(t *testing.T) {
	check := func(what string, spoil func(*verifier, *stored), lost, doubled, leaked, unaccounted uint64) {
		t.Helper()
		v, s := run()
		spoil(v, s)
		var r Report
		v.compare(s, &r)
		if r.Lost != lost || r.Doubled != doubled || r.Leaked != leaked || r.Unaccounted != unaccounted {
			t.Errorf("%s: lost %d, doubled %d, leaked %d, unaccounted %d: %v", what, r.Lost, r.Doubled, r.Leaked, r.Unaccounted, r.Details)
		}
		if r.Good() != (lost+doubled+leaked+unaccounted == 0) {
			t.Errorf("%s: good %t", what, r.Good())
		}
	}
	granted := decision(schemas.Allowed, schemas.ReasonGranted)
	check("all is right", func(*verifier, *stored) {}, 0, 0, 0, 0)
	check("a row is missing", func(_ *verifier, s *stored) { delete(s.ids, anyOf(s.ids)) }, 1, 0, 0, 0)
	check("a row is there three times", func(_ *verifier, s *stored) { s.ids[anyOf(s.ids)] = 3 }, 0, 2, 0, 0)
	check("a row is nobody's", func(_ *verifier, s *stored) { s.ids[uuid.New()] = 1 }, 0, 0, 0, 1)
	check("an anonymised row is missing", func(_ *verifier, s *stored) { delete(s.anonymised, anyOf(s.anonymised)) }, 1, 0, 0, 0)
	check("an anonymised row is there twice", func(_ *verifier, s *stored) { s.anonymised[anyOf(s.anonymised)] = 2 }, 0, 1, 0, 0)
	check("an anonymised row is nobody's", func(_ *verifier, s *stored) { s.anonymised[uuid.New()] = 1 }, 0, 0, 0, 1)
	check("a reset identifier passed", func(v *verifier, _ *stored) { v.topic.ids[anyOf(v.ledger.forgotten)] = struct{}{} }, 0, 0, 1, 0)
	check("ClickHouse counts fewer", func(_ *verifier, s *stored) { s.sum[granted]-- }, 0, 0, 0, 1)
	check("ClickHouse counts more", func(_ *verifier, s *stored) { s.sum[granted] += 2 }, 0, 0, 0, 2)
	both := func(by int) func(*verifier, *stored) {
		return func(v *verifier, s *stored) {
			s.sum[granted] += uint64(by)
			v.topic.sum[granted] += uint64(by)
		}
	}
	check("what may have landed did not", both(-1), 0, 0, 0, 0)
	check("fewer are accounted for than were answered", both(-3), 0, 0, 0, 2)
	check("more are accounted for than were sent", both(4), 0, 0, 0, 4)

	// Three were rejected, of which one in a request of its own; one is accounted for.
	rejected := func(kills int, want, forgotten uint64) {
		t.Helper()
		v, s := run()
		for range 3 {
			v.ledger.enter(&event{id: uuid.New(), want: schemas.Rejected}, schemas.Rejected, schemas.ReasonInvalid, false)
		}
		v.ledger.unheld = 1
		d := decision(schemas.Rejected, schemas.ReasonInvalid)
		s.sum[d], v.topic.sum[d] = 1, 1
		r := Report{Faults: map[string]map[string]int{"kill": {"collector": kills}}}
		v.compare(s, &r)
		if r.Unaccounted != want || r.Forgotten != forgotten {
			t.Errorf("after %d kills of collectors: unaccounted %d, forgotten %d", kills, r.Unaccounted, r.Forgotten)
		}
	}
	rejected(0, 2, 0)
	rejected(1, 1, 1)
}

// TestAnswersThatLeak are counted when they come.
func TestAnswersThatLeak(t *testing.T) {
	check := func(want, got schemas.Outcome, leaks int) {
		t.Helper()
		l := newLedger()
		l.enter(&event{id: uuid.New(), want: want}, got, schemas.ReasonGranted, false)
		if len(l.leaks) != leaks || (want == got) != (len(l.leaks)+len(l.unexpected) == 0) {
			t.Errorf("%v that was %v: leaks %v, unexpected %v", want, got, l.leaks, l.unexpected)
		}
	}
	check(schemas.Allowed, schemas.Allowed, 0)
	check(schemas.Allowed, schemas.Dropped, 0)
	check(schemas.Dropped, schemas.Allowed, 1)
	check(schemas.Dropped, schemas.Anonymised, 1)
	check(schemas.Anonymised, schemas.Allowed, 1)
	check(schemas.Rejected, schemas.Allowed, 1)
	check(schemas.Anonymised, schemas.Dropped, 0)
}

// TestScheduleIsTheSeeds: the same seed gives the same faults, and all kinds.
func TestScheduleIsTheSeeds(t *testing.T) {
	all := targets{
		collectors: []string{"collector-1", "collector-2"}, sinks: []string{"sink-1"},
		brokers: []string{"broker-1", "broker-2", "broker-3"}, disks: []string{"disk of clickhouse"}, leaders: true,
	}
	one, again, other := schedule(7, 50, all), schedule(7, 50, all), schedule(8, 50, all)
	kinds, same := map[kind]int{}, true
	for i := range one {
		if one[i] != again[i] {
			t.Fatalf("fault %d is %v, and then %v", i, one[i], again[i])
		}
		same = same && one[i] == other[i]
		kinds[one[i].kind]++
	}
	if same {
		t.Error("another seed gives the same faults")
	}
	if kinds[killed] != 50 || len(kinds) != 10 {
		t.Errorf("the faults are %v", kinds)
	}
}
