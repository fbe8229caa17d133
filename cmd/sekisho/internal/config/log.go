package config

import (
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
)

// Level is how much the log says.
type Level string

// Allowed lists the levels.
func (Level) Allowed() []string { return []string{"debug", "info", "warn", "error"} }

// UnmarshalText accepts a level's name.
func (l *Level) UnmarshalText(text []byte) error { return oneOf(l.Allowed(), text, l) }

// MarshalText returns the level's name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l), nil }

// Format is the log's form.
type Format string

// Allowed lists the forms.
func (Format) Allowed() []string { return []string{"text", "json"} }

// UnmarshalText accepts a form's name.
func (f *Format) UnmarshalText(text []byte) error { return oneOf(f.Allowed(), text, f) }

// MarshalText returns the form's name.
func (f Format) MarshalText() ([]byte, error) { return []byte(f), nil }

func oneOf[S ~string](allowed []string, text []byte, into *S) error {
	if !slices.Contains(allowed, string(text)) {
		return fmt.Errorf("must be one of %s", strings.Join(allowed, ", "))
	}
	*into = S(text)
	return nil
}

// Logger makes the log that the configuration asks for.
func (l Log) Logger(to io.Writer) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(l.Level)) // the names are slog's own
	options := &slog.HandlerOptions{Level: level}
	if l.Format == "json" {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}
