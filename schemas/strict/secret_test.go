package strict

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"
)

const canary = "hunter2-canary"

// holders are the ways in which a secret may be within what is printed.
func holders(s Secret) []any {
	type exported struct{ S Secret }
	type unexported struct{ s Secret }
	type embedded struct{ Secret }
	return []any{
		s, &s, exported{s}, &exported{s}, unexported{s}, &unexported{s}, embedded{s}, []Secret{s}, [1]Secret{s},
		map[string]Secret{"k": s}, map[Secret]string{s: "v"}, []any{s}, struct{ any }{s}, []unexported{{s}},
		kafka{Password: s}, &sample{Kafka: kafka{Password: s}, TLS: &tls{Key: s}}, fmt.Errorf("with %v", s),
	}
}

func TestSecretIsNeverPrinted(t *testing.T) {
	check := func(how, got string) {
		t.Helper()
		// %x and %q of a string would show it in another form.
		for _, form := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprintf("%X", canary), fmt.Sprint([]byte(canary))} {
			if strings.Contains(got, form) {
				t.Errorf("%s shows the secret: %s", how, got)
			}
		}
	}
	for _, v := range holders(NewSecret(canary)) {
		for verb := rune('A'); verb <= 'z'; verb++ {
			for _, flags := range []string{"", "+", "-", "#", "0", " ", "+#", "# ", "30", ".3", "+030.9"} {
				format := "%" + flags + string(verb)
				check(fmt.Sprintf("%s of %T", format, v), fmt.Sprintf(format, v))
			}
		}
		check("Sprint", fmt.Sprint(v))
		check("Sprintln", fmt.Sprintln(v))
		if out, err := json.Marshal(v); err == nil {
			check(fmt.Sprintf("json of %T", v), string(out))
		}
		func() {
			defer func() { _ = recover() }() // yaml panics for what it cannot write
			if out, err := yaml.Marshal(v); err == nil {
				check(fmt.Sprintf("yaml of %T", v), string(out))
			}
		}()
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("text", "v", v, slog.Any("any", v))
		slog.New(slog.NewJSONHandler(&log, nil)).Info("json", "v", v, slog.Group("g", "v", v))
		check(fmt.Sprintf("slog of %T", v), log.String())
	}
	s := NewSecret(canary)
	for _, got := range []string{s.String(), s.GoString(), fmt.Sprint(s), fmt.Sprintf("%#v", s), s.LogValue().String(), display(s)} {
		if got != "[secret]" {
			t.Errorf("got %q", got)
		}
	}
	if out, err := Render(&sample{Kafka: kafka{Password: s}}); err != nil || !strings.Contains(string(out), "password: '[secret]'\n") {
		t.Errorf("rendered %s, %v", out, err)
	}
	for _, k := range Keys(&sample{Kafka: kafka{Password: s}}, "X") {
		check(k.Path, fmt.Sprint(k))
	}
	check("schema", string(JSONSchema(&sample{Kafka: kafka{Password: s}}, "", "")))
}

// Wherever a secret stands as a value in the place of a secret, or of
// something that would hold one, no error repeats it.
func TestErrorsNeverShowSecrets(t *testing.T) {
	values := []string{
		canary, `"` + canary + `"`, "'" + canary + "'", "*" + canary, "&" + canary + " x", "!" + canary + " x", "!!" + canary,
		"@" + canary, "%" + canary, "`" + canary, "[" + canary, "{" + canary + ": ", "[" + canary + "]", "[[" + canary + "]]",
		"{env: " + canary + "}", "|\n    " + canary, ">\n    " + canary, `"` + canary, "'" + canary, canary + ": x", "<<: " + canary,
		"file:" + canary, "Env:" + canary, "env:" + canary, " env: " + canary, "-----BEGIN " + canary, "\"\\x" + canary + "\"",
		strings.Repeat("x", 100) + canary, canary + "\x01", canary + "\xff",
	}
	places := []string{
		"kafka: %s", "kafka:\n  password: %s", "kafka: {brokers: [a:1], password: %s}", "tls: %s", "tls:\n  key: %s",
		"webhooks: %s", "webhooks:\n  - %s", "webhooks:\n  - token: %s", "webhooks: [{token: %s}]",
		"kafka:\n  pasword: %s", "kafka:\n  password: env:A\n  password: %s", "webhooks: {token: %s}", "password: %s",
	}
	for _, place := range places {
		for _, value := range values {
			in := strings.ReplaceAll(place, "%s", value)
			err := Decode([]byte(in), defaults())
			if err == nil {
				t.Errorf("accepted:\n%s", in)
			} else if strings.Contains(err.Error(), canary) && !isKey(value) {
				t.Errorf("%s\n%v", in, err)
			}
		}
	}
	for _, key := range Keys(&sample{}, "S") {
		for _, value := range []string{canary, "[" + canary, "env: " + canary, "*" + canary, "[{token: " + canary + "}]"} {
			err := Environment(defaults(), "S", []string{key.Env + "=" + value})
			if err != nil && strings.Contains(err.Error(), canary) && (key.Type == "secret" || strings.Contains(key.Path, "webhooks")) {
				t.Errorf("%s=%s\n%v", key.Env, value, err)
			}
		}
	}
	if err := Environment(defaults(), "S", []string{"S_KAFKA_PASWORD=" + canary, "S_NONE=" + canary}); err == nil || strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}

// isKey tells whether the canary is a key in the value: the names of unknown
// keys are shown.
func isKey(value string) bool {
	return strings.Contains(value, canary+":")
}

func TestSecretReferences(t *testing.T) {
	check := func(in string, ok bool) {
		t.Helper()
		got := defaults()
		err := Decode([]byte("kafka: {brokers: [a:1], password: '"+in+"'}"), got)
		if (err == nil) != ok {
			t.Errorf("%s: %v", in, err)
		}
		if ok && got.Kafka.Password.reference() != in {
			t.Errorf("%s became %s", in, got.Kafka.Password.reference())
		}
	}
	check("env:NAME", true)
	check("env:_n4me", true)
	check("file:/run/secrets/x y", true)
	check("env:", false)
	check("env:4NAME", false)
	check("env: NAME", false)
	check("env:NAME ", false)
	check("file:", false)
	check("file:relative", false)
	check("file:/", false)
	check("ENV:NAME", false)
	check("literal", false)
	check("", false)
}

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	env := map[string]string{"SET": "from env", "EMPTY": ""}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	check := func(reference, want, problem string) {
		t.Helper()
		var s Secret
		if err := s.refer(reference); err != nil {
			t.Fatal(err)
		}
		err := s.Resolve(lookup, os.ReadFile)
		switch {
		case problem == "" && (err != nil || s.Reveal() != want):
			t.Errorf("%s: %v", reference, err)
		case problem != "" && (err == nil || !strings.Contains(err.Error(), problem)):
			t.Errorf("%s: %v", reference, err)
		}
	}
	check("env:SET", "from env", "")
	check("env:UNSET", "", "the environment variable UNSET is not set")
	check("env:EMPTY", "", "env:EMPTY has 0 bytes")
	check("file:"+write("plain", "s3cret"), "s3cret", "")
	check("file:"+write("newline", "s3cret\n"), "s3cret", "")
	check("file:"+write("crlf", "s3cret\r\n"), "s3cret", "")
	check("file:"+write("two", " s3cret\n\n"), " s3cret\n", "")
	check("file:"+write("empty", "\n"), "", "has 0 bytes")
	check("file:"+write("huge", strings.Repeat("x", maxSecret+1)), "", "has 65537 bytes")
	check("file:"+filepath.Join(dir, "missing"), "", "no such file")
}

func TestResolveWholeStruct(t *testing.T) {
	in := minimal[:len(minimal)-2] + `, password: env:A}
tls: {cert: c, key: env:B}
webhooks: [{token: env:C}, {}, {token: env:A}]
`
	got := defaults()
	if err := Decode([]byte(in), got); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"A": "a"}
	lookup := func(name string) (string, bool) { v, ok := env[name]; return v, ok }
	want := `tls.key: cannot resolve secret: the environment variable B is not set
webhooks[0].token: cannot resolve secret: the environment variable C is not set`
	if err := Resolve(got, lookup, os.ReadFile); err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	env["B"], env["C"] = "b", "c"
	if err := Resolve(got, lookup, os.ReadFile); err != nil {
		t.Fatal(err)
	}
	if s := got.Kafka.Password.Reveal() + got.TLS.Key.Reveal() + got.Webhooks[0].Token.Reveal() + got.Webhooks[1].Token.Reveal(); s != "abc" {
		t.Errorf("revealed %q", s)
	}
}

func TestSecretLifecycle(t *testing.T) {
	var s Secret
	if s.IsSet() || s.Reveal() != "" || s.Resolve(nil, nil) != nil {
		t.Error("an unset secret is something")
	}
	if direct := NewSecret("x"); !direct.IsSet() || direct.Resolve(nil, nil) != nil || direct.Reveal() != "x" {
		t.Error("a direct secret is not itself")
	}
	if err := s.refer("env:X"); err != nil || !s.IsSet() {
		t.Fatal(err)
	}
	func() {
		defer func() {
			if recover() == nil {
				t.Error("an unresolved secret was revealed")
			}
		}()
		s.Reveal()
	}()
	// A copy follows when the secret is rotated, also while it is in use, and a
	// failure keeps the old value.
	earlier := s
	give := func(value string) func(string) (string, bool) {
		return func(string) (string, bool) { return value, true }
	}
	if err := s.Resolve(give("one"), nil); err != nil {
		t.Fatal(err)
	}
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			if got := earlier.Reveal(); got != "one" && got != "two" {
				t.Errorf("revealed %q", got)
			}
		})
	}
	if err := s.Resolve(give("two"), nil); err != nil {
		t.Fatal(err)
	}
	readers.Wait()
	if err := s.Resolve(func(string) (string, bool) { return "", false }, nil); err == nil {
		t.Error("resolved from nothing")
	}
	if earlier.Reveal() != "two" {
		t.Error("the copy has another value")
	}
	broken := errors.New("broken disk")
	if err := s.refer("file:/x"); err != nil {
		t.Fatal(err)
	}
	if err := s.Resolve(nil, func(string) ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}
