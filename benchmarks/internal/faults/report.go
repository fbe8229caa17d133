package faults

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Report is what came of a run.
type Report struct {
	Seed    uint64  `json:"seed"`
	Kafka   string  `json:"kafka"`
	Seconds float64 `json:"seconds"`

	// Faults that were done, by kind and by what was hit; Kills is their sum.
	Faults map[string]map[string]int `json:"faults"`
	Kills  int                       `json:"kills"`
	// Forgotten is how many rejections killed collectors had answered and not yet
	// accounted for, of requests of which everything was rejected.
	Forgotten uint64 `json:"forgotten"`
	// Away is what came of outages of all brokers.
	Away Away `json:"away"`
	// Exits are processes that ended by themselves and were started again.
	Exits map[string]int `json:"exits,omitempty"`
	// NotCovered are faults that this machine does not allow.
	NotCovered []string `json:"not_covered,omitempty"`

	Requests     int    `json:"requests"`
	Refusals     int    `json:"refusals"`     // answered 503, and sent again
	Acknowledged uint64 `json:"acknowledged"` // events, repeats included
	Unanswered   uint64 `json:"unanswered"`   // events of requests that broke off or were refused
	Resets       int    `json:"resets"`
	Batches      int    `json:"batches"`
	Copies       int    `json:"copies"` // of batches, that are in Kafka too
	Rows         uint64 `json:"rows"`

	Lost        uint64 `json:"lost"`
	Doubled     uint64 `json:"doubled"`
	Leaked      uint64 `json:"leaked"`
	Unaccounted uint64 `json:"unaccounted"`
	// Problems are other things that must not be: a process that did not end in
	// time, or an answer that no fault explains.
	Problems []string `json:"problems,omitempty"`
	// Details say more of the first that were found.
	Details []string `json:"details,omitempty"`
}

// Away is how long no broker could be reached, and how many events were
// acknowledged meanwhile, since they were in a spool.
type Away struct {
	Seconds      float64 `json:"seconds"`
	Acknowledged uint64  `json:"acknowledged"`
}

// Good reports whether all is as it must be.
func (r *Report) Good() bool {
	return r.Lost+r.Doubled+r.Leaked+r.Unaccounted == 0 && len(r.Problems) == 0
}

const maxDetails = 40

func (r *Report) tell(format string, arguments ...any) {
	if len(r.Details) < maxDetails {
		r.Details = append(r.Details, fmt.Sprintf(format, arguments...))
	}
}

// Write writes it for people.
func (r *Report) Write(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "\nseed %d, %s Kafka, %.0f s\n", r.Seed, r.Kafka, r.Seconds)
	for _, kind := range slices.Sorted(maps.Keys(r.Faults)) {
		fmt.Fprintf(&b, "%-12s", kind)
		for _, target := range slices.Sorted(maps.Keys(r.Faults[kind])) {
			fmt.Fprintf(&b, " %s %d", target, r.Faults[kind][target])
		}
		b.WriteByte('\n')
	}
	for _, list := range [][]string{r.NotCovered, r.Problems, r.Details} {
		for _, line := range list {
			fmt.Fprintln(&b, "  ", line)
		}
	}
	verdict := "nothing is lost, doubled, leaked or unaccounted for"
	if !r.Good() {
		verdict = "IT IS NOT AS IT MUST BE"
	}
	fmt.Fprintf(&b, `
requests     %10d, of which %d were refused; processes that ended by themselves %v
acknowledged %10d events, and %d that broke off or were refused before; %d resets
without Kafka %9d events in %.0f s
stored       %10d rows; Kafka has %d batches, and %d copies of them
kills        %10d
lost         %10d
doubled      %10d
leaked       %10d
unaccounted  %10d, and %d rejections that killed collectors forgot
%s
`, r.Requests, r.Refusals, r.Exits, r.Acknowledged, r.Unanswered, r.Resets,
		r.Away.Acknowledged, r.Away.Seconds, r.Rows, r.Batches, r.Copies,
		r.Kills, r.Lost, r.Doubled, r.Leaked, r.Unaccounted, r.Forgotten, verdict)
	_, err := io.WriteString(to, b.String())
	return err
}
