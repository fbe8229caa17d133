package schemas

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// object is a JSON object that keeps its members' order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		key, _ := json.Marshal(m.key)
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// JSONSchema returns the published JSON Schema (draft 2020-12) of one event,
// as a client sends it. Each field's data category is in the annotation
// `x-category`. The file event.schema.json beside this one is its output.
//
// [Decoder] refuses a little more, which JSON Schema cannot say: a key that
// appears twice; a text that is too long in bytes and not in characters; a
// number of more than 32 bytes; a time that falls out of the years 0 to 9999
// in UTC; for a validator that does not assert `format`, a day that is not in
// the calendar. It compares numbers as IEEE 754 doubles.
func JSONSchema() []byte {
	properties := object{}
	for f := range definitions {
		properties = append(properties, member{definitions[f].Name, fieldSchema(&definitions[f])})
	}
	properties = append(properties,
		member{"properties", object{
			{"description", "The site's own properties, by the names and types that its handling policy declares."},
			{"type", "object"},
			{"maxProperties", MaxProperties},
			{"propertyNames", object{{"pattern", namePattern}, {"maxLength", 64}}},
			{"additionalProperties", object{
				{"type", []string{"string", "number", "boolean"}},
				{"maxLength", MaxPropertyText},
				{"pattern", textPattern},
				{"minimum", -math.MaxFloat64},
				{"maximum", math.MaxFloat64},
			}},
		}},
		member{"consent", object{
			{"description", "What the user chose, and the consent signals of the page or app. One that is not as described here is a refusal; it does not make the event invalid."},
			{"x-shape", consentSchema()},
		}},
	)
	schema := object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"$id", "https://sekisho.example/schemas/event/" + strconv.Itoa(Version)},
		{"title", "Sekisho event"},
		{"type", "object"},
		{"required", []string{Type.String(), Site.String()}},
		{"additionalProperties", false},
		{"properties", properties},
		{"allOf", requirements()},
	}
	out, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		panic(err) // only strings, numbers and lists are in it
	}
	return append(out, '\n')
}

// Patterns of the kinds, in what the regular expressions of ECMA-262, RE2, PCRE
// and others have in common: \x1f and not \u001f.
const (
	namePattern       = `^[A-Za-z0-9_.-]+$`
	identifierPattern = `^[!-~]+$`
	textPattern       = `^[^\x00-\x1f\x7f-\x9f]*$`
	addressPattern    = `^[hH][tT][tT][pP][sS]?://[^/?# \x00-\x1f\x7f-\x9f][^ \x00-\x1f\x7f-\x9f]*$`
	timestampPattern  = `^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`
	datePattern       = `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`
	uuidPattern       = `^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`
)

func fieldSchema(d *Definition) object {
	schema := object{{"description", d.Doc}, {"x-category", d.Category.String()}}
	text := func(pattern string) object {
		schema = append(schema, member{"type", "string"}, member{"pattern", pattern})
		if d.Max > 0 {
			// Limits are in bytes, which JSON Schema cannot say.
			schema = append(schema, member{"maxLength", int(d.Max)})
		}
		return schema
	}
	switch d.Kind {
	case KindUUID:
		return text(uuidPattern)
	case KindType:
		return append(schema, member{"enum", eventTypeNames[:]})
	case KindTimestamp:
		return append(text(timestampPattern), member{"format", "date-time"})
	case KindIdentifier:
		return text(identifierPattern)
	case KindName:
		return text(namePattern)
	case KindURI:
		return text(addressPattern)
	case KindInteger:
		return append(schema, member{"type", "integer"}, member{"minimum", 0}, member{"maximum", d.Max})
	case KindDecimal:
		return append(schema, member{"type", "number"}, member{"minimum", 0}, member{"maximum", d.Max})
	default:
		return text(textPattern)
	}
}

// requirements says which fields each type cannot be without.
func requirements() (all []object) {
	for t := EventType(0); t < NumEventTypes; t++ {
		required := t.Requires()
		if len(required) == 0 {
			continue
		}
		names := make([]string, len(required))
		for i, f := range required {
			names[i] = f.String()
		}
		all = append(all, object{
			{"if", object{
				{"properties", object{{Type.String(), object{{"const", t.String()}}}}},
				{"required", []string{Type.String()}},
			}},
			{"then", object{{"required", names}}},
		})
	}
	return all
}

func consentSchema() object {
	properties := object{}
	for p := Purpose(0); p < NumPurposes; p++ {
		if OptionalPurposes.Has(p) {
			properties = append(properties, member{p.String(), object{{"type", "boolean"}}})
		}
	}
	properties = append(properties, member{"policy", object{
		{"description", "Version (date) of the policy that was consented to."},
		{"type", "string"}, {"pattern", datePattern},
	}})
	properties = append(properties, member{"time", object{
		{"description", "When the user chose, of an event that waited for it: the event is of the visitor who made that choice. A retry bears the same time."},
		{"type", "string"}, {"pattern", timestampPattern}, {"format", "date-time"},
	}})
	for _, name := range strings.Fields("tcf additional_consent gpp gpp_sections us_privacy gcs gcd onetrust onetrust_closed cookiebot didomi usercentrics att") {
		properties = append(properties, member{name, object{{"type", "string"}, {"minLength", 1}}})
	}
	for _, name := range strings.Fields("limit_ad_tracking gpc dnt gdpr") {
		properties = append(properties, member{name, object{{"enum", []any{true, false, "0", "1"}}}})
	}
	properties = append(properties, member{"categories", object{{"type", "object"}}})
	return object{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}}
}
