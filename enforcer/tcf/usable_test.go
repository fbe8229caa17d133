package tcf

import (
	"testing"
	"time"
)

func TestUsable(t *testing.T) {
	date := func(year int, month time.Month, day int) time.Time {
		return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	}
	check := func(what string, now time.Time, want error, change func(*content)) {
		t.Helper()
		var c Consent
		if err := Decode(&c, valid().with(change).String()); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		google := Vendor{ID: 755, Consent: Purposes(2)}
		if c.Permits(&google, 2) {
			t.Errorf("%s: permits before it is known to be usable", what)
		}
		if err := c.Usable(now); err != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
		if c.Permits(&google, 2) != (want == nil) {
			t.Errorf("%s: permits %t", what, want != nil)
		}
	}
	made := func(when time.Time, policy uint64, segments ...segmentType) func(*content) {
		return func(c *content) {
			c.created, c.updated, c.policy, c.segments = uint64(when.UnixMilli()/100), uint64(when.UnixMilli()/100), policy, segments
		}
	}
	check("TCF 2.3", today, nil, func(*content) {})
	check("global scope", today, ErrGlobalScope, func(c *content) { c.serviceSpecific = 0 })
	check("no CMP", today, ErrCMP, func(c *content) { c.cmp = 0 })
	check("CMP 1", today, ErrCMP, func(c *content) { c.cmp = 1 })
	check("CMP 2", today, nil, func(c *content) { c.cmp = 2 })

	check("TCF 2.1 in its time", date(2023, 9, 30), nil, made(date(2023, 9, 1), 2))
	check("TCF 2.1 on its last day", date(2023, 10, 1).Add(-time.Second), nil, made(date(2023, 9, 1), 3))
	check("TCF 2.1 afterwards", date(2023, 10, 1), ErrPolicyVersion, made(date(2023, 9, 1), 3))
	check("TCF 2.1 today", today, ErrPolicyVersion, made(date(2023, 9, 1), 2))
	check("TCF 2.1 as if made today", today, ErrPolicyVersion, made(today, 2, segmentDisclosed))
	check("TCF 2.2", today, nil, made(date(2025, 12, 1), 4))
	check("a policy to come", today, nil, made(today, 6, segmentDisclosed))

	check("undisclosed, before", today, nil, made(date(2026, 2, 28), 5))
	check("undisclosed, late on the last day", today, nil, made(date(2026, 3, 1).Add(-time.Second), 5))
	check("undisclosed, after", today, ErrUndisclosed, made(date(2026, 3, 1), 5))
	check("undisclosed, after, under an old policy", today, ErrUndisclosed, made(date(2026, 3, 1), 4))
	check("disclosed, after, under an old policy", today, nil, made(date(2026, 3, 1), 4, segmentDisclosed))
	check("undisclosed, renewed after", today, ErrUndisclosed, func(c *content) {
		made(date(2026, 2, 1), 5)(c)
		c.updated = uint64(date(2026, 3, 2).UnixMilli() / 100)
	})

	check("undisclosed, made after, as if changed before", today, ErrUndisclosed, func(c *content) {
		made(date(2026, 3, 2), 5)(c)
		c.updated = uint64(date(2026, 2, 1).UnixMilli() / 100)
	})

	check("tomorrow", today, nil, made(today.Add(clockSlack), 5, segmentDisclosed))
	check("far in the future", today, ErrFuture, made(today.Add(clockSlack+time.Second), 5, segmentDisclosed))
	check("updated in the future", today, ErrFuture, func(c *content) { c.updated = 1<<36 - 1 })
	check("a clock before 1970", time.Unix(-1e9, 0), ErrFuture, func(*content) {})
	check("a clock that was never set", time.Time{}, ErrFuture, func(*content) {})
}

func TestUsableDates(t *testing.T) {
	check := func(got uint64, year int, month time.Month) {
		t.Helper()
		if want := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC); !deciseconds(got).Equal(want) {
			t.Errorf("%v, want %v", deciseconds(got), want)
		}
	}
	check(fromTCF22, 2023, 10)
	check(fromTCF23, 2026, 3)
}

// What was usable once need not be so later.
func TestUsableCanBeTakenBack(t *testing.T) {
	var c Consent
	if err := Decode(&c, valid().with(func(c *content) { c.policy = 3; c.created, c.updated = 0, 0 }).String()); err != nil {
		t.Fatal(err)
	}
	google := Vendor{ID: 755, Consent: Purposes(2)}
	if err := c.Usable(time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC)); err != nil || !c.Permits(&google, 2) {
		t.Fatalf("usable: %v", err)
	}
	if err := c.Usable(today); err != ErrPolicyVersion || c.Permits(&google, 2) {
		t.Errorf("usable: %v", err)
	}
}
