package cases

import (
	"encoding/json"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"
)

var errAlias = errors.New("must not have anchors and aliases")

// appendJSON appends a YAML value as JSON. Dates and times stay the texts that
// they are in events.
func appendJSON(b []byte, n *yaml.Node) ([]byte, error) {
	var err error
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		return nil, errAlias
	case n.Kind == yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i < len(n.Content); i += 2 {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendText(b, n.Content[i].Value); err != nil {
				return nil, err
			}
			b = append(b, ':')
			if b, err = appendJSON(b, n.Content[i+1]); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	case n.Kind == yaml.SequenceNode:
		b = append(b, '[')
		for i, item := range n.Content {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = appendJSON(b, item); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
	switch n.Tag {
	case "!!str", "!!timestamp":
		return appendText(b, n.Value)
	case "!!null":
		return append(b, "null"...), nil
	case "!!bool", "!!int", "!!float":
		if json.Valid([]byte(n.Value)) {
			return append(b, n.Value...), nil
		}
	}
	return nil, fmt.Errorf("line %d: must be as in JSON; put a text in quotes", n.Line)
}

func appendText(b []byte, text string) ([]byte, error) {
	quoted, err := json.Marshal(text)
	return append(b, quoted...), err
}
