package strict

import (
	"errors"
	"time"
)

// Date is a day of the calendar, written YYYY-MM-DD. The zero Date is no date.
// Dates compare with ==.
type Date struct{ day time.Time }

// NewDate returns a date; days beyond the month's end run over like in [time.Date].
func NewDate(year int, month time.Month, day int) Date {
	return Date{time.Date(year, month, day, 0, 0, 0, 0, time.UTC)}
}

// UnmarshalText accepts YYYY-MM-DD, a day that exists, from 0001-01-02.
func (d *Date) UnmarshalText(in []byte) error {
	day, err := time.Parse(time.DateOnly, string(in))
	if err != nil || day.IsZero() {
		return errors.New("want a date that exists, such as 2026-01-31")
	}
	d.day = day
	return nil
}

// Start is midnight UTC, the first moment of the date.
func (d Date) Start() time.Time { return d.day }

// IsZero tells whether there is no date.
func (d Date) IsZero() bool { return d.day.IsZero() }

// Before tells whether the date is earlier than the other.
func (d Date) Before(other Date) bool { return d.day.Before(other.day) }

// String is YYYY-MM-DD, or empty for no date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	return d.day.Format(time.DateOnly)
}

// MarshalText is String.
func (d Date) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Pattern is the regular expression of a date.
func (Date) Pattern() string { return `^[0-9]{4}-[0-9]{2}-[0-9]{2}$` }
