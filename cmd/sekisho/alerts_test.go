package main_test

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"go.yaml.in/yaml/v3"

	"sekisho/schemas"
)

// TestAlertsNameWhatThereIs: every metric and label in the sample alert rules is
// one that the program exports.
func TestAlertsNameWhatThereIs(t *testing.T) {
	u := startUp(t, t.TempDir())
	// Some metrics appear with what they count.
	for _, event := range []string{
		`{"type":"pageview","site":"shop","url":"http://localhost:1/","consent":"CANARY"}`,
		`{"type":"pageview","site":"shop","url":"http://localhost:1/","signals":{"tcf":"CANARY"}}`,
		`{"type":"ad_click","site":"shop","ad_placement":"top"}`,
	} {
		answer, err := http.Post(u.Collector+"/v1/events", "application/json", strings.NewReader(event))
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
	}
	w := &kafka.Writer{Addr: kafka.TCP(u.Kafka), Topic: "sekisho.events", BatchTimeout: time.Millisecond, RequiredAcks: kafka.RequireAll}
	err := w.WriteMessages(t.Context(), kafka.Message{Value: []byte("no record"), Headers: []kafka.Header{{Key: schemas.HeaderKind, Value: []byte(schemas.KindEvent)}}})
	if err != nil {
		t.Fatal(err)
	}
	w.Close()

	text, err := os.ReadFile("../../deploy/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For string
				Labels           struct{ Severity string }
				Annotations      struct{ Summary string }
			}
		}
	}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil {
		t.Fatal(err)
	}
	selector := regexp.MustCompile(`(sekisho_[a-z_]+)(?:\{([a-z_]+="[a-z_]+")\})?`)
	alerts := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			switch {
			case alerts[r.Alert] || r.Alert == "":
				t.Errorf("%s: the name is taken, or empty", r.Alert)
			case r.Annotations.Summary == "" || r.Labels.Severity != "page" && r.Labels.Severity != "warn":
				t.Errorf("%s: it has no summary or no severity", r.Alert)
			case strings.Count(r.Expr, "(") != strings.Count(r.Expr, ")"):
				t.Errorf("%s: its brackets do not match", r.Alert)
			}
			alerts[r.Alert] = true
			found := selector.FindAllStringSubmatch(r.Expr, -1)
			if len(found) == 0 {
				t.Errorf("%s names no metric", r.Alert)
			}
			for _, s := range found {
				exported := regexp.MustCompile(`(?m)^` + s[1] + `(\{.*` + regexp.QuoteMeta(s[2]) + `.*\})? `)
				eventually(t, waitTime, r.Alert+": "+s[0]+" to be exported", func() bool {
					return exported.MatchString(fetch(t, u.Admin+"/metrics"))
				})
			}
		}
	}
	if len(alerts) < 15 {
		t.Errorf("%d alerts", len(alerts))
	}
}
