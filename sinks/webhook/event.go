package webhook

import (
	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// Project writes the event as a JSON object, whatever it is.
func (k *Kind) Project(b []byte, e *forward.Event) (body []byte, group string, err error) {
	b = forward.AppendText(append(b, '{'), "id", e.ID)
	b = forward.AppendText(b, "type", e.Type.String())
	b = forward.AppendText(b, "site", e.Site)
	b = forward.AppendText(b, "time", e.Get(schemas.Time))
	if e.Jurisdiction != "" {
		b = forward.AppendText(b, "jurisdiction", e.Jurisdiction)
	}
	for _, flag := range flags {
		if e.Flags.Has(flag.is) {
			b = forward.AppendRaw(b, flag.name, "true")
		}
	}
	for f := schemas.Time + 1; f < schemas.NumFields; f++ {
		if e.Has(f) {
			b = appendField(b, e, f)
		}
	}
	if len(e.Properties) == 0 {
		return append(b, '}'), "", nil
	}
	b = append(b, `,"properties":{`...)
	for i := range e.Properties {
		p := &e.Properties[i]
		b = forward.AppendRaw(b, p.Name, string(p.AppendValue(nil)))
	}
	return append(b, "}}"...), "", nil
}

var flags = []struct {
	is   schemas.GrantFlags
	name string
}{
	{schemas.AdUserData, "ad_user_data"}, {schemas.AdPersonalisation, "ad_personalization"}, {schemas.LimitedDataUse, "limited_data_use"},
}

func appendField(b []byte, e *forward.Event, f schemas.Field) []byte {
	if own, ok := e.Own(f); ok {
		return forward.AppendText(b, f.String(), own)
	}
	if p, ok := e.Pseudonym(f); ok {
		return forward.AppendText(b, f.String(), p.Hex())
	}
	text := e.Get(f)
	switch {
	case text == "":
		return b
	case f.Definition().Kind.Numeric():
		return forward.AppendRaw(b, f.String(), text)
	}
	return forward.AppendText(b, f.String(), text)
}
