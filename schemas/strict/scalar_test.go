package strict

import (
	"math"
	"regexp"
	"testing"
	"time"
)

func TestDurations(t *testing.T) {
	pattern := regexp.MustCompile(durationPattern)
	check := func(in string, want time.Duration, out string) {
		t.Helper()
		d, err := parseDuration(in)
		if err != nil || d != want || durationString(d) != out || !pattern.MatchString(in) || !pattern.MatchString(out) {
			t.Errorf("%q is %v, written %s, %v", in, d, durationString(d), err)
		}
		if again, err := parseDuration(out); err != nil || again != d {
			t.Errorf("%s, written for %q, is %v, %v", out, in, again, err)
		}
	}
	check("0s", 0, "0s")
	check("250us", 250*time.Microsecond, "250us")
	check("250ms", 250*time.Millisecond, "250ms")
	check("90s", 90*time.Second, "1m30s")
	check("15m", 15*time.Minute, "15m")
	check("1.5h", 90*time.Minute, "1h30m")
	check("10h", 10*time.Hour, "10h")
	check("1h0m1s", time.Hour+time.Second, "1h0m1s")
	check("24h", 24*time.Hour, "1d")
	check("36h", 36*time.Hour, "36h")
	check("400d", 9600*time.Hour, "400d")
	check("106751d", 106751*24*time.Hour, "106751d")

	refuse := func(in string) {
		t.Helper()
		if d, err := parseDuration(in); err == nil {
			t.Errorf("%q is %v", in, d)
		}
	}
	refuse("")
	refuse("0")
	refuse("90")
	refuse("-1s")
	refuse("+1s")
	refuse("1 s")
	refuse("1S")
	refuse("1w")
	refuse(".5s")
	refuse("1d12h")
	refuse("1.5d")
	refuse("106752d")
	refuse("9223372036854775808d")
	refuse("300000000h")
	refuse("1s\n")
}

func TestSizes(t *testing.T) {
	pattern := regexp.MustCompile(Size(0).Pattern())
	check := func(in string, want Size, out string) {
		t.Helper()
		var s, again Size
		if err := s.UnmarshalText([]byte(in)); err != nil || s != want || s.String() != out || !pattern.MatchString(in) {
			t.Errorf("%q is %d, written %v, %v", in, s, s, err)
		}
		if err := again.UnmarshalText([]byte(out)); err != nil || again != s {
			t.Errorf("%s, written for %q, is %d, %v", out, in, again, err)
		}
	}
	check("0B", 0, "0B")
	check("0GiB", 0, "0B")
	check("1B", 1, "1B")
	check("1000B", 1000, "1KB")
	check("1024B", 1024, "1KiB")
	check("64KiB", 65536, "64KiB")
	check("10MB", 10_000_000, "10MB")
	check("3GB", 3_000_000_000, "3GB")
	check("1024GiB", 1<<40, "1TiB")
	check("8388607TiB", 8388607<<40, "8388607TiB")
	check("9223372036854775807B", math.MaxInt64, "9223372036854775807B")

	refuse := func(in string) {
		t.Helper()
		var s Size
		if err := s.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is %d", in, s)
		}
	}
	refuse("")
	refuse("64")
	refuse("KiB")
	refuse("-1B")
	refuse("1.5MB")
	refuse("64 KiB")
	refuse("64kib")
	refuse("064B")
	refuse("8388608TiB")
	refuse("9223372036854775808B")
	refuse("1PB")
}

func TestDates(t *testing.T) {
	check := func(in string, want Date) {
		t.Helper()
		var d Date
		if err := d.UnmarshalText([]byte(in)); err != nil || d != want || d.String() != in {
			t.Errorf("%q is %v, %v", in, d, err)
		}
	}
	check("2026-01-31", NewDate(2026, time.January, 31))
	check("2024-02-29", NewDate(2024, time.February, 29))
	check("0001-01-02", NewDate(1, time.January, 2))

	refuse := func(in string) {
		t.Helper()
		var d Date
		if err := d.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q is %v", in, d)
		}
	}
	refuse("")
	refuse("2026-1-31")
	refuse("2026-02-29")
	refuse("2026-01-31T00:00:00Z")
	refuse("31.01.2026")
	refuse("0001-01-01") // is no date

	first, second := NewDate(2026, time.January, 31), NewDate(2026, time.January, 32)
	if !first.Before(second) || second.Before(first) || second.String() != "2026-02-01" || !second.Start().Equal(time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)) {
		t.Error(first, second)
	}
	if (Date{}).String() != "" || !(Date{}).IsZero() {
		t.Error("the zero date is a date")
	}
}

func TestDidYouMean(t *testing.T) {
	known := []string{"brokers", "batch_size", "tls", "linger"}
	check := func(in, want string) {
		t.Helper()
		if want != "" {
			want = `did you mean "` + want + `"? `
		}
		if got := didYouMean(in, known); got != want {
			t.Errorf("%q: %s", in, got)
		}
	}
	check("brkers", "brokers")
	check("borkers", "brokers")
	check("Brokers", "brokers")
	check("batchSize", "batch_size")
	check("batch-size", "batch_size")
	check("tsl", "tls")
	check("ssl", "")
	check("lingerer", "linger")
	check("zebra", "")
	check("", "")
	check("日本語", "")
}
