package role

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/cmd/sekisho/internal/config"
)

// errAwaitsKafka is why a collector that has just been started is not ready.
var errAwaitsKafka = errors.New("Kafka does not answer yet")

// Waiting has the listeners of a collector that cannot start yet, so that clients
// are told to come again and operators why.
type Waiting struct {
	admin  *Admin
	public *http.Server
	listen string
}

// AwaitKafka begins to answer in a collector's stead, until Stop: 503 with
// Retry-After to clients, and to operators what they ask for.
func AwaitKafka(c *config.Config, log *slog.Logger) (*Waiting, error) {
	listener, err := net.Listen("tcp", c.Collector.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for events (collector.listen): %w", err)
	}
	set := metrics.NewSet()
	set.NewGauge("sekisho_producer_healthy", func() float64 { return 0 })
	refused := set.NewCounter("sekisho_unavailable_total")
	admin, err := StartAdmin(c.Admin, set, func() error { return errAwaitsKafka }, log)
	if err != nil {
		listener.Close()
		return nil, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, errAwaitsKafka.Error(), http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			refused.Inc()
		}
		w.Header().Set("Retry-After", "5")
		// The next request is for the collector, on a connection of its own.
		w.Header().Set("Connection", "close")
		http.Error(w, errAwaitsKafka.Error(), http.StatusServiceUnavailable)
	})
	w := &Waiting{admin: admin, listen: listener.Addr().String(), public: &http.Server{
		Handler: mux, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second,
		MaxHeaderBytes: 16 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	go func() {
		if err := w.public.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the listener for events stopped", "error", err)
		}
	}()
	return w, nil
}

// Address returns the address that the public listener has (host:port).
func (w *Waiting) Address() string { return w.listen }

// AdminAddress returns the address that the admin listener has (host:port).
func (w *Waiting) AdminAddress() string { return w.admin.Address() }

// Stop gives the listeners up for those of the collector. Requests under way are
// answered, within a second.
func (w *Waiting) Stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = w.public.Shutdown(ctx)
	_ = w.public.Close()
	_ = w.admin.server.Shutdown(ctx)
	_ = w.admin.server.Close()
}
