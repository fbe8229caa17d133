package clickhouse

import (
	"context"
	"database/sql"
	"errors"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"

	"sekisho/stream"
)

// unansweredError: ClickHouse was asked, and the answer did not come.
type unansweredError struct{ cause error }

func (e *unansweredError) Error() string { return e.cause.Error() }
func (e *unansweredError) Unwrap() error { return e.cause }

// unanswered marks the error of a statement unless ClickHouse itself has refused it, or
// has nothing to tell: only then would it do so again.
func unanswered(err error) error {
	if err == nil || errors.As(err, new(*ch.Exception)) || errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return &unansweredError{err}
}

// Ask has something asked that does no harm when it is asked twice, again with growing
// pauses while ClickHouse does not answer, as when it is restarted, until ctx ends;
// report is told of each failure.
func Ask(ctx context.Context, report func(error, time.Duration), ask func() error) error {
	return stream.Retry(ctx, report, func() (again bool, err error) {
		err = ask()
		var lost *unansweredError
		return errors.As(err, &lost), err
	})
}
