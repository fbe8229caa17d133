package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"sekisho/enforcer"
	"sekisho/enforcer/interpret"
)

func consentCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:     "consent",
		Short:   "Read consent strings and cookies",
		GroupID: "tools",
	})
	cmd.AddCommand(consentDecodeCommand())
	return cmd
}

func consentDecodeCommand() *cobra.Command {
	var kind string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "decode STRING...",
		Short: "Say what consent strings and cookies mean",
		Long: `Say what TC, GPP and US Privacy strings, Google's gcs, gcd and Additional Consent
strings, and the cookies of consent management platforms mean. The kind is told
by the form, or by the name of a cookie before it (euconsent-v2=CQ...). "-" reads standard input, one string a line.

With --json each string gives one object on one line. One that is refused gives
{"error": ...}; of a GPP string of which only some sections are refused, the
others stand beside it. The exit code is 1 when any was refused. Of one that was
understood and is a refusal all the same, since it can no longer be relied on,
standard error says so.`,
		Example: `  sekisho consent decode 1YNN
  sekisho consent decode --json DBABLA~CVVqAAAAAACA.YA
  sekisho consent decode --kind gcd 11t1t1t1t5`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			d := consentDecoder{out: cmd.OutOrStdout(), warnings: cmd.ErrOrStderr(), json: asJSON, many: len(args) > 1}
			if kind != "" && kind != cookieKind {
				if err := d.kind.UnmarshalText([]byte(kind)); err != nil {
					return fmt.Errorf("cannot use --kind: %w, %s", err, cookieKind)
				}
			}
			d.forced = kind
			return d.decodeAll(args, cmd.InOrStdin())
		},
	}
	cmd.Flags().StringVar(&kind, "kind", "", "take strings for this `KIND`: "+strings.Join(interpret.Kind(0).Allowed(), ", ")+", "+cookieKind)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object a line")
	return cmd
}

// cookieKind is the kind of the gateway's own consent cookie.
const cookieKind = enforcer.ConsentCookie

type consentDecoder struct {
	out      io.Writer
	warnings io.Writer
	json     bool
	many     bool
	forced   string
	kind     interpret.Kind
	refused  bool
	printed  bool
}

func (d *consentDecoder) decodeAll(args []string, in io.Reader) error {
	for _, arg := range args {
		if arg != "-" {
			if err := d.decode(arg); err != nil {
				return err
			}
			continue
		}
		d.many = true
		lines := bufio.NewScanner(in)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if err := d.decode(lines.Text()); err != nil {
				return err
			}
		}
		if err := lines.Err(); err != nil {
			return fmt.Errorf("cannot read standard input: %w", err)
		}
	}
	if d.refused {
		return &exitError{1}
	}
	return nil
}

// decode prints what a string means. The error is one of printing.
func (d *consentDecoder) decode(text string) error {
	title, said, lines, unusable, err := d.meaning(text)
	if err != nil {
		d.refused = true
	}
	if d.json {
		if unusable != nil { // the objects are those of the signals' own libraries
			fmt.Fprintf(d.warnings, "%s: not to be relied on, which is a refusal: %v\n", abbreviate(text), unusable)
		}
		return printJSONLine(d.out, said, err)
	}
	if d.printed {
		fmt.Fprintln(d.out)
	}
	d.printed = true
	if d.many {
		fmt.Fprintln(d.out, abbreviate(text))
	}
	if title != "" {
		fmt.Fprintln(d.out, title)
	}
	for _, line := range lines {
		fmt.Fprintln(d.out, "  "+line)
	}
	if err != nil && said == nil {
		fmt.Fprintln(d.out, "  refused:", err)
	}
	return nil
}

// cookieKinds are the kinds of the cookies that are known by their names.
var cookieKinds = map[string]interpret.Kind{
	"euconsent-v2": interpret.TCF, "eupubconsent-v2": interpret.TCF,
	"addtl_consent": interpret.AdditionalConsent, "OTAdditionalConsentString": interpret.AdditionalConsent,
	"OTGPPConsent": interpret.GPP, "usprivacy": interpret.USPrivacy, "OptanonConsent": interpret.OneTrust,
	"CookieConsent": interpret.Cookiebot, "didomi_token": interpret.Didomi, "cookieyes-consent": interpret.CookieYes,
}

func (d *consentDecoder) meaning(text string) (title string, said any, lines []string, unusable, err error) {
	if name, value, ok := strings.Cut(text, "="); ok && d.forced == "" {
		if kind, known := cookieKinds[name]; known {
			named := consentDecoder{forced: kind.String(), kind: kind}
			return named.meaning(value)
		}
		if name == cookieKind {
			text = value
		}
	}
	if d.forced == cookieKind || d.forced == "" && strings.HasPrefix(text, "1.") {
		cookie, err := enforcer.DescribeConsentCookie(text, time.Now())
		if err != nil {
			return "the gateway's own consent cookie", nil, nil, nil, err
		}
		return "the gateway's own consent cookie", cookie, cookie.Lines(), nil, nil
	}
	kind := d.kind
	if d.forced == "" {
		var ok bool
		if kind, ok = interpret.KindOf(text); !ok {
			return "", nil, nil, nil, errors.New("not a consent string of a known form; --kind names one")
		}
	}
	m, err := interpret.Of(kind, text, time.Now())
	if err != nil {
		return kind.Title(), nil, nil, nil, err
	}
	return kind.Title(), m.Said, m.Lines(), m.Unusable, m.Malformed
}

// printJSONLine prints a description, an error, or a description with an error
// before it.
func printJSONLine(out io.Writer, said any, problem error) error {
	var line bytes.Buffer
	if problem != nil {
		text, err := json.Marshal(struct {
			Error string `json:"error"`
		}{strings.ReplaceAll(problem.Error(), "\n", "; ")})
		if err != nil {
			return err
		}
		line.Write(text)
	}
	if said != nil {
		text, err := json.Marshal(said)
		if err != nil {
			return err
		}
		if line.Len() > 0 {
			line.Truncate(line.Len() - 1)
			line.WriteByte(',')
			text = text[1:]
		}
		line.Write(text)
	}
	line.WriteByte('\n')
	_, err := out.Write(line.Bytes())
	return err
}

// abbreviate shows enough of a string to tell it from the others.
func abbreviate(text string) string {
	const most = 60
	if len(text) <= most {
		return text
	}
	return text[:most] + "..."
}
