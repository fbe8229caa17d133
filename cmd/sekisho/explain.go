package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sekisho/cmd/sekisho/internal/role"
	"sekisho/enforcer"
	"sekisho/ingest"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

func explainCommand() *cobra.Command {
	var policyFile, place, at string
	var headers []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "explain EVENT.json",
		Short: "Say what would be decided about an event, and why",
		Long: `Say, for an event as a client would send it: every consent signal that was found
and what each said, which of them decided, the jurisdiction, and for each
recipient the outcome and the fate of each field. "-" reads standard input.

The exit code is 1 when the event is rejected: when it does not fit the schema or
the policy, or is of a site or an origin that the policy does not know. An event
that is dropped as the policy says was decided about, and that is 0.

The reset registry is not at hand here: POST /explain on a collector's admin
listener takes {"event": {...}, "headers": {...}} and knows it.`,
		Example: `  sekisho explain event.json --header 'Cookie: euconsent-v2=CQ...' --header 'Sec-GPC: 1'
  sekisho explain --policy my-policy.yaml --place US-CA --json - <event.json`,
		GroupID: "tools",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := ingest.Question{Place: place}
			var err error
			if q.Event, err = readInput(cmd, args[0]); err != nil {
				return err
			}
			if q.Headers, err = parseHeaders(headers); err != nil {
				return err
			}
			if at != "" {
				if q.Now, err = time.Parse(time.RFC3339, at); err != nil {
					return fmt.Errorf("cannot use --at: must be an RFC 3339 time, such as 2026-11-02T09:00:00Z")
				}
			}
			p, err := loadPolicyOrExample(policyFile)
			if err != nil {
				return err
			}
			x, err := ingest.NewExplainer(ingest.DefaultConfig(), enforcer.New(enforcer.Compile(p), nil, nil)).Explain(q)
			if err != nil {
				return err
			}
			if err := printExplanation(cmd.OutOrStdout(), &x, asJSON); err != nil {
				return err
			}
			if x.Outcome == schemas.Rejected {
				return &exitError{1}
			}
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&policyFile, "policy", "", "handling policy `FILE`; the example policy when empty")
	flags.StringArrayVar(&headers, "header", nil, "`'NAME: VALUE'` of the request, such as Cookie, Sec-GPC, DNT or Origin; may be repeated")
	flags.StringVar(&place, "place", "", "`PLACE` that the edge would state: a country (JP) or region (US-CA)")
	flags.StringVar(&at, "at", "", "`TIME` at which the event is received; now when empty")
	flags.BoolVar(&asJSON, "json", false, "print JSON")
	return cmd
}

func printExplanation(out io.Writer, x *enforcer.Explanation, asJSON bool) error {
	if !asJSON {
		return x.WriteText(out)
	}
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(x)
}

// maxInput is the most that is read as an event.
const maxInput = 4 << 20

func readInput(cmd *cobra.Command, name string) ([]byte, error) {
	from := cmd.InOrStdin()
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("cannot read the event: %w", err)
		}
		defer file.Close()
		from = file
	}
	text, err := io.ReadAll(io.LimitReader(from, maxInput+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("cannot read the event: %w", err)
	case len(text) > maxInput:
		return nil, fmt.Errorf("cannot read the event: it is longer than %d bytes", maxInput)
	}
	return text, nil
}

func parseHeaders(lines []string) (http.Header, error) {
	headers := http.Header{}
	for i, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return nil, fmt.Errorf("cannot use --header number %d: must be 'NAME: VALUE'", i+1)
		}
		headers.Add(name, strings.TrimSpace(value))
	}
	return headers, nil
}

// loadPolicyOrExample reads the policy of a file, or the example policy when
// none is named.
func loadPolicyOrExample(file string) (*policy.Policy, error) {
	if file == "" {
		return policy.Parse(policy.Example)
	}
	return role.LoadPolicy(file)
}
