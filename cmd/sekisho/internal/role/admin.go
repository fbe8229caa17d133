package role

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/cmd/sekisho/internal/config"
)

// Admin is the listener for metrics and operators.
type Admin struct {
	listener net.Listener
	server   *http.Server
}

// Page is what a role adds to the admin listener.
type Page struct {
	Pattern string // as [http.ServeMux] takes it
	Handler http.Handler
}

// StartAdmin serves /metrics, /healthz, /readyz, /debug/pprof and the roles'
// own pages. The token, when there is one, is asked of every request but those
// for health.
func StartAdmin(c config.Admin, set *metrics.Set, ready func() error, log *slog.Logger, pages ...Page) (*Admin, error) {
	listener, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for operators (admin.listen): %w", err)
	}
	private := http.NewServeMux()
	private.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		set.WritePrometheus(w)
		metrics.WriteProcessMetrics(w)
	})
	private.HandleFunc("GET /debug/pprof/", pprof.Index)
	private.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	private.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	for _, p := range pages {
		private.Handle(p.Pattern, p.Handler)
	}
	public := http.NewServeMux()
	public.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	public.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	public.Handle("/", authorise(c.Token.Reveal(), private))
	a := &Admin{listener: listener, server: &http.Server{
		Handler:           public,
		ReadHeaderTimeout: 5 * time.Second,
		IdleTimeout:       time.Minute,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	go func() {
		if err := a.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the admin listener stopped", "error", err)
		}
	}()
	return a, nil
}

func authorise(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := []byte("Bearer " + token)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), want) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "the admin token is missing or wrong", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Address returns the address that the listener has (host:port).
func (a *Admin) Address() string { return a.listener.Addr().String() }

// Stop ends the listener.
func (a *Admin) Stop(ctx context.Context) error {
	if err := a.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("cannot stop the admin listener: %w", err)
	}
	return nil
}
