package forward

import "sekisho/enforcer"

// EventOf makes the event that a recipient may have of a record as of now, as
// the runner does: nil when it may have none. For those who want one event
// without a runner, such as the tests of a [Kind].
func EventOf(recipient string, keys *enforcer.RecipientKeys, t *enforcer.Table, w *enforcer.Withdrawn, record []byte) (*Event, error) {
	v := &view{recipient: recipient, keys: keys}
	f, err := v.look(record, t, w)
	return f.event, err
}
