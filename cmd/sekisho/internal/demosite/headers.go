package demosite

import (
	"net"
	"net/http"
	"strings"
)

// secure adds what every answer has: a content security policy under which a
// page may use itself and the collector and nothing else, and whatever else
// keeps a page from being used against its visitor.
func secure(collector string, next http.Handler) http.Handler {
	policy := strings.Join([]string{
		"default-src 'none'",
		"script-src 'self' " + collector,
		"style-src 'self'",
		"img-src 'self' " + collector,
		"connect-src " + collector,
		"base-uri 'none'",
		"form-action 'none'",
		"frame-ancestors 'none'",
	}, "; ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "strict-origin-when-cross-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		h.Set("Cache-Control", "no-cache")
		if to := named(r.Host); to != "" && r.Method == http.MethodGet {
			http.Redirect(w, r, "http://"+to+r.URL.RequestURI(), http.StatusFound)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// named returns the localhost form of a loopback address, or "": the example
// policy and the cookies know the site by the name only.
func named(host string) string {
	name, port, err := net.SplitHostPort(host)
	if ip := net.ParseIP(name); err != nil || ip == nil || !ip.IsLoopback() {
		return ""
	}
	return net.JoinHostPort("localhost", port)
}
