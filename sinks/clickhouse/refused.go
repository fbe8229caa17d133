package clickhouse

import (
	"errors"

	client "github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
)

// refused says that ClickHouse does not take what is in a block, and will not
// however often it is sent. It quotes nothing of it, as ClickHouse's own words do.
type refused struct{ code proto.Error }

func (e *refused) Error() string { return "ClickHouse refuses it: " + e.code.Error() }

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
	if exception, ok := client.AsException(err); ok && refusals[exception.Code] {
		return &refused{exception.Code}
	}
	return nil
}
