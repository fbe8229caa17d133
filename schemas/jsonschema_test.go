package schemas

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func TestPublishedSchema(t *testing.T) {
	published, err := os.ReadFile("event.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, JSONSchema()) {
		t.Error("event.schema.json is not what JSONSchema returns; run `go generate ./schemas`")
	}
}

// eventSchema compiles the published schema as a validator that asserts formats.
func eventSchema(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(JSONSchema()))
	if err != nil {
		tb.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("event.json", document); err != nil {
		tb.Fatal(err)
	}
	schema, err := compiler.Compile("event.json")
	if err != nil {
		tb.Fatal(err)
	}
	return schema
}

// fits reports whether the event fits the schema.
func fits(tb testing.TB, schema *jsonschema.Schema, event []byte) bool {
	tb.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(event))
	if err != nil {
		tb.Fatalf("%.80s: %v", event, err)
	}
	return schema.Validate(document) == nil
}

// decodeOne returns what is wrong with an event, "" when nothing is.
func decodeOne(tb testing.TB, event []byte) string {
	tb.Helper()
	var d Decoder
	var e Event
	if _, err := d.Parse(append(append([]byte{'['}, event...), ']')); err != nil {
		tb.Fatalf("%.80s: %v", event, err)
	}
	if bad := d.Event(0, &e); bad != nil {
		return bad.Error()
	}
	return ""
}

// sample is a line of testdata/events.
type sample struct {
	Problem string          `json:"problem"`
	Event   json.RawMessage `json:"event"`
}

func samples(tb testing.TB, name string) (all []sample) {
	tb.Helper()
	file, err := os.Open("testdata/events/" + name + ".jsonl")
	if err != nil {
		tb.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var s sample
		if err := json.Unmarshal(lines.Bytes(), &s); err != nil {
			tb.Fatalf("%s: line %d: %v", file.Name(), len(all)+1, err)
		}
		all = append(all, s)
	}
	if lines.Err() != nil || len(all) == 0 {
		tb.Fatalf("%s: %d lines, %v", file.Name(), len(all), lines.Err())
	}
	return all
}

// The decoder and the published schema judge alike. The exceptions are those
// that the comment of JSONSchema names: the schema takes them.
func TestDecoderAgreesWithSchema(t *testing.T) {
	schema := eventSchema(t)
	check := func(name string, fit bool) {
		t.Helper()
		for i, s := range samples(t, name) {
			if got := fits(t, schema, s.Event); got != fit {
				t.Errorf("%s, line %d: the schema says %v: %.200s", name, i+1, got, s.Event)
			}
			if got := decodeOne(t, s.Event); got != s.Problem {
				t.Errorf("%s, line %d: the decoder says %q, not %q: %.200s", name, i+1, got, s.Problem, s.Event)
			}
		}
	}
	check("good", true)
	check("bad", false)
	check("exceptions", true)
}
