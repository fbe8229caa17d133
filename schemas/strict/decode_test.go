package strict

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestDecodeFillsEveryKind(t *testing.T) {
	in, err := os.ReadFile("testdata/good/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	got := defaults()
	if err := Decode(in, got); err != nil {
		t.Fatal(err)
	}
	zero := 0.0
	check := func(name string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %#v, want %#v", name, got, want)
		}
	}
	check("site", got.Site, "shop")
	check("debug", got.Debug, true)
	check("port", got.Port, uint16(65535))
	check("offset", got.Offset, int64(-9223372036854775808))
	check("ratio", got.Ratio, 0.001)
	check("timeout", got.Timeout, 90*time.Minute)
	check("limit", got.Limit, Size(10_000_000))
	check("since", got.Since, NewDate(2026, 1, 31))
	check("purpose", got.Purpose, purpose("social"))
	check("allow", got.Allow[1].String(), "::1/128")
	check("brokers", got.Kafka.Brokers, []string{"a:9092", "b:9092"})
	check("password", got.Kafka.Password.reference(), "env:KAFKA_PASSWORD")
	check("cert", got.TLS.Cert, "/etc/cert.pem")
	check("min", got.TLS.Min, "1.2")
	check("sites", got.Sites["shop.example"], site{"Shop", 2160 * time.Hour, []purpose{"analytics"}})
	check("retention", got.Sites["404"].Retention, 12*time.Hour)
	check("limits", got.Limits, map[purpose]int{"analytics": 3})
	check("url", got.Webhooks[0].URL, "https://hooks.example")
	check("labels", got.Labels, map[string][]string{"a": {"x", "y"}, "b": {}})
	check("sample", got.Sample, &zero)
}

func TestDecodeKeepsDefaults(t *testing.T) {
	type optional struct {
		Port    int `yaml:"port"`
		Section struct {
			A, B int `yaml:"-"`
			C    int `yaml:"c"`
			D    int `yaml:"d"`
		} `yaml:"section"`
		List []int `yaml:"list"`
	}
	check := func(in string, port, c, d int, list ...int) {
		t.Helper()
		got := optional{Port: 1, List: []int{1, 2}}
		got.Section.C, got.Section.D = 3, 4
		if err := Decode([]byte(in), &got); err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		if got.Port != port || got.Section.C != c || got.Section.D != d || !reflect.DeepEqual(got.List, list) {
			t.Errorf("%q gave %+v", in, got)
		}
	}
	check("", 1, 3, 4, 1, 2)
	check("# nothing\n", 1, 3, 4, 1, 2)
	check("---\n", 1, 3, 4, 1, 2)
	check("{}", 1, 3, 4, 1, 2)
	check("port: 7", 7, 3, 4, 1, 2)
	check("section: {d: 9}", 1, 3, 9, 1, 2)
	check("list: [5]", 1, 3, 4, 5)
	check("section: {}\n...\n", 1, 3, 4, 1, 2)
}

func TestBadDocuments(t *testing.T) {
	for name, in := range corpus(t, "bad") {
		want, err := os.ReadFile("testdata/bad/" + name + ".want")
		if err != nil {
			t.Fatal(err)
		}
		got := "accepted"
		if err := Decode(in, defaults()); err != nil {
			got = err.Error()
		}
		if got+"\n" != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
		}
	}
}

func TestGoodDocuments(t *testing.T) {
	for name, in := range corpus(t, "good") {
		if err := Decode(in, defaults()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestErrorsCarryTheirParts(t *testing.T) {
	err := Decode([]byte(minimal+"\n  # space\nport:    70000\n"), defaults())
	var all Errors
	if !errors.As(err, &all) || len(all) != 1 {
		t.Fatalf("got %v", err)
	}
	want := Error{Path: "port", Line: 4, Column: 1, Value: "70000", Problem: "want a whole number from 0 to 65535"}
	if *all[0] != want {
		t.Errorf("got %#v", *all[0])
	}
}

func TestTooLongDocument(t *testing.T) {
	fits := minimal + strings.Repeat("#", MaxBytes-len(minimal))
	if err := Decode([]byte(fits), defaults()); err != nil {
		t.Error(err)
	}
	if err := Decode([]byte(fits+"#"), defaults()); err == nil {
		t.Error("accepted")
	}
}

// A document may nest deeper than the struct only by being wrong, and deeper
// than the parser goes not at all.
func TestDeepDocuments(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		if err := Decode([]byte(in), defaults()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: got %v", in, err)
		}
	}
	check("site: "+strings.Repeat("[", 5000)+strings.Repeat("]", 5000), "site (line 1): a list, want: text")
	check("kafka: "+strings.Repeat("{kafka: ", 5000)+strings.Repeat("}", 5000), "kafka.kafka (line 1): unknown key")
	check("site: "+strings.Repeat("[", 500_000), "not valid YAML: exceeded max depth")
	check(strings.Repeat("- ", 500_000), "not valid YAML: exceeded max depth")
}

func TestProgrammersMistakesPanic(t *testing.T) {
	type loop struct {
		Next []loop `yaml:"next"`
	}
	check := func(into any, want string) {
		t.Helper()
		defer func() {
			if got, _ := recover().(string); !strings.Contains(got, want) {
				t.Errorf("%T: panic is %q", into, got)
			}
		}()
		_ = Decode(nil, into)
	}
	check(sample{}, "want a pointer to a struct")
	check((*sample)(nil), "want a pointer to a struct")
	check(&loop{}, "contains itself")
	check(&struct{ A int }{}, "needs a snake_case yaml name")
	check(&struct {
		A int `yaml:"CamelCase"`
	}{}, "needs a snake_case yaml name")
	check(&struct {
		A int `yaml:"a"`
		B int `yaml:"a"`
	}{}, "of its own")
	check(&struct {
		A any `yaml:"a"`
	}{}, "not a supported type")
	check(&struct {
		A map[int]int `yaml:"a"`
	}{}, "the keys of map[int]int are not texts")
}

// corpus reads the documents of a folder under testdata.
func corpus(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("testdata/%s has %d files: %v", folder, len(files), err)
	}
	docs := map[string][]byte{}
	for _, file := range files {
		if docs[strings.TrimSuffix(filepath.Base(file), ".yaml")], err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	return docs
}

func FuzzDecode(f *testing.F) {
	for _, folder := range []string{"good", "bad"} {
		for _, in := range corpus(f, folder) {
			f.Add(in)
		}
	}
	valid := compile(f, defaults())
	f.Fuzz(func(t *testing.T, in []byte) {
		got := defaults()
		if Decode(in, got) != nil {
			return
		}
		if err := valid(in); err != nil {
			t.Fatalf("accepted, but the schema says: %v", err)
		}
		// It renders to what decodes to the same, but for the secrets.
		got.Kafka.Password, got.TLS, got.Webhooks = Secret{}, nil, nil
		out, err := Render(got)
		if err != nil {
			t.Fatal(err)
		}
		again := &sample{}
		if err := Decode(out, again); err != nil {
			t.Fatalf("%s\n%v", out, err)
		}
		if twice, _ := Render(again); string(twice) != string(out) {
			t.Fatalf("rendered\n%s\nthen\n%s", out, twice)
		}
	})
}
