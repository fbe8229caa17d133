package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strconv"
)

// field is one field as the model declares it.
type field struct {
	Const     string // URL
	Kind      string // URI
	Category  string // UsageHistory
	Name      string // url
	Max       string // 4096, or empty
	Anonymous string // address, or empty
	Doc       string
}

// readModel reads the declarations from the model's source. It refuses a
// field that has no category, no name of its own or no limit.
func readModel(path string) ([]field, error) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("cannot read the model: %w", err)
	}
	declared, err := findModel(file)
	if err != nil {
		return nil, err
	}
	var fields []field
	named := map[string]bool{}
	for _, f := range declared.Fields.List {
		parsed, err := readField(f)
		if err == nil && named[parsed.Name] {
			err = fmt.Errorf("field %s has the name of another, %s", parsed.Const, parsed.Name)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", files.Position(f.Pos()), err)
		}
		named[parsed.Name] = true
		fields = append(fields, parsed)
	}
	if len(fields) > 64 {
		return nil, fmt.Errorf("the model has %d fields, a FieldSet holds 64", len(fields))
	}
	return fields, nil
}

func findModel(file *ast.File) (*ast.StructType, error) {
	for _, d := range file.Decls {
		general, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, s := range general.Specs {
			if t, ok := s.(*ast.TypeSpec); ok && t.Name.Name == "Model" {
				if model, ok := t.Type.(*ast.StructType); ok {
					return model, nil
				}
			}
		}
	}
	return nil, errors.New("there is no struct named Model")
}

func readField(f *ast.Field) (field, error) {
	if len(f.Names) != 1 || f.Tag == nil {
		return field{}, errors.New("a field needs one name and a tag")
	}
	name := f.Names[0].Name
	index, ok := f.Type.(*ast.IndexExpr)
	if !ok {
		return field{}, fmt.Errorf("field %s has no data category", name)
	}
	kind, okKind := index.X.(*ast.Ident)
	category, okCategory := index.Index.(*ast.Ident)
	if !okKind || !okCategory {
		return field{}, fmt.Errorf("field %s must be of the form Kind[Category]", name)
	}
	raw, err := strconv.Unquote(f.Tag.Value)
	if err != nil {
		return field{}, fmt.Errorf("field %s: cannot read its tag: %w", name, err)
	}
	tag := reflect.StructTag(raw)
	parsed := field{
		Const: name, Kind: kind.Name, Category: category.Name,
		Name: tag.Get("json"), Max: tag.Get("max"), Anonymous: tag.Get("anonymous"), Doc: tag.Get("doc"),
	}
	if parsed.Name == "" || parsed.Doc == "" {
		return field{}, fmt.Errorf("field %s needs json and doc tags", name)
	}
	if _, err := strconv.ParseUint(parsed.Max, 10, 64); err != nil && !unlimited(parsed.Kind) {
		return field{}, fmt.Errorf("field %s needs a max tag, a whole number", name)
	}
	return parsed, nil
}

// unlimited reports whether the kind's form is limit enough.
func unlimited(kind string) bool { return kind == "UUID" || kind == "Type" || kind == "Timestamp" }
