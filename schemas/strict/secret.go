package strict

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"strings"
	"sync/atomic"
)

// Secret is a password, token or key. A document never holds one, only where to
// find it: `env:NAME` or `file:/path`. It prints as [secret] whatever prints it.
// What it holds is behind a pointer, so that printing a struct around it by
// reflection shows an address at most, and so that copies share it: a Secret
// that is resolved again changes for all who have a copy.
type Secret struct{ held *held }

type held struct {
	reference string
	value     atomic.Pointer[string]
	shape     atomic.Pointer[func(value string) error]
}

const (
	redacted      = "[secret]"
	secretPattern = `^(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)$`
	maxSecret     = 64 << 10 // bytes; more is the wrong file
)

var secretReference = regexp.MustCompile(secretPattern)

// NewSecret holds a value that is known already.
func NewSecret(value string) Secret {
	h := &held{}
	h.value.Store(&value)
	return Secret{h}
}

// refer takes what a document says. It never repeats it.
func (s *Secret) refer(in string) error {
	if !secretReference.MatchString(in) {
		return errors.New("a secret is not written here; want env:NAME (an environment variable) or file:/path (an absolute path)")
	}
	s.held = &held{reference: in}
	return nil
}

func (s Secret) reference() string {
	if s.held == nil {
		return ""
	}
	return s.held.reference
}

// IsSet tells whether there is a secret, resolved or not.
func (s Secret) IsSet() bool { return s.held != nil }

// Reveal returns the secret, empty if none is set. It may be called at any time
// and by many at once, but not before Resolve: it panics then, lest an empty
// key sign or an empty password open anything.
func (s Secret) Reveal() string {
	if s.held == nil {
		return ""
	}
	value := s.held.value.Load()
	if value == nil {
		panic("strict: a secret is revealed before it is resolved")
	}
	return *value
}

// Resolve fetches the secret that the reference names, for which os.LookupEnv
// and os.ReadFile serve; one newline at the end of a file is not part of it. It may
// be called again, to notice a rotated secret; after an error the old value stays. A
// secret that is unset or was given directly needs nothing.
//
// The mode of the file is not judged: secrets mounted by an orchestrator are
// often readable by all inside their container.
func (s Secret) Resolve(lookupEnv func(string) (string, bool), readFile func(string) ([]byte, error)) error {
	name, isEnv := strings.CutPrefix(s.reference(), "env:")
	path, isFile := strings.CutPrefix(s.reference(), "file:")
	var value string
	switch {
	case isEnv:
		var ok bool
		if value, ok = lookupEnv(name); !ok {
			return fmt.Errorf("cannot resolve secret: the environment variable %s is not set", name)
		}
	case isFile:
		data, err := readFile(path)
		if err != nil {
			return fmt.Errorf("cannot resolve secret: %w", err)
		}
		value = strings.TrimSuffix(strings.TrimSuffix(string(data), "\n"), "\r")
	default:
		return nil
	}
	if value == "" || len(value) > maxSecret {
		return fmt.Errorf("cannot resolve secret: %s has %d bytes, want 1 to %d", s.reference(), len(value), maxSecret)
	}
	if shape := s.held.shape.Load(); shape != nil {
		if err := (*shape)(value); err != nil {
			return fmt.Errorf("cannot resolve secret: %s: %w", s.reference(), err)
		}
	}
	s.held.value.Store(&value)
	return nil
}

// Require judges the secret as it is, and from now on whatever Resolve finds: what
// shape refuses does not replace what it did not. The error must not tell the
// value. It may be called at any time, but not before Resolve.
func (s Secret) Require(shape func(value string) error) error {
	if err := shape(s.Reveal()); err != nil || s.held == nil {
		return err
	}
	s.held.shape.Store(&shape)
	return nil
}

// Resolve resolves every [Secret] in the struct that into points to. The error
// names the paths, and joins all that failed.
func Resolve(into any, lookupEnv func(string) (string, bool), readFile func(string) ([]byte, error)) error {
	var failed Errors
	s, v := rootOf(into)
	secrets(s, v, "", func(path string, secret Secret) {
		if err := secret.Resolve(lookupEnv, readFile); err != nil {
			failed = append(failed, &Error{Path: path, Problem: err.Error()})
		}
	})
	return failed.sorted()
}

// Refresh resolves every [Secret] again, and tells whether one of them is another
// than before. One that cannot be had stays what it was.
func Refresh(into any, lookupEnv func(string) (string, bool), readFile func(string) ([]byte, error)) (changed bool, err error) {
	before := revealed(into)
	err = Resolve(into, lookupEnv, readFile)
	return !maps.Equal(before, revealed(into)), err
}

// revealed returns the secrets that are resolved, by path.
func revealed(into any) map[string]string {
	all := map[string]string{}
	s, v := rootOf(into)
	secrets(s, v, "", func(path string, secret Secret) {
		if secret.held != nil && secret.held.value.Load() != nil {
			all[path] = *secret.held.value.Load()
		}
	})
	return all
}

// secrets visits every secret at path and below.
func secrets(s *shape, v reflect.Value, path string, visit func(string, Secret)) {
	walk(s, v, path, func(s *shape, v reflect.Value, path string) {
		if s.kind == secret {
			visit(path, v.Interface().(Secret))
		}
	})
}

// Format, String, GoString, MarshalText and LogValue elide the secret.
func (Secret) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, redacted) }
func (Secret) String() string               { return redacted }
func (Secret) GoString() string             { return redacted }
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
func (Secret) LogValue() slog.Value         { return slog.StringValue(redacted) }
