package cases

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"sekisho/schemas/policy"
)

// Strangers lists the recipients of the expectation that the policy does not know: of
// these every event is dropped, so that a slip of the pen could pass for a case.
func (e *Expect) Strangers(p *policy.Policy) (list []string) {
	for _, recipient := range slices.Sorted(maps.Keys(e.Recipients)) {
		if _, ok := p.Recipients[recipient]; !ok {
			list = append(list, recipient+": is no recipient of the handling policy")
		}
	}
	return list
}

// Differences lists what of the expectation the verdict does not meet.
func (v *Verdict) Differences(want *Expect) (list []string) {
	differ := func(what string, got, want fmt.Stringer) {
		if got.String() != want.String() {
			list = append(list, fmt.Sprintf("%s is %s, want %s", what, got, want))
		}
	}
	differ("outcome", v.Outcome, want.Outcome)
	if want.Reason != nil {
		differ("reason", v.Reason, want.Reason)
	}
	if want.Jurisdiction != nil {
		differ("jurisdiction", name(v.Jurisdiction), name(*want.Jurisdiction))
	}
	for _, recipient := range slices.Sorted(maps.Keys(want.Recipients)) {
		got, want := v.recipient(recipient), want.Recipients[recipient]
		if want.Outcome != nil {
			differ(recipient+": outcome", got.Outcome, want.Outcome)
		}
		if want.Reason != nil {
			differ(recipient+": reason", got.Reason, want.Reason)
		}
		if want.Stripped != nil {
			differ(recipient+": stripped", names(got.Stripped), names(*want.Stripped))
		}
	}
	return list
}

type name string

func (n name) String() string {
	if n == "" {
		return "none"
	}
	return string(n)
}

// names are a set of names.
type names []string

func (n names) String() string {
	return name(strings.Join(slices.Sorted(slices.Values(n)), ", ")).String()
}

// Changes lists how a verdict differs from the one before, by recipient.
func (v *Verdict) Changes(before *Verdict) (list []string) {
	if len(before.Recipients) == 0 || len(v.Recipients) == 0 {
		// One of them rejects the event.
		if was, is := before.overall(), v.overall(); was != is {
			return []string{was + " -> " + is}
		}
		return nil
	}
	var recipients []string
	for _, r := range append(before.Recipients, v.Recipients...) {
		if !slices.Contains(recipients, r.Recipient) {
			recipients = append(recipients, r.Recipient)
		}
	}
	for _, recipient := range recipients {
		was, is := before.recipient(recipient), v.recipient(recipient)
		if change := is.change(&was); change != "" {
			list = append(list, recipient+": "+change)
		}
	}
	if len(list) == 0 && before.Jurisdiction != v.Jurisdiction {
		list = append(list, "jurisdiction: "+before.Jurisdiction+" -> "+v.Jurisdiction)
	}
	return list
}

func (v *Verdict) overall() string { return v.Outcome.String() + " because " + v.Reason.String() }

// change says how the verdict differs from the one before, "" when it does not.
func (r *RecipientVerdict) change(before *RecipientVerdict) string {
	if before.Outcome != r.Outcome || before.Reason != r.Reason {
		return fmt.Sprintf("%s because %s -> %s because %s", before.Outcome, before.Reason, r.Outcome, r.Reason)
	}
	var parts []string
	if lost := without(r.Stripped, before.Stripped); len(lost) > 0 {
		parts = append(parts, "no longer with "+names(lost).String())
	}
	if gained := without(before.Stripped, r.Stripped); len(gained) > 0 {
		parts = append(parts, "now with "+names(gained).String())
	}
	for _, field := range slices.Sorted(maps.Keys(r.fields)) {
		was, is := before.fields[field], r.fields[field]
		if was.written != "" && was.written != is.written {
			parts = append(parts, field+" "+was.written+" -> "+is.written)
		}
		if was.category != "" && was.category != is.category {
			parts = append(parts, field+" of "+was.category+" -> of "+is.category)
		}
	}
	if lost := without(before.flags, r.flags); len(lost) > 0 {
		parts = append(parts, "no longer told "+names(lost).String())
	}
	if gained := without(r.flags, before.flags); len(gained) > 0 {
		parts = append(parts, "now told "+names(gained).String())
	}
	if len(parts) == 0 {
		return ""
	}
	return fmt.Sprintf("%s because %s, %s", r.Outcome, r.Reason, strings.Join(parts, " and "))
}

// without returns the names of the list that are not in the other.
func without(list, other []string) (left []string) {
	for _, name := range list {
		if !slices.Contains(other, name) {
			left = append(left, name)
		}
	}
	return left
}
