package strict

import (
	"fmt"
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	var got strings.Builder
	for _, k := range Keys(defaults(), "SEKISHO") {
		fmt.Fprintf(&got, "%s|%s|%s|%s|%v|%s\n", k.Path, k.Env, k.Type, k.Default, k.Required, k.Doc)
	}
	want := `site|SEKISHO_SITE|text||false|Name of the service.
debug|SEKISHO_DEBUG|true or false|false|false|
port|SEKISHO_PORT|whole number|8080|false|TCP port; 0 picks a free one.
offset|SEKISHO_OFFSET|whole number|0|false|
ratio|SEKISHO_RATIO|number|0.5|false|
timeout|SEKISHO_TIMEOUT|duration|30s|false|
limit|SEKISHO_LIMIT|size|64KiB|false|
since|SEKISHO_SINCE|date||false|
purpose|SEKISHO_PURPOSE|necessary / analytics / advertising / social|necessary|false|
allow|SEKISHO_ALLOW|list of prefix||false|
kafka.brokers|SEKISHO_KAFKA_BROKERS|list of text|localhost:9092|true|Addresses of the brokers.
kafka.password|SEKISHO_KAFKA_PASSWORD|secret||false|
kafka.linger|SEKISHO_KAFKA_LINGER|duration|0s|false|
kafka.linger_ms|SEKISHO_KAFKA_LINGER_MS|whole number|0|false|
tls.cert|SEKISHO_TLS_CERT|text||true|
tls.key|SEKISHO_TLS_KEY|secret||true|
tls.min|SEKISHO_TLS_MIN|text|1.2|false|
sites|SEKISHO_SITES|map of section||false|
sites.<name>.name||text||true|
sites.<name>.retention||duration|90d|false|
sites.<name>.purposes||list of necessary / analytics / advertising / social||false|
limits|SEKISHO_LIMITS|map of whole number||false|
webhooks|SEKISHO_WEBHOOKS|list of section||false|
webhooks[].url||text||false|
webhooks[].token||secret||false|
labels|SEKISHO_LABELS|map of list of text||false|
sample|SEKISHO_SAMPLE|number||false|
`
	if got := strings.ReplaceAll(got.String(), " | ", " / "); got != want {
		t.Errorf("got\n%s", got)
	}
}

func TestRender(t *testing.T) {
	from := defaults()
	from.Site, from.Since = "80", NewDate(2026, 1, 31)
	from.Kafka.Password = NewSecret(canary)
	from.TLS = &tls{Cert: "a: b", Min: "1.3"}
	from.Sites = map[string]site{"b.example": {Name: "B"}, "404": {Name: "true", Purposes: []purpose{"social"}}}
	from.Labels = map[string][]string{"x": {"null", "", "two\nlines"}}
	got, err := Render(from)
	if err != nil {
		t.Fatal(err)
	}
	want := `site: "80"
debug: false
port: 8080
offset: 0
ratio: 0.5
timeout: 30s
limit: 64KiB
since: "2026-01-31"
purpose: necessary
allow: []
kafka:
  brokers:
    - localhost:9092
  password: '[secret]'
  linger: 0s
  linger_ms: 0
tls:
  cert: 'a: b'
  min: "1.3"
sites:
  "404":
    name: "true"
    retention: 0s
    purposes:
      - social
  b.example:
    name: B
    retention: 0s
    purposes: []
limits: {}
webhooks: []
labels:
  x:
    - "null"
    - ""
    - |-
      two
      lines
`
	if string(got) != want {
		t.Errorf("got\n%s", got)
	}
}
