// Package demosite is the shop that `sekisho up` serves: a site of the example
// policy that embeds the tracker as a customer's site would, asks for consent,
// and shows its visitor what it sent.
package demosite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"
)

// Site is the name under which the example policy knows the shop.
const Site = "shop"

// Server serves the demo site.
type Server struct {
	listener net.Listener
	server   *http.Server
}

// Start serves the site on an address (host:port; port 0 takes a free one). Its
// pages send their events to the collector, an origin such as
// http://localhost:8601.
func Start(listen, collector string, log *slog.Logger) (*Server, error) {
	origin, err := url.Parse(collector)
	if err != nil || origin.Host == "" || origin.Scheme != "http" && origin.Scheme != "https" || collector != origin.Scheme+"://"+origin.Host {
		return nil, fmt.Errorf("cannot serve the demo site: the collector must be given as http://host:port, not %q", collector)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for the demo site (give another port with --demo-port): %w", err)
	}
	s := &Server{listener: listener, server: &http.Server{
		Handler:           secure(collector, newPages(collector)),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      10 * time.Second,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}}
	go func() {
		if err := s.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the demo site stopped", "error", err)
		}
	}()
	return s, nil
}

// Address returns the address that the site has (host:port).
func (s *Server) Address() string { return s.listener.Addr().String() }

// Stop takes no new requests and finishes those under way, until ctx ends. It
// may be called twice.
func (s *Server) Stop(ctx context.Context) error {
	if err := s.server.Shutdown(ctx); err != nil {
		return fmt.Errorf("cannot finish the demo site's requests in time: %w", err)
	}
	return nil
}
