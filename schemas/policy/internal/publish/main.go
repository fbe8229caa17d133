// Command publish writes the JSON Schema of policy files to
// policy.schema.json. Run it with `go generate ./schemas/policy`.
package main

import (
	"fmt"
	"os"

	"sekisho/schemas/policy"
)

func main() {
	if err := os.WriteFile("policy.schema.json", policy.JSONSchema(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "publish:", err)
		os.Exit(1)
	}
}
