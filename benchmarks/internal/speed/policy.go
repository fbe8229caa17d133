package speed

import (
	"bytes"
	"fmt"
	"slices"

	"sekisho/schemas/policy"
)

// numNotes is how many properties more the sites of policyOf have.
const numNotes = 8

// policyOf is the example policy with that many sites more, all like its shop.
func policyOf(sites int) []byte {
	const first, next, properties = "\n  shop:\n", "\n  news:\n", "    properties:\n"
	start := bytes.Index(policy.Example, []byte(first)) + len(first)
	shop := policy.Example[start : bytes.Index(policy.Example, []byte(next))+1]
	rules := slices.Clone(policy.Example)
	for i := range sites {
		rules = fmt.Appendf(rules, "  site%d:\n%s", i, shop)
		if i := bytes.LastIndex(rules, []byte(properties)) + len(properties); i > len(rules)-len(shop) {
			var notes []byte
			for n := range numNotes {
				notes = fmt.Appendf(notes, "      note%d: {type: text, category: usage_history}\n", n)
			}
			rules = slices.Insert(rules, i, notes...)
		}
	}
	return rules
}
