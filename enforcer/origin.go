package enforcer

import (
	"slices"
	"strings"
)

// origins is a list of origins to look into.
type origins struct {
	exact map[string]bool
	local []string // origins up to their port, which may be any
}

func compileOrigins(list []string) origins {
	o := origins{exact: make(map[string]bool)}
	o.add(list)
	return o
}

func (o *origins) add(list []string) {
	for _, origin := range list {
		if prefix, ok := strings.CutSuffix(origin, "*"); !ok {
			o.exact[origin] = true
		} else if !slices.Contains(o.local, prefix) {
			o.local = append(o.local, prefix)
		}
	}
}

// have reports whether the origin is in the list.
func (o *origins) have(origin string) bool {
	if o.exact[origin] {
		return true
	}
	for _, prefix := range o.local {
		if port, ok := strings.CutPrefix(origin, prefix); ok && isPort(port) {
			return true
		}
	}
	return false
}

func isPort(s string) bool { return len(s) <= 5 && isDigits(s) }

func isDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
