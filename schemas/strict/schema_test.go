package strict

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

const schemaID = "https://example.org/sample.schema.json"

// compile returns a check of YAML documents against the schema of a struct.
func compile(t testing.TB, of any) func(doc []byte) error {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema(of, "Sample", schemaID)))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource(schemaID, doc); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile(schemaID)
	if err != nil {
		t.Fatal(err)
	}
	return func(in []byte) error {
		var n yaml.Node
		if err := yaml.Unmarshal(in, &n); err != nil {
			return err
		}
		return compiled.Validate(plain(&n))
	}
}

// plain is what JSON would have in the place of a YAML node.
func plain(n *yaml.Node) any {
	switch n.Kind {
	case yaml.DocumentNode:
		if root := n.Content[0]; root.Tag != "!!null" || root.Value != "" {
			return plain(root)
		}
	case yaml.SequenceNode:
		out := []any{}
		for _, item := range n.Content {
			out = append(out, plain(item))
		}
		return out
	case yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i < len(n.Content); i += 2 {
			out[n.Content[i].Value] = plain(n.Content[i+1])
		}
		return out
	case yaml.ScalarNode:
		switch n.Tag {
		case "!!null":
			return nil
		case "!!bool":
			return n.Value == "true"
		case "!!int", "!!float":
			return json.Number(n.Value)
		}
		return n.Value
	}
	return map[string]any{} // the empty document
}

func TestSchemaIsGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/sample.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if got := JSONSchema(defaults(), "Sample", schemaID); !bytes.Equal(append(got, '\n'), want) {
		t.Errorf("got\n%s", got)
	}
}

// What can be said in JSON Schema, the schema and Decode judge alike.
func TestSchemaAgreesWithDecode(t *testing.T) {
	valid := compile(t, defaults())
	check := func(good bool, in string) {
		t.Helper()
		decodes, validates := Decode([]byte(in), defaults()), valid([]byte(in))
		if (decodes == nil) != good || (validates == nil) != good {
			t.Errorf("%s\nDecode: %v\nschema: %v", in, decodes, validates)
		}
	}
	for _, in := range corpus(t, "good") {
		check(true, string(in))
	}
	check(true, minimal)
	check(true, minimal+"debug: false")
	check(true, minimal+"port: 0")
	check(true, minimal+"ratio: 3")
	check(true, minimal+"timeout: 0s")
	check(true, minimal+"timeout: 1.5h")
	check(true, minimal+"timeout: 30d")
	check(true, minimal+"limit: 0B")
	check(true, minimal+"since: 2026-01-31")
	check(true, minimal+"allow: []")
	check(true, minimal+"sites: {}")
	check(true, minimal+"sites: {a: {name: x, purposes: [social]}}")
	check(true, minimal+"webhooks: [{}]")
	check(true, minimal+"tls: {cert: c, key: 'env:K'}")
	check(true, minimal+"limits: {social: -1}")

	check(false, "")
	check(false, "{}")
	check(false, "kafka: {}")
	check(false, "[]")
	check(false, "text")
	check(false, minimal+"Debug: true")
	check(false, minimal+"debug: 1")
	check(false, minimal+"debug: 'true'")
	check(false, minimal+"debug: null")
	check(false, minimal+"site: 5")
	check(false, minimal+"site: [a]")
	check(false, minimal+"port: -1")
	check(false, minimal+"port: 65536")
	check(false, minimal+"port: 1.5")
	check(false, minimal+"port: '1'")
	check(false, minimal+"ratio: '1'")
	check(false, minimal+"timeout: 90")
	check(false, minimal+"timeout: -1s")
	check(false, minimal+"timeout: 1d12h")
	check(false, minimal+"timeout: ''")
	check(false, minimal+"limit: 64")
	check(false, minimal+"limit: 64 KiB")
	check(false, minimal+"limit: 64kib")
	check(false, minimal+"since: 2026-1-1")
	check(false, minimal+"purpose: other")
	check(false, minimal+"allow: 10.0.0.0/8")
	check(false, minimal+"allow: [1]")
	check(false, minimal+"allow: ['']")
	check(false, minimal+"tls: {cert: c}")
	check(false, minimal+"tls: {cert: c, key: literal}")
	check(false, minimal+"tls: {cert: c, key: 'file:relative'}")
	check(false, minimal+"tls: null")
	check(false, minimal+"sites: {a: {}}")
	check(false, minimal+"sites: {a: {name: x, nmae: y}}")
	check(false, minimal+"sites: []")
	check(false, minimal+"limits: {other: 1}")
	check(false, minimal+"limits: {social: x}")
	check(false, minimal+"webhooks: [{token: 5}]")
	check(false, minimal+"webhooks: {}")
	check(false, minimal+"labels: {a: x}")
	check(false, minimal+"hidden: 1")
}
