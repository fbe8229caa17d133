package interpret

import (
	"fmt"
	"strconv"
	"strings"

	"sekisho/enforcer/tcf"
)

// named lists numbers with their names.
func named(list []int, names []string) string {
	if len(list) == 0 {
		return "none"
	}
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = strconv.Itoa(n)
		if name := nameIn(names, n); name != "" {
			parts[i] += " " + name
		}
	}
	return strings.Join(parts, ", ")
}

func nameIn(names []string, n int) string {
	switch {
	case names == nil:
		return ""
	case n < len(names):
		return names[n]
	}
	return "(reserved)"
}

// set lists the numbers of the flags that are set, the first being 1.
func set(flags []bool) (list []int) {
	for i, on := range flags {
		if on {
			list = append(list, i+1)
		}
	}
	return list
}

func numbers(list []uint32) string {
	if len(list) == 0 {
		return "none"
	}
	parts := make([]string, len(list))
	for i, n := range list {
		parts[i] = strconv.FormatUint(uint64(n), 10)
	}
	return shorten(parts)
}

func vendorText(v tcf.VendorsDescription) string {
	if v.Count == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: %s", v.Count, ranges(v.Ranges))
}

func ranges(list [][2]uint16) string {
	parts := make([]string, len(list))
	for i, r := range list {
		parts[i] = strconv.Itoa(int(r[0]))
		if r[1] != r[0] {
			parts[i] += "-" + strconv.Itoa(int(r[1]))
		}
	}
	return shorten(parts)
}

// shorten joins the first of many: a real list of vendors fills pages.
func shorten(parts []string) string {
	const most = 12
	if len(parts) <= most {
		return strings.Join(parts, ", ")
	}
	return strings.Join(parts[:most], ", ") + fmt.Sprintf(" and %d more", len(parts)-most)
}
