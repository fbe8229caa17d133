package standin

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
)

// object is a JSON object; its values are string, json.Number, bool, nil,
// []any or object.
type object map[string]any

var errNotJSON = errors.New("the body is not one JSON value")

// parse reads one JSON value, and the paths of names that stand twice in one
// object, which [json.Unmarshal] would pass over.
func parse(body []byte) (value any, doubled []string, err error) {
	in := json.NewDecoder(bytes.NewReader(body))
	in.UseNumber()
	p := parser{in: in}
	value, err = p.value("", 0)
	if _, more := in.Token(); err != nil || !errors.Is(more, io.EOF) {
		return nil, nil, errNotJSON
	}
	return value, p.doubled, nil
}

type parser struct {
	in      *json.Decoder
	doubled []string
}

func (p *parser) value(path string, depth int) (any, error) {
	token, err := p.in.Token()
	if err != nil || depth > 32 {
		return nil, errNotJSON
	}
	switch token {
	case json.Delim('{'):
		members := object{}
		for p.in.More() {
			name, err := p.in.Token()
			if err != nil {
				return nil, err
			}
			at := join(path, name.(string))
			member, err := p.value(at, depth+1)
			if err != nil {
				return nil, err
			}
			if _, ok := members[name.(string)]; ok {
				p.doubled = append(p.doubled, at)
			}
			members[name.(string)] = member
		}
		_, err = p.in.Token()
		return members, err
	case json.Delim('['):
		items := []any{}
		for p.in.More() {
			item, err := p.value(index(path, len(items)), depth+1)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		_, err = p.in.Token()
		return items, err
	}
	return token, nil
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// whole returns a whole number, also one that is written as text.
func whole(v any) (int64, bool) {
	text, ok := v.(string)
	if n, is := v.(json.Number); is {
		text, ok = n.String(), true
	}
	n, err := strconv.ParseInt(text, 10, 64)
	return n, ok && err == nil
}

// number returns a JSON number.
func number(v any) (float64, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}
