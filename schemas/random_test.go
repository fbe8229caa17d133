package schemas

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// writer makes random events, of which some fit the schema. It leaves out what
// only the decoder can judge; see JSONSchema.
type writer struct{ *rand.Rand }

func pick[T any](w writer, list ...T) T { return list[w.IntN(len(list))] }

// one reports whether a chance of one in n came true.
func (w writer) one(n int) bool { return w.IntN(n) == 0 }

func (w writer) event() string {
	kind := eventTypeNames[w.IntN(NumEventTypes)]
	members := []string{`"type":"` + kind + `"`, `"site":"shop"`}
	required := map[string]bool{}
	if !w.one(20) {
		var t EventType
		_ = t.UnmarshalText([]byte(kind))
		for _, f := range t.Requires() {
			required[f.String()] = true
		}
	}
	for f := Field(0); f < NumFields; f++ {
		if f != Type && f != Site && (required[f.String()] || w.one(20)) {
			members = append(members, `"`+f.String()+`":`+w.value(f))
		}
	}
	if w.one(20) {
		members[w.IntN(2)] = `"` + pick(w, "type", "site") + `":` + w.value(pick(w, Type, Site))
		if members[0][:4] == members[1][:4] {
			members = members[1:]
		}
	}
	if w.one(3) {
		members = append(members, `"properties":`+w.properties())
	}
	if w.one(5) {
		members = append(members, `"consent":`+pick(w, malformedConsents...))
	}
	if w.one(30) {
		members = append(members, `"`+w.text(4, false)+`unknown":1`)
	}
	w.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
	return "{" + strings.Join(members, ",") + "}"
}

func (w writer) properties() string {
	if w.one(20) {
		return pick(w, `null`, `[]`, `"a"`, `1`)
	}
	n := w.IntN(5)
	if w.one(10) {
		n = MaxProperties + w.IntN(2)
	}
	var members []string
	for i := range n {
		name, value := "p"+strconv.Itoa(i), pick(w, `true`, `false`, w.number(1<<53), `"`+w.text(20, false)+`"`)
		if w.one(20) {
			name += pick(w, w.text(4, true), strings.Repeat("p", 61+w.IntN(3)))
		}
		if w.one(20) {
			value = pick(w, `null`, `[]`, `{}`, `"`+strings.Repeat("x", MaxPropertyText+w.IntN(2))+`"`, w.number(1e300), `1e309`)
		}
		members = append(members, `"`+name+`":`+value)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// value writes a value for the field: mostly of the right JSON type, often of
// the right form, now and then around its limit.
func (w writer) value(f Field) string {
	d := f.Definition()
	if w.one(50) {
		return pick(w, `null`, `true`, `[]`, `{}`, `["a"]`, `"1"`, `1`)
	}
	if d.Kind.Numeric() {
		return w.number(d.Max)
	}
	if w.one(40) && d.Max > 0 {
		text := strings.Repeat("a", int(d.Max)+w.IntN(2))
		if d.Kind == KindURI {
			text = "https://" + text[8:]
		}
		return `"` + text + `"`
	}
	var text string
	switch d.Kind {
	case KindUUID:
		text = fmt.Sprintf("%08x-%04x-7%03x-a%03X-%012x", w.Uint32(), w.IntN(1<<16), w.IntN(1<<12), w.IntN(1<<12), w.Int64N(1<<48))
	case KindType:
		text = eventTypeNames[w.IntN(NumEventTypes)]
	case KindTimestamp:
		text = fmt.Sprintf("%04d-%02d-%02dT%02d:%02d:%02d", 1+w.IntN(9998), 1+w.IntN(12), 1+w.IntN(31), w.IntN(24), w.IntN(60), w.IntN(60)) +
			pick(w, "", "", ".5", ".123456789", ".1234567890", ".") + pick(w, "Z", "Z", "+09:00", "-23:59", "+24:00", "z", "")
	case KindURI:
		text = pick(w, "https://", "http://", "https://", "http://", "HTTP://", "ftp://", "//", "") +
			pick(w, "a", "shop.example/", "本", "", "/", "?", "#") + w.text(20, true)
	default:
		text = w.text(min(30, int(d.Max)/4), d.Kind != KindText)
	}
	if w.one(40) && text != "" { // another character somewhere
		i := w.IntN(len(text))
		if text[i] < 0x80 && !strings.Contains(text, `\`) {
			text = text[:i] + w.character(w.one(2)) + text[i+1:]
		}
	}
	return `"` + text + `"`
}

// text writes up to n characters as they stand in a JSON string; a name's
// characters mostly, or any.
func (w writer) text(n int, name bool) string {
	var b strings.Builder
	for range w.IntN(n + 1) {
		if name {
			b.WriteByte("abcXYZ019_.-"[w.IntN(12)])
		} else {
			b.WriteString(w.character(false))
		}
	}
	if name && w.one(30) {
		b.WriteString(w.character(w.one(2)))
	}
	return b.String()
}

func (w writer) character(odd bool) string {
	if odd || w.one(100) {
		return pick(w, `\u0000`, `\u001f`, `\n`, `\t`, `\u007f`, "\x7f", `\u0080`, "\u0085", `\u009f`, " ", `\"`)
	}
	return pick(w, "a", "Z", "0", "_", ".", "-", " ", "~", "!", "@", "/", ":", "?", "#", `\/`, `\"`, `\\`, "é", "本", `\u672c`, "📚", `\ud83d\udcda`, `\ud83d`, `\udcda`, "\u00a0", `\u2028`)
}

// number writes a number up to limit, or around it, in one of many forms that
// a double holds exactly enough for the limits.
func (w writer) number(limit float64) string {
	n := w.Float64() * limit
	switch w.IntN(20) {
	case 0:
		return "-" + strconv.FormatFloat(n, 'g', 5, 64)
	case 1:
		return strconv.FormatFloat(limit+1, 'g', -1, 64)
	case 2:
		return strconv.FormatFloat(limit, 'e', -1, 64)
	case 3:
		return pick(w, `0`, `-0`, `0.0`, `-0.0`, `0e5`, `1.0`, `1e0`, `10e-1`, `1e1`, `0.5e1`, `5e-1`, `1e-5`, `1E2`, `1e+2`)
	case 4:
		return strconv.FormatFloat(min(n, 1<<50), 'f', 2, 64)
	case 5, 6:
		return strconv.FormatFloat(n, 'g', 3, 64)
	}
	return strconv.FormatFloat(float64(int64(min(n, 1<<53))), 'f', 0, 64)
}

// The decoder and the published schema judge random events alike.
func TestDecoderAgreesWithSchemaAtRandom(t *testing.T) {
	const events = 4000
	schema := eventSchema(t)
	seed := rand.Uint64()
	w := writer{rand.New(rand.NewPCG(seed, 0))}
	good := 0
	for range events {
		event := w.event()
		fit, problem := fits(t, schema, []byte(event)), decodeOne(t, []byte(event))
		if fit != (problem == "") {
			t.Errorf("seed %d: the schema says %v, the decoder %q: %s", seed, fit, problem, event)
		}
		if fit {
			good++
		}
	}
	if good < events/5 || good > events*4/5 {
		t.Errorf("seed %d: %d of %d events fit: the test has lost its point", seed, good, events)
	}
}
