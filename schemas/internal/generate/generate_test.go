package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const modelFile = "../../model/model.go"

func TestGeneratedFieldsAreCurrent(t *testing.T) {
	fields, err := readModel(modelFile)
	if err != nil {
		t.Fatal(err)
	}
	fresh := filepath.Join(t.TempDir(), "fields.gen.go")
	if err := writeFields(fresh, fields); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(fresh)
	if err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile("../../fields.gen.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, want) {
		t.Error("fields.gen.go is not what the model says; run `go generate ./schemas`")
	}
}

func TestReadModel(t *testing.T) {
	check := func(source, want string) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "model.go")
		if err := os.WriteFile(path, []byte("package model\n"+source), 0o600); err != nil {
			t.Fatal(err)
		}
		fields, err := readModel(path)
		got := ""
		if err != nil {
			got = err.Error()
			if _, said, ok := strings.Cut(got, ": "); ok { // after the position
				got = said
			}
		}
		if got != want || err == nil && len(fields) == 0 {
			t.Errorf("%s:\n got %q\nwant %q", source, got, want)
		}
	}
	model := func(field string) string { return "type Model struct {\n" + field + "\n}" }

	const tag = " `json:\"title\" max:\"9\" doc:\"Page title.\"`"
	check(model("Title Text[UsageHistory]"+tag), "")
	check("var x int\ntype T struct{}\n"+model("Title Text[UsageHistory]"+tag), "")
	check(model("Time Timestamp[UsageHistory] `json:\"time\" doc:\"When.\"`"), "")

	// No category, no field.
	check(model("Title string"+tag), "field Title has no data category")
	check(model("Title Text"+tag), "field Title has no data category")
	check(model("Title *Text[UsageHistory]"+tag), "field Title has no data category")
	check(model("Title []Text[UsageHistory]"+tag), "field Title has no data category")
	check(model("Title map[string]string"+tag), "field Title has no data category")
	check(model("Title Text[UsageHistory, Location]"+tag), "field Title has no data category")
	check(model("Title Text[model.UsageHistory]"+tag), "field Title must be of the form Kind[Category]")
	check(model("Title other.Text[UsageHistory]"+tag), "field Title must be of the form Kind[Category]")
	check(model("Title Text[Text[UsageHistory]]"+tag), "field Title must be of the form Kind[Category]")

	// No name, no meaning, no limit.
	check(model("Title Text[UsageHistory]"), "a field needs one name and a tag")
	check(model("Text[UsageHistory]"+tag), "a field needs one name and a tag")
	check(model("A, B Text[UsageHistory]"+tag), "a field needs one name and a tag")
	check(model("Title Text[UsageHistory] `max:\"9\" doc:\"Page title.\"`"), "field Title needs json and doc tags")
	check(model("Title Text[UsageHistory] `json:\"title\" max:\"9\"`"), "field Title needs json and doc tags")
	check(model("Title Text[UsageHistory] `json:\"title\" doc:\"Page title.\"`"), "field Title needs a max tag, a whole number")
	check(model("Title Text[UsageHistory] `json:\"title\" max:\"-1\" doc:\"Page title.\"`"), "field Title needs a max tag, a whole number")
	check(model("Title Text[UsageHistory]"+tag+"\nOther Text[UsageHistory]"+tag), "field Other has the name of another, title")

	check("type Other struct{}", "there is no struct named Model")
	check("type Model int", "there is no struct named Model")
	var fields strings.Builder
	for i := range 65 {
		fmt.Fprintf(&fields, "F%d Text[UsageHistory] `json:\"f%d\" max:\"9\" doc:\"A field.\"`\n", i, i)
	}
	check(model(fields.String()), "the model has 65 fields, a FieldSet holds 64")
}

// TestModelCompiles: the compiler refuses a field whose category is missing or
// is none of the eight.
func TestModelCompiles(t *testing.T) {
	files := token.NewFileSet()
	typeCheck := func(importer types.Importer, source any, path string) (*types.Package, error) {
		file, err := parser.ParseFile(files, path, source, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		config := types.Config{Importer: importer}
		return config.Check(file.Name.Name, files, []*ast.File{file}, nil)
	}
	model, err := typeCheck(nil, nil, modelFile)
	if err != nil {
		t.Fatal(err)
	}
	compiles := func(field string, want bool) {
		t.Helper()
		source := "package p\nimport \"sekisho/schemas/model\"\ntype Bare string\ntype T struct { Field " + field + " }\nvar _ model.Model"
		if _, err := typeCheck(only{model}, source, "p.go"); (err == nil) != want {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, kind := range []string{"UUID", "Type", "Timestamp", "Identifier", "Name", "URI", "Text", "Integer", "Decimal"} {
		compiles("model."+kind+"[model.UsageHistory]", true)
		compiles("model."+kind+"[model.ResearchPanel]", true)
		compiles("model."+kind, false)
		compiles("model."+kind+"[string]", false)
		compiles("model."+kind+"[struct{}]", false)
		compiles("model."+kind+"[any]", false)
		compiles("model."+kind+"[Bare]", false)
		compiles("model."+kind+"[model.Categorised]", false)
		compiles("model."+kind+"[model.Email]", false)
	}
}

// only imports the one package.
type only struct{ *types.Package }

func (o only) Import(string) (*types.Package, error) { return o.Package, nil }
