package enforcer

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"sekisho/schemas"
)

// WriteText writes the explanation for a person to read.
func (x *Explanation) WriteText(to io.Writer) error {
	w := &textWriter{tabs: tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)}
	w.line("%s of %s under the policy of %s: %s, because %s", x.Type, orUnknown(x.Site), x.Policy, x.Outcome, words(x.Reason))
	if x.Outcome == schemas.Rejected {
		if x.Problem != nil {
			w.line("%s", strings.TrimPrefix(x.Problem.Error(), ": "))
		}
		return w.end()
	}
	w.line("")
	j := &x.Jurisdiction
	w.line("Jurisdiction: %s (%s)", j.Name, j.From)
	w.line("  silence grants %s; GPC refuses %s; DNT refuses %s", list(j.Silence), list(j.GPC), list(j.DNT))
	w.line("")
	w.line("Signals:")
	if len(x.Signals) == 0 {
		w.line("  none were found")
	}
	for i := range x.Signals {
		w.signal(&x.Signals[i])
	}
	w.line("")
	w.line("Together:")
	for _, p := range x.Purposes {
		granted := "refused"
		if p.Granted {
			granted = "granted"
		}
		w.line("  %s\t%s\t%s\tby %s", p.Purpose, granted, words(p.Reason), strings.Join(p.By, ", "))
	}
	w.line("")
	w.line("Resets: %s", x.Reset.text())
	w.line("Rule: %s is for %s; without consent: %s", x.Rule.Event, x.Rule.Purpose, x.Rule.WithoutConsent)
	for i := range x.Recipients {
		w.recipient(&x.Recipients[i])
	}
	return w.end()
}

// textWriter writes lines with columns; each heading starts them anew.
type textWriter struct {
	tabs *tabwriter.Writer
	err  error
}

func (w *textWriter) line(format string, args ...any) {
	if w.err == nil {
		_, w.err = fmt.Fprintf(w.tabs, format+"\n", args...)
	}
}

func (w *textWriter) end() error {
	if w.err != nil {
		return w.err
	}
	return w.tabs.Flush()
}

func (w *textWriter) signal(s *ExplainedSignal) {
	w.line("  %s", s.From)
	for _, line := range s.Lines {
		w.line("    %s", line)
	}
	if s.Problem != "" {
		w.line("    ! %s", strings.ReplaceAll(s.Problem, "\n", "; "))
	}
	if len(s.Answers) == 0 {
		w.line("    => says nothing of any purpose")
	}
	for _, a := range s.Answers {
		if a.Reason.String() == a.Answer {
			w.line("    => %s: %s", a.Purpose, a.Answer)
		} else {
			w.line("    => %s: %s (%s)", a.Purpose, a.Answer, words(a.Reason))
		}
	}
	for _, r := range slices.Sorted(maps.Keys(s.Vendors)) {
		w.line("    => %s may not process for %s", r, list(s.Vendors[r]))
	}
}

func (w *textWriter) recipient(r *ExplainedRecipient) {
	w.line("")
	w.line("%s: %s, because %s", r.Recipient, r.Outcome, words(r.Reason))
	w.line("  %s", r.Why)
	if f := r.Flags; f != nil {
		w.line("  its own flags: ad_user_data %t, ad_personalization %t, limited data use %t, tracking permitted %t", f.AdUserData, f.AdPersonalisation, f.LimitedDataUse, f.TrackingPermitted)
	}
	if r.Outcome == schemas.Dropped {
		return
	}
	for i := range r.Fields {
		f := &r.Fields[i]
		fate := f.Fate
		if f.Value != "" {
			fate += " to " + f.Value
		}
		if f.Why != "" {
			fate += ": " + f.Why
		}
		w.line("  %s\t%s\t%s", f.Field, words(f.Category), fate)
	}
}

func (x *ExplainedReset) text() string {
	switch {
	case len(x.Identifiers) == 0:
		return "the event carries no identifier"
	case !x.Known:
		return "not known here; the event carries " + list(x.Identifiers)
	case len(x.Reset) == 0:
		return "none of " + list(x.Identifiers) + " has been reset"
	}
	return list(x.Reset) + " has been reset"
}

// words writes a name without its underscores.
func words(name fmt.Stringer) string { return strings.ReplaceAll(name.String(), "_", " ") }

func orUnknown(site string) string {
	if site == "" {
		return "an unknown site"
	}
	return site
}
