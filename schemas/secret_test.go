package schemas

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// canaries are texts and numbers that no error may quote.
var canaries = []string{"taro@shop.example", "8675309867", "KANARIENVOGEL"}

func quotesCanary(err error) bool {
	if err == nil {
		return false
	}
	text := strings.ToLower(fmt.Sprintf("%v %+v %#v %q", err, err, err, err.Error()))
	for _, canary := range canaries {
		if strings.Contains(text, strings.ToLower(canary)) {
			return true
		}
	}
	return false
}

// canaryValues hold a canary in every JSON type,
// among them texts that no kind takes.
var canaryValues = []string{
	`"taro@shop.example"`, `"taro@shop.example\u0000"`, `"\ntaro@shop.example "`, `"taro@shop.example本"`, `"KANARIENVOGEL\ud83d"`,
	`"` + strings.Repeat("KANARIENVOGEL", 400) + `"`, `8675309867`, `-8675309867`, `8675309867.5`, `8675309867e300`, `8675309867e999`,
	`["taro@shop.example"]`, `{"KANARIENVOGEL ":"taro@shop.example"}`, `{"taro@shop.example":8675309867}`, `"8675309867"`,
	`[8675309867,"KANARIENVOGEL"]`, `{" ":[{"b":"KANARIENVOGEL"}]}`, `8675309867` + strings.Repeat("0", 400), `0.8675309867`,
}

// An error names the field and the rule, never what the client sent: not the
// value, not a key that is no plain name.
func TestErrorsQuoteNothing(t *testing.T) {
	var d Decoder
	var e Event
	tried, failed := 0, 0
	try := func(body string) {
		t.Helper()
		tried++
		n, err := d.Parse([]byte(body))
		if quotesCanary(err) {
			t.Errorf("%.100s: %v", body, err)
		}
		for i := range n {
			if bad := d.Event(i, &e); bad != nil {
				failed++
				if quotesCanary(bad) {
					t.Errorf("%.100s: %v", body, bad)
				}
			}
		}
	}
	for _, value := range canaryValues {
		for f := Field(0); f < NumFields; f++ {
			switch f {
			case Type:
				try(`{"type":` + value + `,"site":"shop"}`)
			case Site:
				try(`{"type":"conversion","site":` + value + `}`)
			default:
				try(`{"type":"conversion","site":"shop","` + f.String() + `":` + value + `}`)
			}
		}
		try(event(`"properties":` + value))
		try(event(`"properties":{"p":` + value + `}`))
		try(event(`"properties":{"p":1,"p":` + value + `}`))
		try(event(`"consent":` + value))
		try(event(`"unknown":` + value))
		try(`[` + value + `]`)
		try(value)
		for _, broken := range []string{``, `}`, `,`, `x`, `"`, "\x00", "\xff"} { // and not JSON at all
			try(event(`"title":` + value)[1:] + broken)
			try(event(`"title":`+value) + broken)
			try(event(`"title":` + value + broken))
			try(value + broken)
		}
	}
	for _, odd := range []string{" ", "@", "\\n", "\\u0000", "本", "/", "\\ud83d", strings.Repeat("x", 64)} {
		for _, canary := range canaries {
			try(event(`"` + canary + odd + `":1`))
			try(event(`"properties":{"` + odd + canary + `":1}`))
			try(event(`"properties":{"` + odd + canary + `":1,"` + odd + canary + `":1}`))
			try(event(`"consent":{"` + canary + odd + `":1}`))
		}
	}
	if tried < 1000 || failed < 500 {
		t.Errorf("only %d bodies tried, %d events refused", tried, failed)
	}
}

// The same of what is read back from Kafka, however it was damaged.
func TestRecordErrorsQuoteNothing(t *testing.T) {
	var d RecordDecoder
	var r Record
	failed := 0
	try := func(value string) {
		t.Helper()
		if err := d.Decode([]byte(value), &r); err != nil {
			failed++
			if quotesCanary(err) {
				t.Errorf("%.100s: %v", value, err)
			}
		}
		if err := (Account{}).Add([]byte(value)); quotesCanary(err) {
			t.Errorf("account %.100s: %v", value, err)
		}
		if _, err := DecodeReset([]byte(value)); quotesCanary(err) {
			t.Errorf("reset %.100s: %v", value, err)
		}
	}
	const head = `{"schema":1,"outcome":"allowed","reason":"granted","id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"custom","site":"s","time":"2026-11-02T09:00:00Z"`
	members := []string{
		"schema", "outcome", "reason", "policy", "jurisdiction", "purposes", "grants", "properties", "kind", "hash", "at", "pseudonyms", "account",
		"KANARIENVOGEL", "taro@shop.example",
	}
	for f := Field(0); f < NumFields; f++ {
		members = append(members, f.String())
	}
	for _, value := range canaryValues {
		for _, member := range members {
			try(head + `,"` + member + `":` + value + `}`)
			try(`{"schema":1,"` + member + `":` + value + `}`)
		}
		try(head + `,"properties":{"KANARIENVOGEL":[1,` + value + `]}}`)
		try(head + `,"properties":{"KANARIENVOGEL":` + value + `}}`)
		try(head + `,"grants":{"KANARIENVOGEL":` + value + `}}`)
		try(head + `,"purposes":[` + value + `]}`)
		try(`{"schema":1,"account":[` + value + `]}`)
		try(`{"schema":1,"account":[[` + strings.Repeat(value+",", 6) + value + `]]}`)
		try(value)
		try(`[` + value + `]`)
	}
	// Any one byte of a good record changed, taken away or followed by nothing.
	good := strings.NewReplacer("v1.7c9e6679742540de944be07fc1f90ae7", "KANARIENVOGEL", "newsletter", "taro@shop.example", "15230", "8675309").
		Replace(string(record(t).AppendJSON(nil)))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range good {
		try(good[:i])
		try(good[:i] + good[i+1:])
		try(good[:i] + string(rune(random.IntN(256))) + good[i+1:])
		try(good[:i] + string([]byte{byte(random.IntN(256))}) + good[i+1:])
	}
	if failed < 1000 {
		t.Errorf("only %d records were refused", failed)
	}
}
