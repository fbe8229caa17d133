package enforcer

import "strings"

// queryList is the query parameters that a site keeps in the addresses of
// anonymised events.
type queryList struct {
	names    map[string]bool
	prefixes []string
}

func compileQuery(patterns []string) queryList {
	list := queryList{names: make(map[string]bool)}
	for _, p := range patterns {
		if prefix, ok := strings.CutSuffix(p, "*"); ok {
			list.prefixes = append(list.prefixes, prefix)
		} else {
			list.names[p] = true
		}
	}
	return list
}

// keeps reports whether the parameter is kept.
func (l *queryList) keeps(name string) bool {
	if l.names[name] {
		return true
	}
	for _, prefix := range l.prefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
