// Command generate derives from schemas/model what is derived from it: the
// field constants and definitions of package schemas. Run it with
// `go generate ./schemas`.
package main

import (
	"fmt"
	"os"
)

func main() {
	fields, err := readModel("model/model.go")
	if err == nil {
		err = writeFields("fields.gen.go", fields)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}
