package cmp

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

const (
	ucImplicit = `{"action":"onInitialPageLoad","language":"en","status":true,"timestamp":1760000000000,"type":"implicit","versions":{"application":"SDK-4.59","service":"1.2.3","settings":"4.5.6"}}`
	ucAccepted = `{"action":"onUpdateServices","language":"en","status":true,"timestamp":1760000009000,"type":"explicit","versions":{}}`
	ucDenied   = `{"action":"onUpdateServices","language":"en","status":false,"timestamp":1760000009000,"type":"explicit","versions":{}}`

	usercentricsSample = `{"controllerId":"b1f0c0","id":"egLMgjg9j","language":"en","services":[` +
		`{"history":[` + ucImplicit + `,` + ucAccepted + `],"id":"HkocEodjb7","processorId":"p1","status":true},` +
		`{"history":[` + ucImplicit + `,` + ucDenied + `],"id":"S1_9Vsuj-Q","processorId":"p2","status":false},` +
		`{"history":[` + ucImplicit + `],"id":"H1Vl5NidjWX","processorId":"p3","status":true}],"version":"4.5.6"}`
)

func decodeUsercentrics(c *Choices, value string) error { return c.DecodeUsercentrics(value) }

func TestUsercentrics(t *testing.T) {
	check := checkSaid(t, decodeUsercentrics)
	check(usercentricsSample, "explicit +HkocEodjb7 -S1_9Vsuj-Q ~H1Vl5NidjWX")
	check(`{"services":[]}`, "")
	check(`[]`, "")
	check(`[{"id":"a","status":true}]`, "~a")
	check(`[{"id":"a","status":false}]`, "-a")
	check(`[{"id":"a","status":true,"history":[]}]`, "~a")
	// The mobile SDKs.
	check(`[{"templateId":"a","status":true,"type":"EXPLICIT","version":"1","dataProcessor":"Google Analytics","isEssential":false}]`, "explicit +a")
	check(`[{"templateId":"a","status":true,"type":"IMPLICIT"},{"templateId":"b","status":true,"type":null}]`, "~a ~b")
	// UC_UI.getServicesBaseInfo.
	check(`[{"id":"a","name":"A","categorySlug":"marketing","consent":{"status":true,"history":[`+ucAccepted+`]},"subServices":[]},`+
		`{"id":"b","name":"B","categorySlug":"marketing","consent":{"status":false,"type":"EXPLICIT"}}]`, "explicit +a -marketing -b")
	check(`[{"id":"a","categorySlug":"functional","consent":{"status":true,"type":"explicit"}},`+
		`{"id":"b","categorySlug":"functional","consent":{"status":true,"type":"implicit"}}]`, "explicit +a ~functional ~b")
	// The details of version 3.
	check(`{"consent":{"status":"SOME_ACCEPTED","type":"EXPLICIT"},"services":{"a":{"name":"A","consent":{"given":true,"type":"EXPLICIT"}},`+
		`"b":{"name":"B","consent":{"given":false,"type":"EXPLICIT"}}},"categories":{"marketing":{"state":"SOME_ACCEPTED","dps":[]}}}`, "explicit +a -b")
	// Contradictions: the most restrictive.
	check(`[{"id":"a","status":true,"history":[`+ucDenied+`]}]`, "explicit -a")
	check(`[{"id":"a","status":true,"history":[`+ucAccepted+`,`+ucImplicit+`]}]`, "~a")
	check(`[{"id":"a","status":true,"type":"explicit","consent":{"status":false,"type":"implicit"}}]`, "-a")
	check(`[{"id":"a","templateId":"a","status":false}]`, "-a")
	check(`[{"id":"a","status":false,"given":true,"type":"explicit"}]`, "explicit -a")
	check(`[{"id":"a","status":true,"type":"explicit","history":[`+ucImplicit+`]}]`, "~a")
}

func TestUsercentricsRefuses(t *testing.T) {
	check := checkRefused(t, decodeUsercentrics)
	check(``, ErrSyntax)
	check(`true`, ErrSyntax)
	check(`{}`, ErrIncomplete)
	check(`{"controllerId":"x"}`, ErrIncomplete)
	check(`{"services":null}`, ErrSyntax)
	check(`{"services":"a"}`, ErrSyntax)
	check(`{"services":[],"services":[]}`, ErrDuplicate)
	check(`{"services":[{"id":"a","status":true}]`, ErrSyntax)
	check(`["a"]`, ErrSyntax)
	check(`[{}]`, ErrIncomplete)
	check(`[{"id":"a"}]`, ErrIncomplete)
	check(`[{"status":true}]`, ErrIncomplete)
	check(`[{"id":"a","history":[`+ucAccepted+`]}]`, ErrIncomplete)
	check(`[{"id":"","status":true}]`, ErrIncomplete)
	check(`[{"id":1,"status":true}]`, ErrSyntax)
	check(`[{"id":"a","status":"true"}]`, ErrSyntax)
	check(`[{"id":"a","status":null}]`, ErrSyntax)
	check(`[{"id":"a","status":true,"history":{}}]`, ErrSyntax)
	check(`[{"id":"a","status":true,"consent":true}]`, ErrSyntax)
	check(`[{"id":"a","status":true,"categorySlug":"\u0001"}]`, ErrSyntax)
	check(`[{"id":"a","status":true},{"id":"a","status":true}]`, ErrDuplicate)
	check(`[{"id":"a","templateId":"b","status":true}]`, ErrDuplicate)
	check(`[{"id":"a","status":true,"consent":{"id":"b"}}]`, ErrDuplicate)
	check(`{"services":{"a":{"id":"b","status":true}}}`, ErrDuplicate)
	check(`[{"id":"a","categorySlug":"b","status":true},{"id":"b","status":true}]`, ErrDuplicate)
	check(`[{"id":"a","status":true,"x":`+strings.Repeat(`[`, maxDepth)+`}]`, ErrSyntax)
	check(manyServices(MaxCategories), nil)
	check(manyServices(MaxCategories+1), ErrTooMany)
	check(strings.Repeat(" ", MaxValue)+`[]`, ErrTooLong)
}

func manyServices(n int) string {
	var services []string
	for i := range n {
		services = append(services, fmt.Sprintf(`{"id":"s%d","status":true}`, i))
	}
	return `[` + strings.Join(services, ",") + `]`
}

func TestUsercentricsMutations(t *testing.T) {
	type consent struct {
		Status  *bool
		Type    string
		History []struct {
			Status *bool
			Type   string
		}
	}
	type entry struct {
		ID           string
		CategorySlug string
		consent
		Consent consent
	}
	// A service's own entry says that it is granted explicitly; the standard
	// library takes keys in any case, which can only entitle more.
	granted := func(e entry) bool {
		for _, c := range []consent{e.consent, e.Consent} {
			if c.Status != nil && *c.Status {
				last := len(c.History) - 1
				if strings.EqualFold(c.Type, "explicit") || last >= 0 && strings.EqualFold(c.History[last].Type, "explicit") && *c.History[last].Status {
					return true
				}
			}
		}
		return false
	}
	entitled := func(mutated, category string) bool {
		var services []entry
		if json.Unmarshal([]byte(mutated), &services) != nil {
			return false
		}
		for _, e := range services {
			if (e.ID == category || e.CategorySlug == category) && granted(e) {
				return true
			}
		}
		return false
	}
	checkMutations(t, decodeUsercentrics, `[{"id":"a","status":true,"type":"implicit"},{"id":"b","status":false,"type":"explicit"},{"id":"c","status":true,"type":"explicit"}]`, entitled)
	checkMutations(t, decodeUsercentrics, `[{"id":"a","categorySlug":"m","consent":{"status":true,"type":"explicit"}},{"id":"b","categorySlug":"m","consent":{"status":false,"history":[`+ucDenied+`]}}]`, entitled)
}

func TestUsercentricsAllocatesNothing(t *testing.T) {
	checkAllocations(t, decodeUsercentrics, usercentricsSample, `[{"id":"\u0061","status":true}]`, `[{"id":"a"`, `{}`)
}

func FuzzUsercentrics(f *testing.F) {
	f.Add(usercentricsSample)
	f.Fuzz(func(t *testing.T, value string) {
		c := fuzz(t, decodeUsercentrics, value)
		if c.Len() > 0 && !json.Valid([]byte(value)) {
			t.Errorf("%q is taken for JSON", value)
		}
	})
}

func BenchmarkUsercentrics(b *testing.B) { benchmark(b, decodeUsercentrics, usercentricsSample) }
