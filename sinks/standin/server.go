package standin

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// maxBody is the longest body that is read. It is more than any vendor takes,
// so that too long a one is seen and reported.
const maxBody = 16 << 20

// Options are what every stand-in needs.
type Options struct {
	// Listen is the address (host:port); port 0 takes a free one.
	Listen string
	// TLS serves HTTPS when set.
	TLS *tls.Config
	// Keep is how many of the last requests are kept whole; 20 when 0.
	Keep int
	// Now is the clock; the machine's when nil.
	Now func() time.Time
	// OnRequest, if set, is called with every request of the vendor's own paths,
	// once it was answered or cut off. It may be called from many goroutines.
	OnRequest func(Request)
	Log       *slog.Logger
}

// vendor is what one stand-in does with a request. take judges it, records
// what the vendor would keep of it, and returns the answer. It is not called
// for a request that a fault keeps away from the vendor.
type vendor interface {
	name() string
	take(r *http.Request, body []byte, f Fault) answer
}

// answer is what a vendor answers.
type answer struct {
	status int
	header map[string]string
	body   any // sent as JSON unless nil
}

// Server is a stand-in that runs.
type Server struct {
	*recorder
	vendor   vendor
	script   script
	options  Options
	listener net.Listener
	server   *http.Server
}

// start serves the vendor.
func start(o Options, v vendor, r *recorder) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	listener, err := net.Listen("tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the stand-in of %s (give another port with --%[1]s-port): %w", v.name(), err)
	}
	s := &Server{recorder: r, vendor: v, options: o, listener: listener}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page)
	mux.HandleFunc("GET /received", s.serveReceived)
	mux.HandleFunc("PUT /script", s.serveScript)
	mux.HandleFunc("/", s.serve)
	s.server = &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       time.Minute,
		TLSConfig:         o.TLS,
		// HTTP/2 cannot reset one connection for one request.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		ErrorLog:     slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}
	go func() {
		serve := s.server.Serve
		if o.TLS != nil {
			serve = func(l net.Listener) error { return s.server.ServeTLS(l, "", "") }
		}
		if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
			o.Log.Error("a stand-in stopped", "vendor", v.name(), "error", err)
		}
	}()
	return s, nil
}

// Name returns the vendor's name: google, meta or webhook.
func (s *Server) Name() string { return s.vendor.name() }

// Address returns the address that the stand-in has (host:port).
func (s *Server) Address() string { return s.listener.Addr().String() }

// URL returns scheme, host and port.
func (s *Server) URL() string {
	if s.options.TLS != nil {
		return "https://" + s.Address()
	}
	return "http://" + s.Address()
}

// Stop takes no new requests and finishes those under way, until ctx ends. It
// may be called twice.
func (s *Server) Stop(ctx context.Context) error {
	s.script.set(nil) // whoever is delayed need not wait it out
	if err := s.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("cannot finish the requests of the stand-in of %s in time: %w", s.Name(), err)
	}
	return nil
}

// serve answers one request of the vendor's own paths.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	fault := s.script.next()
	if fault.Kind == Down {
		s.refused(fault.Kind)
		cut(w)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		s.violate(Violation{Rule: "body_size", Message: "the body could not be read, or is longer than anyone takes"})
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	if !s.script.wait(r.Context(), time.Duration(fault.Delay)) {
		s.refused(Delay)
		return
	}
	a, taken := fault.refusal(s.Name()), false
	if a == nil {
		given := s.vendor.take(r, body, fault)
		a, taken = &given, true
	} else {
		s.refused(fault.Kind)
	}
	request := Request{
		At: s.now(), Method: r.Method, Path: r.URL.Path, Query: redact(r.URL.Query()), Header: headersOf(r),
		Body: redactBody(body), Status: a.status, Taken: taken, Fault: fault.Kind,
	}
	s.answered(request)
	if s.options.OnRequest != nil {
		defer s.options.OnRequest(request)
	}
	if fault.Kind == Reset {
		cut(w)
		return
	}
	a.write(w)
}

func (a *answer) write(w http.ResponseWriter) {
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(a.status)
	_ = json.NewEncoder(w).Encode(a.body)
}

// cut resets the connection, so that the client gets no answer at all.
func cut(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // closes the connection too
	}
	raw := conn
	if secured, ok := conn.(*tls.Conn); ok {
		raw = secured.NetConn()
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	raw.Close()
}

func (s *Server) serveScript(w http.ResponseWriter, r *http.Request) {
	var faults []Fault
	in := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	in.DisallowUnknownFields()
	err := in.Decode(&faults)
	for i := range faults {
		if err == nil {
			err = faults[i].check()
		}
	}
	if err != nil {
		http.Error(w, "the script is not a list of faults: "+err.Error(), http.StatusBadRequest)
		return
	}
	s.Misbehave(faults...)
	w.WriteHeader(http.StatusNoContent)
}

// Misbehave replaces the script: each fault holds for its number of requests,
// then comes the next. Without faults the stand-in behaves.
func (s *Server) Misbehave(faults ...Fault) { s.script.set(faults) }
