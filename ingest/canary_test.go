package ingest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go"

	"sekisho/schemas"
	"sekisho/stream"
)

// canaries makes texts that occur nowhere else.
type canaries struct{ all []string }

func (c *canaries) new() string {
	text := fmt.Sprintf("CNRY%05dX", len(c.all))
	c.all = append(c.all, text)
	return text
}

// headers are request headers with a canary in each.
func (c *canaries) headers() (headers []string) {
	for _, h := range []string{
		"User-Agent: Mozilla/5.0 %s", "Referer: https://shop.example.jp/%s?q=%[1]s", "Cookie: _ga=GA1.1.%s.1; _fbp=fb.1.1.%[1]s; other=%[1]s; sekisho_id=%[1]s",
		"X-Forwarded-For: %s", "Accept-Language: %s", "Authorization: Bearer %s", "X-%s: %[1]s", "X-Request-Id: %s", "Forwarded: for=%s",
	} {
		headers = append(headers, fmt.Sprintf(h, c.new()))
	}
	return headers
}

// fields are all fields of an event whose kind takes a canary.
func (c *canaries) fields(except ...schemas.Field) string {
	var texts []string
	skip := schemas.SetOf(append(except, schemas.Site, schemas.Type, schemas.URL)...)
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		if skip.Has(f) || f.Definition().Max > 0 && f.Definition().Max < 20 {
			continue
		}
		switch f.Definition().Kind {
		case schemas.KindIdentifier, schemas.KindName, schemas.KindText:
			texts = append(texts, fmt.Sprintf("%q:%q", f, c.new()))
		case schemas.KindURI:
			texts = append(texts, fmt.Sprintf(`%q:"https://a.example/%s?q=%s#%s"`, f, c.new(), c.new(), c.new()))
		}
	}
	return strings.Join(texts, ",")
}

// TestRefusedLeavesNothing: of what is refused or dropped, in whatever way,
// nothing is in Kafka, on its disk, in the log, in the metrics or in the
// answer; and of an anonymised event nothing that is not kept.
func TestRefusedLeavesNothing(t *testing.T) {
	t.Parallel()
	r := start(t)
	c := new(canaries)
	check := func(what string, status int, send func() answer) {
		t.Helper()
		a := send()
		a.want(t, what, status)
		text := a.body + fmt.Sprint(a.header)
		for _, canary := range c.all {
			if strings.Contains(text, canary) {
				t.Errorf("%s: %s is in the answer: %s", what, canary, text)
			}
		}
	}
	post := func(body string, headers ...string) func() answer {
		return func() answer { return r.post(body, append(headers, c.headers()...)...) }
	}
	shopEvent := func(kind, more string) string { return `{"type":"` + kind + `","site":"shop",` + more + `}` }
	address := func() string { return `"url":"https://shop.example.jp/?secret=` + c.new() + `#` + c.new() + `"` }

	check("dropped", 204, post(shopEvent("ad_click", address()+","+c.fields())))
	check("dropped, with a result", 200, post(shopEvent("ad_click", address()+","+c.fields()), represent))
	check("dropped for malformed consent", 200, post(shopEvent("conversion", c.fields()+`,"consent":{"tcf":"`+c.new()+`","gpp":"`+c.new()+`","`+c.new()+`":1}`), represent))
	check("a custom event nobody knows", 204, post(shopEvent("custom", c.fields(schemas.Name)+`,"name":"`+c.new()+`"`)))
	check("rejected for one field", 400, post(shopEvent("pageview", address()+","+c.fields()+`,"screen_width":"`+c.new()+`"`)))
	check("rejected for the time", 400, post(shopEvent("pageview", address()+","+c.fields()+`,"time":"1999-01-01T00:00:00Z"`)))
	check("of an unknown site", 400, post(`{"type":"pageview","site":"`+c.new()+`",`+address()+`,`+c.fields()+`}`))
	check("of a wrong origin", 403, post(shopEvent("pageview", address()+","+c.fields()), "Origin: https://news.example.jp"))
	check("of an unknown origin", 403, post(shopEvent("pageview", address()+","+c.fields()), "Origin: https://"+c.new()+".example"))
	check("of a wrong type", 415, post(c.new(), "Content-Type: text/"+c.new()))
	check("of a wrong encoding", 415, post(c.new(), "Content-Encoding: "+c.new()))
	check("not what its encoding says", 400, post(c.new(), "Content-Encoding: gzip"))
	check("no JSON", 400, post(c.new()))
	check("too large", 413, post(page(`"title":"`+c.new()+strings.Repeat("x", 2<<20)+`"`)))
	check("a bomb", 413, post(compressed(t, "gzip", page(`"title":"`+c.new()+strings.Repeat("x", 8<<20)+`"`)), "Content-Encoding: gzip"))
	check("too deep", 400, post(strings.Repeat("[", 50)+`"`+c.new()+`"`))
	check("another method", 405, func() answer { return r.do("PUT", "/v1/events?"+c.new(), c.new(), c.headers()...) })
	check("another path", 404, func() answer { return r.do("POST", "/"+c.new()+"?"+c.new(), c.new(), c.headers()...) })
	check("a pixel with a wrong value", 400, func() answer {
		return r.do("GET", "/v1/pixel.gif?site=shop&url=https://shop.example.jp/&screen_width="+c.new()+"&title="+c.new(), "", c.headers()...)
	})
	check("a pixel of another site", 403, func() answer {
		return r.do("GET", "/v1/pixel.gif?site=shop&url="+url.QueryEscape("https://"+c.new()+".example/"+c.new()), "", c.headers()...)
	})
	check("a pixel of nobody's", 400, func() answer { return r.do("GET", "/v1/pixel.gif?site="+c.new(), "", c.headers()...) })
	check("a reset of no identifier", 400, func() answer { return r.do("POST", "/v1/reset", `{"title":"`+c.new()+`"}`, c.headers()...) })
	check("a reset of a wrong identifier", 400, func() answer { return r.do("POST", "/v1/reset", `{"idfa":"`+c.new()+` "}`, c.headers()...) })
	check("a reset", 202, func() answer {
		return r.do("POST", "/v1/reset", `{"visitor_id":"`+c.new()+`","app_instance_id":"`+c.new()+`"}`, c.headers()...)
	})
	check("a reset of a mistyped identifier", 400, func() answer { return r.do("POST", "/v1/reset", `{"idfa":"`+c.new()+`"}`, c.headers()...) })

	kept := schemas.FieldSet(0) // in an anonymised event
	for f := schemas.Field(0); f < schemas.NumFields; f++ {
		switch f.Definition().Anonymous {
		case schemas.AnonymousKeep, schemas.AnonymousCampaign:
			kept |= 1 << f
		}
	}
	var except []schemas.Field
	for f := range kept.Each {
		except = append(except, f)
	}
	check("anonymised", 204, post(shopEvent("pageview", address()+","+c.fields(except...))))
	check("anonymised by refusal", 200, post(shopEvent("pageview", address()+","+c.fields(except...)+","+no), represent))
	check("a pixel without consent", 200, func() answer {
		return r.do("GET", "/v1/pixel.gif?site=shop&url="+url.QueryEscape("https://shop.example.jp/?id="+c.new())+"&title="+c.new(), "", c.headers()...)
	})

	// What does not arrive whole, in HTTP that is none.
	r.raw("POST /v1/events HTTP/1.1\r\nHost: c\r\nX: " + c.new() + "\r\nContent-Type: application/json\r\nContent-Length: 999\r\n\r\n" + c.new())
	r.raw(c.new() + " " + c.new() + "\r\n\r\n")
	r.nowhere(c.all...)

	// An identifier is nowhere even when all is allowed, nor an address.
	identifiers := new(canaries)
	body := shopEvent("pageview", address()+`,"visitor_id":"`+identifiers.new()+`","user_id":"`+identifiers.new()+`","session_id":"`+identifiers.new()+
		`","idfa":"`+identifiers.new()+`","ad_click_id":"`+identifiers.new()+`",`+yes)
	ga := identifiers.new()
	r.post(body, shop, "Cookie: _ga=GA1.1."+ga+".1; _fbp=fb.1.1."+ga+"; _fbc=fb.1.1."+ga, "X-Forwarded-For: 203.0.113.77", "Forwarded: for=203.0.113.77").want(t, "allowed", 204)
	// Nor one that a third party has as it came: it is sealed.
	const number = "1116446470.1760000123"
	r.post(`{"type":"conversion","site":"shop","name":"buy",`+address()+`,"idfa":"ea7583cd-a667-48bc-b806-42ecb2b48606",`+yes+"}", shop,
		"Cookie: _ga=GA1.1."+number+"; _fbp=fb.1.1596403881668.1116446471; _fbc=fb.1.1596403881668.IwAR2F4-dbP0l7Mn1IawQ").want(t, "a conversion", 204)
	if !slices.ContainsFunc(r.stored().events, func(m kafka.Message) bool {
		return strings.Contains(string(m.Value), `"fbp":"k1.`) && strings.Contains(string(m.Value), `"own":{`)
	}) {
		t.Error("no identifier is sealed")
	}
	identifiers.all = append(identifiers.all, number, "ea7583cd-a667", "1596403881668", "IwAR2F4")
	r.nowhere(append(identifiers.all, "203.0.113.77", "127.0.0.1:"+strings.Split(r.address, ":")[1])...)
}

// TestUnavailableLeavesNothing: what could not be made durable is nowhere
// either but where it was meant to be.
func TestUnavailableLeavesNothing(t *testing.T) {
	t.Parallel()
	r := start(t, func(_ *Config, k *stream.Config) { k.Timeout = 300e6 })
	c := new(canaries)
	r.kafka.Close()
	a := r.post(page(`"title":"`+c.new()+`","visitor_id":"`+c.new()+`",`+yes), c.headers()...)
	a.want(t, "without Kafka", 503)
	for _, canary := range c.all {
		for place, text := range map[string]string{"answer": a.body, "log": r.log.String(), "metrics": r.metricsText()} {
			if strings.Contains(text, canary) {
				t.Errorf("%s has %s: %s", place, canary, text)
			}
		}
	}
}
