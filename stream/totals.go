package stream

import "sekisho/schemas"

// totals adds decisions up. It is reused.
type totals struct {
	rows   []row
	places map[schemas.Decision]int // in rows
	sums   schemas.Account
}

type row struct {
	decision schemas.Decision
	count    uint64
}

// of returns how often there is each of the decisions, valid until the next call.
// Events of one kind bring the same decisions in the same order, so what followed
// the last time is tried first.
func (t *totals) of(all []schemas.Decision) schemas.Account {
	if t.places == nil {
		t.places, t.sums = make(map[schemas.Decision]int), make(schemas.Account)
	}
	t.rows = t.rows[:0]
	clear(t.places)
	clear(t.sums)
	next := 0
	for i := range all {
		if next == len(t.rows) {
			next = 0
		}
		if next == len(t.rows) || t.rows[next].decision != all[i] {
			next = t.place(all[i])
		}
		t.rows[next].count++
		next++
	}
	for i := range t.rows {
		t.sums[t.rows[i].decision] = t.rows[i].count
	}
	return t.sums
}

func (t *totals) place(d schemas.Decision) int {
	i, ok := t.places[d]
	if !ok {
		i = len(t.rows)
		t.places[d] = i
		t.rows = append(t.rows, row{decision: d})
	}
	return i
}
