package enforcer

import (
	"sync/atomic"

	"sekisho/schemas"
)

// Enforcer holds what decisions are made with. Its policy may be replaced at
// any time; each event is decided and written under one policy.
type Enforcer struct {
	keys   *Keys
	resets *Resets
	table  atomic.Pointer[Table]
}

// New makes an enforcer.
func New(table *Table, keys *Keys, resets *Resets) *Enforcer {
	e := &Enforcer{keys: keys, resets: resets}
	e.table.Store(table)
	return e
}

// Table returns the policy in force.
func (e *Enforcer) Table() *Table { return e.table.Load() }

// SetTable puts a policy in force.
func (e *Enforcer) SetTable(t *Table) { e.table.Store(t) }

// Resets returns the registry that decisions look into.
func (e *Enforcer) Resets() *Resets { return e.resets }

// Decide decides about an event under the given table; see [Table.Decide].
func (e *Enforcer) Decide(t *Table, site *Site, event *schemas.Event, r *Request, v *Verdict) {
	t.Decide(site, event, r, e.resets, v)
}
