package policy

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

func TestExampleIsValid(t *testing.T) {
	p, err := Parse(Example)
	if err != nil {
		t.Fatal(err)
	}
	if p.Version() != "2026-10-01" || p.LastMaterial() != "2022-04-01" {
		t.Errorf("version %s, last material revision %s", p.Version(), p.LastMaterial())
	}
}

// TestSchemaIsPublished: the published JSON Schema is that of the types, and
// accepts the example.
func TestSchemaIsPublished(t *testing.T) {
	published, err := os.ReadFile("policy.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, JSONSchema()) {
		t.Fatal("policy.schema.json is not current; run `go generate ./schemas/policy`")
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(published))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("policy.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var example any
	if err := yaml.Unmarshal(Example, &example); err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(plain(example)); err != nil {
		t.Errorf("the example is not valid: %v", err)
	}
}

// plain makes of a YAML value what JSON has: dates are texts.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = plain(v[k])
		}
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
	case interface{ Format(string) string }:
		return v.Format("2006-01-02")
	}
	return v
}

// TestRefused: each fault of a policy is refused, with its path and what is
// allowed.
func TestRefused(t *testing.T) {
	check := func(old, replacement, want string) {
		t.Helper()
		changed := strings.Replace(string(Example), old, replacement, 1)
		if changed == string(Example) {
			t.Fatalf("the example does not have %q", old)
		}
		_, err := Parse([]byte(changed))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q for %q: got %v, want %q", replacement, old, err, want)
		}
	}
	check("schema: 1", "schema: 2", "schema (line 5): 2: must be 1")
	check("schema: 1", "schema: 1\nsurprise: 1", "surprise (line 6): unknown key")
	check("date: 2026-10-01", "date: 2021-10-01", "revisions[1].date (line")
	check("date: 2026-10-01", "date: soon", "revisions[1].date (line")
	check("default: opt_in", "default: maybe", "jurisdictions.japan.default (line")
	check("places: [US]", "places: [JP]", "is covered by japan already")
	check("places: [US]", "places: [Japan]", "must be an ISO 3166 country")
	check("  store:\n", "  shelf:\n", "must have the recipient store")
	check("recipients: [google, meta]", "recipients: [goggle]", "must be one of google, meta, partner, store")
	check("jurisdiction: japan", "jurisdiction: nippon", "must be one of california, europe, japan, united_states")
	check(`"http://localhost:*"`, `"http://*.example.jp"`, "must be scheme://host")
	check(`"https://shop.example.jp"`, `"https://shop.example.jp/"`, "must be scheme://host")
	check(`"https://shop.example.jp"`, `"https://shop.example.jp:*"`, "must be scheme://host")
	check("retention_days: 395", "retention_days: 0", "must be from 1 to 3650")
	check("granularity: 1h", "granularity: 1s", "must be from 1m to 24h")
	check("consent: {purpose: necessary}", "consent: {purpose: analytics}", "must be necessary")
	check("purpose: analytics, without_consent: anonymise", "purpose: analytics, without_consent: allow", "want one of: drop, anonymise")
	check("analytics: [1, 8, 9]", "analytics: [0, 8, 9]", "must be a TCF purpose, 1 to 11")
	check("vendor: 755", "vendor: 0", "must be from 1 to 65535")
	check("    onetrust:", "    one_trust:", "must be one of onetrust, cookiebot")
	check("plan: {type: text, category: attribute}", "plan: {type: text}", "sites.shop.properties.plan.category")
	check("identifiers: [ga]", "identifiers: [visitor_id]", "want one of: id, app_instance_id, ga, fbp, fbc, idfa, gaid, order_id")
	check("requires: [analytics]", "requires: [social]", "recipients.google.requires[0] (line 78): social: is not among the recipient's purposes")
	check("identifiers: [ga]", "identifiers: [ga, ga]", "recipients.google.identifiers[1] (line 80): ga: is listed twice")
	check("terminal_identification, advertisement_identifier, advertisement_information]\n    identifiers: [ga]", "usage_history]\n    identifiers: [ga]",
		"is of the category terminal_identification, which is not among the recipient's categories")
	check("  store:\n", "  store:\n    identifiers: [ga]\n", "the store has pseudonyms only")
	check("query: [page, category", `query: ["*", category`, "must be a parameter's name")
}
