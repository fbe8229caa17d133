package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"
)

// execute runs a command line in this process and returns what it printed and
// the code with which the program would exit.
func execute(t *testing.T, in string, args ...string) (printed string, code int) {
	t.Helper()
	out, problems, code := executeApart(t, in, args...)
	return out + problems, code
}

// executeApart keeps standard error apart.
func executeApart(t *testing.T, in string, args ...string) (out, problems string, code int) {
	t.Helper()
	root := command()
	var printed, said bytes.Buffer
	root.SetOut(&printed)
	root.SetErr(&said)
	root.SetIn(strings.NewReader(in))
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	var exit *exitError
	switch {
	case errors.As(err, &exit):
		code = exit.code
	case err != nil:
		code = 1
		said.WriteString(err.Error())
	}
	return printed.String(), said.String(), code
}

type consentVector struct {
	Name, TCString, GPPString, Expectation string
	Decoded                                json.RawMessage
}

func (v *consentVector) text() string { return v.TCString + v.GPPString }

// consentVectors are strings with what the IAB's own libraries make of them.
func consentVectors(t *testing.T, file string) (valid, malformed []consentVector) {
	t.Helper()
	var f struct{ Vectors, SpecificationExamples, Malformed []consentVector }
	text, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(text, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Vectors) == 0 || len(f.Malformed) == 0 {
		t.Fatalf("%s has no vectors", file)
	}
	return append(f.Vectors, f.SpecificationExamples...), f.Malformed
}

var consentVectorFiles = map[string]string{
	"tcf": "../../enforcer/tcf/testdata/tc.json",
	"gpp": "../../enforcer/gpp/testdata/vectors.json",
}

func TestConsentDecodeVectors(t *testing.T) {
	unusable := 0
	for kind, file := range consentVectorFiles {
		valid, _ := consentVectors(t, file)
		for _, v := range valid {
			if v.Decoded == nil {
				continue
			}
			for _, args := range [][]string{{v.text()}, {"--kind", kind, v.text()}} {
				out, problems, code := executeApart(t, "", append([]string{"consent", "decode", "--json"}, args...)...)
				var got, want any
				if err := errors.Join(json.Unmarshal([]byte(out), &got), json.Unmarshal(v.Decoded, &want)); err != nil {
					t.Errorf("%s: %v in %s", v.Name, err, out)
				}
				if code != 0 || strings.Count(out, "\n") != 1 || !reflect.DeepEqual(got, want) {
					t.Errorf("%s: exit %d\n got %s\nwant %s", v.Name, code, out, v.Decoded)
				}
				words, code := execute(t, "", "consent", "decode", v.text())
				if code != 0 || len(words) < 20 {
					t.Errorf("%s in words: exit %d: %s", v.Name, code, words)
				}
				_, why, refusal := strings.Cut(words, "not to be relied on, which is a refusal: ")
				if refusal {
					unusable++
				}
				if refusal != (problems != "") || !strings.HasSuffix(problems, why) {
					t.Errorf("%s: standard error says %q; in words it is %s", v.Name, problems, words)
				}
			}
		}
	}
	if unusable == 0 {
		t.Error("no string is one that can no longer be relied on, so nothing is shown")
	}
}

func TestConsentDecodeMalformed(t *testing.T) {
	for kind, file := range consentVectorFiles {
		_, malformed := consentVectors(t, file)
		refused := 0
		for _, v := range malformed {
			out, _, code := executeApart(t, "", "consent", "decode", "--json", "--kind", kind, v.text())
			var got map[string]any
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Errorf("%s: %v in %s", v.Name, err, out)
			}
			message, _ := got["error"].(string)
			if (code == 1) != (message != "") {
				t.Errorf("%s: exit %d with %s", v.Name, code, out)
			}
			if strings.HasPrefix(v.Expectation, "reject") {
				refused++
				if code != 1 {
					t.Errorf("%s: exit %d, but %s", v.Name, code, v.Expectation)
				}
				if out, code := execute(t, "", "consent", "decode", "--json", v.text()); code != 1 || !strings.HasPrefix(out, `{"error":`) {
					t.Errorf("%s without a kind: exit %d: %s", v.Name, code, out)
				}
			}
		}
		if refused < 7 {
			t.Errorf("%s: only %d are to be refused", kind, refused)
		}
	}
}

func TestConsentDecodeLines(t *testing.T) {
	check := func(in string, wantCode int, want string, args ...string) {
		t.Helper()
		out, code := execute(t, in, append([]string{"consent", "decode"}, args...)...)
		if code != wantCode || out != want {
			t.Errorf("%v: exit %d, want %d\n got %s\nwant %s", args, code, wantCode, out, want)
		}
	}
	const usPrivacy = `{"Version":1,"Notice":"Y","OptOutSale":"N","LspaCovered":"N"}` + "\n"
	check("", 0, usPrivacy, "--json", "1YNN")
	check("", 0, usPrivacy, "--json", "usprivacy=1YNN") // as a Cookie header has it
	check("", 1, `{"error":"US Privacy string is not of four characters"}`+"\n", "--json", "usprivacy=DBABLA")
	check("", 0, `{"policy":"2026-10-01","granted":[],"refused":["analytics","advertising","social"]}`+"\n", "--json", "sekisho_consent=1.2026-10-01.none")
	check("1YNN\n\n1YNN", 1, usPrivacy+`{"error":"not a consent string of a known form; --kind names one"}`+"\n"+usPrivacy, "--json", "-")
	check("", 1, `{"error":"US Privacy string is not of four characters"}`+"\n"+usPrivacy, "--json", "--kind", "us_privacy", "1Y", "1YNN")
	check("", 1, `{"error":"section 6 (uspv1): GPP section is not a US Privacy string","sectionIds":[6],"sections":{"uspv1":{"Malformed":"GPP section is not a US Privacy string"}}}`+"\n", "--json", "DBABTA~1XXX")
	check("", 0, `{"policy":"2026-10-01","granted":["analytics"],"refused":["advertising","social"]}`+"\n", "--json", "1.2026-10-01.analytics")
	check("", 1, `{"error":"not a consent cookie, which is 1.DATE.PURPOSES"}`+"\n", "--json", "1.2026-10-01.all")
	check("", 0, "the gateway's own consent cookie\n  chosen under the policy of 2026-10-01\n  granted: nothing\n  refused: analytics, advertising, social\n", "1.2026-10-01.none")
}
