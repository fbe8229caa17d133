package forward

import "sekisho/schemas"

// AppendText appends a member of a JSON object, with a comma unless it is the
// first: a name and a text.
func AppendText(b []byte, name, text string) []byte {
	return schemas.AppendString(appendName(b, name), text)
}

// AppendRaw appends a member whose value is JSON already, such as a number.
func AppendRaw(b []byte, name, value string) []byte {
	return append(appendName(b, name), value...)
}

func appendName(b []byte, name string) []byte {
	if n := len(b); n > 0 && b[n-1] != '{' {
		b = append(b, ',')
	}
	return append(schemas.AppendString(b, name), ':')
}
