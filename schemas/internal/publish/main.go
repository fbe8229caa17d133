// Command publish writes the JSON Schema of the event model to
// event.schema.json. Run it with `go generate ./schemas`.
package main

import (
	"fmt"
	"os"

	"sekisho/schemas"
)

func main() {
	if err := os.WriteFile("event.schema.json", schemas.JSONSchema(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}
