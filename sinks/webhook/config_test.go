package webhook

import (
	"strings"
	"testing"

	"sekisho/schemas/strict"
)

func TestConfig(t *testing.T) {
	check := func(url, more, want string) {
		t.Helper()
		var c struct {
			Webhook *Config `yaml:"webhook"`
		}
		err := strict.Decode([]byte("webhook: {url: '"+url+"', secrets: ['env:A']"+more+"}"), &c)
		switch {
		case want == "" && err != nil:
			t.Errorf("%s: %v", url, err)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%s%s: got %v, want %q", url, more, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "pw") {
			t.Errorf("the error tells the password: %v", err)
		}
		if err == nil && c.Webhook.MaxEvents != 100 {
			t.Errorf("max_events is %d", c.Webhook.MaxEvents)
		}
	}
	check("https://partner.example.jp/hook", "", "")
	check("http://localhost:8080/", "", "")
	check("http://127.0.0.1:8080/", "", "")
	check("http://partner.example.jp/hook", "", "must be https, beyond this machine")
	check("https://user:pw@partner.example.jp/", "", "must be an https address, without a password in it")
	check("http://user:p/pw@partner.example.jp/", "", `"http://…@partner.example.jp/": must be`)
	check("ftp://partner.example.jp/", "", "must be an https address")
	check("partner.example.jp", "", "must be an https address")
	check("https://partner.example.jp/hook", ", max_events: 0", "max_events (line 1): 0: must be from 1 to 10000")
	check("https://partner.example.jp/hook", ", secret: 'env:B'", "unknown key")
}
