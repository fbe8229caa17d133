package clickhouse

import (
	"errors"

	"github.com/ClickHouse/ch-go/proto"
	ch "github.com/ClickHouse/clickhouse-go/v2"
)

// refused says that ClickHouse, or the client before it, does not take what is
// in a block, and will not however often it is sent. It quotes nothing of it, as
// ClickHouse's own words do.
type refused struct{ code proto.Error }

func (e *refused) Error() string {
	if e.code == 0 {
		return "the value of a column cannot be written in its type"
	}
	return "ClickHouse refuses it: " + e.code.Error()
}

// refusals are the errors that are about the values of rows. All others are
// about the server, the table or the way to it: those may pass, and are tried
// again.
var refusals = map[proto.Error]bool{
	proto.ErrCannotParseText:                  true,
	proto.ErrCannotParseQuotedString:          true,
	proto.ErrCannotParseInputAssertionFailed:  true,
	proto.ErrCannotParseDate:                  true,
	proto.ErrCannotParseDatetime:              true,
	proto.ErrCannotParseNumber:                true,
	proto.ErrCannotParseUUID:                  true,
	proto.ErrArgumentOutOfBound:               true,
	proto.ErrCannotConvertType:                true,
	proto.ErrIncorrectData:                    true,
	proto.ErrTooLargeArraySize:                true,
	proto.ErrTooLargeStringSize:               true,
	proto.ErrIllegalDivision:                  true,
	proto.ErrValueIsOutOfRangeOfDataType:      true,
	proto.ErrCannotInsertNullInOrdinaryColumn: true,
	proto.ErrFunctionThrowIfValueIsNonZero:    true,
	proto.ErrDecimalOverflow:                  true,
	proto.ErrViolatedConstraint:               true,
	proto.ErrUnknownElementOfEnum:             true,
}

// refusal returns the error as a refusal of values, nil when it is none.
func refusal(err error) *refused {
	var r *refused
	if errors.As(err, &r) {
		return r
	}
	var exception *ch.Exception
	if errors.As(err, &exception) && refusals[proto.Error(exception.Code)] {
		return &refused{proto.Error(exception.Code)}
	}
	return nil
}
