package strict

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// The lexical forms of JSON for numbers, so that 0x10, 1_000 and 007 are not
// guessed at; durations are those of [time.ParseDuration], or whole days.
const durationPattern = `^([0-9]+(\.[0-9]+)?(ns|us|ms|s|m|h))+$|^[0-9]+d$`

var errNoValue = errors.New("has no value; give one or leave the key out")

var (
	wholeNumber  = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	number       = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
	durationText = regexp.MustCompile(durationPattern)
)

// assign converts a text and stores it in v. It serves YAML scalars, map keys
// and environment variables alike, and returns what is wrong, which never
// contains the text of a secret.
func (s *shape) assign(v reflect.Value, in string) error {
	switch s.kind {
	case boolean:
		if in != "true" && in != "false" {
			return errors.New("want true or false")
		}
		v.SetBool(in == "true")
	case integer:
		return assignInteger(v, in)
	case float:
		f, err := strconv.ParseFloat(in, 64)
		if err != nil || !number.MatchString(in) {
			return errors.New("want a number such as 0.5")
		}
		v.SetFloat(f)
	case text:
		v.SetString(in)
	case duration:
		d, err := parseDuration(in)
		if err != nil {
			return err
		}
		v.SetInt(int64(d))
	case secret:
		return v.Addr().Interface().(*Secret).refer(in)
	case parsed:
		if in == "" { // some types take it for their zero value
			return errNoValue
		}
		err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(in))
		if names := s.allowed(); err != nil && names != nil {
			return fmt.Errorf("%swant one of: %s", didYouMean(in, names), strings.Join(names, ", "))
		}
		if err != nil { // its text may quote the value
			return errors.New(strings.ReplaceAll(err.Error(), in, cut(in, maxShown)))
		}
	case section:
		return fmt.Errorf("want: section with the keys %s", strings.Join(s.names(), ", "))
	default:
		return fmt.Errorf("want: %v", s)
	}
	return nil
}

func assignInteger(v reflect.Value, in string) error {
	bits := v.Type().Bits()
	ok := wholeNumber.MatchString(in)
	if v.CanUint() {
		n, err := strconv.ParseUint(in, 10, bits)
		if v.SetUint(n); ok && err == nil {
			return nil
		}
		return fmt.Errorf("want a whole number from 0 to %d", uint64(math.MaxUint64)>>(64-bits))
	}
	n, err := strconv.ParseInt(in, 10, bits)
	if v.SetInt(n); ok && err == nil {
		return nil
	}
	if bits == 64 {
		return errors.New("want a whole number in decimal, of at most 64 bits")
	}
	return fmt.Errorf("want a whole number from %d to %d", int64(math.MinInt64)>>(64-bits), int64(math.MaxInt64)>>(64-bits))
}

// parseDuration reads a duration that is not negative.
func parseDuration(in string) (time.Duration, error) {
	if wholeNumber.MatchString(in) {
		return 0, fmt.Errorf("want a duration with its unit, such as %ss, %sm or %sd", in, in, in)
	}
	days, isDays := strings.CutSuffix(in, "d")
	if isDays && durationText.MatchString(in) {
		const day = 24 * time.Hour
		if n, err := strconv.ParseInt(days, 10, 64); err == nil && n <= int64(math.MaxInt64/day) {
			return time.Duration(n) * day, nil
		}
	} else if durationText.MatchString(in) {
		if d, err := time.ParseDuration(in); err == nil {
			return d, nil
		}
	}
	return 0, errors.New("want a duration such as 250ms, 90s, 1h30m or 30d, at most 292 years")
}

func durationString(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	out := strings.ReplaceAll(d.String(), "µ", "u")
	for _, zero := range [][2]string{{"m0s", "m"}, {"h0m", "h"}} {
		if head, ok := strings.CutSuffix(out, zero[0]); ok {
			out = head + zero[1]
		}
	}
	return out
}

// isText tells whether the parser took a scalar for a text; dates have a tag of
// their own in YAML.
func isText(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && (n.Tag == "!!str" || n.Tag == "!!timestamp")
}

// quoting says how a scalar that converts was still written wrongly: 80 is not
// the text "80", nor "80" the number.
func (s *shape) quoting(n *yaml.Node) error {
	switch s.kind {
	case boolean, integer, float:
		if isText(n) {
			return fmt.Errorf("want: %v, without quotes", s)
		}
	default:
		if !isText(n) {
			return errors.New("want: text, in quotes")
		}
	}
	return nil
}
