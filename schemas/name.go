package schemas

import (
	"fmt"
	"strings"
)

// nameOf and parseName serve every enumeration of the package: a small integer
// with a fixed list of names.
func nameOf[E ~uint8](names []string, e E) string {
	if int(e) < len(names) {
		return names[e]
	}
	return fmt.Sprintf("unknown(%d)", uint8(e))
}

func parseName[E ~uint8](names []string, text []byte, e *E) error {
	for i, name := range names {
		if name == string(text) {
			*e = E(i)
			return nil
		}
	}
	return fmt.Errorf("must be one of %s", strings.Join(names, ", "))
}
