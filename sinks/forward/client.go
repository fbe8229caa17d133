package forward

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"os"
	"sync/atomic"
	"time"
)

// client sends requests to one recipient.
type client struct {
	http    *http.Client
	timeout time.Duration
}

// newClient makes the client of a forwarder. It follows no redirects, uses no
// proxy, which would connect where it likes, and connects to no private address.
func newClient(c *Config, l Limits) (*client, error) {
	encryption, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	return &client{timeout: l.Timeout, http: &http.Client{
		Transport: &http.Transport{
			DialContext:            newDialer(c.AllowPrivate).DialContext,
			TLSClientConfig:        encryption,
			TLSHandshakeTimeout:    10 * time.Second,
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    l.Concurrency,
			MaxConnsPerHost:        2 * l.Concurrency,
			IdleConnTimeout:        90 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// load reads the files. The client's own certificate is read again for every
// connection, so that a renewed one is used.
func (t *TLS) load() (*tls.Config, error) {
	out := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, fmt.Errorf("cannot read tls.ca: %w", err)
		}
		if out.RootCAs = x509.NewCertPool(); !out.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("cannot use tls.ca: %s has no certificate in PEM", t.CA)
		}
	}
	if t.Certificate != "" {
		own := func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
			if err != nil {
				return nil, fmt.Errorf("cannot use tls.certificate: %w", err)
			}
			return &pair, nil
		}
		if _, err := own(); err != nil {
			return nil, err
		}
		out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return own() }
	}
	return out, nil
}

// sendError is a request without an answer. It quotes neither the request's
// address, in which vendors want their secrets, nor its body.
type sendError struct {
	// sent: the request may have arrived.
	sent   bool
	reason string // label
	cause  error
}

func (e *sendError) Error() string { return "the recipient did not answer: " + e.cause.Error() }
func (e *sendError) Unwrap() error { return e.cause }

// send sends a request and reads the answer. With an error there may be an answer too, of
// which the body was not read to its end.
func (c *client) send(ctx context.Context, request *http.Request) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteHeaders: func() { sent.Store(true) },
	})
	answer, err := c.http.Do(request.WithContext(ctx))
	if err != nil {
		return nil, noAnswer(err, sent.Load())
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, MaxResponse))
	response := &Response{Status: answer.StatusCode, Header: answer.Header, Body: body}
	if err != nil {
		return response, noAnswer(err, true)
	}
	return response, nil
}

func noAnswer(err error, sent bool) error {
	var quoting *url.Error
	if errors.As(err, &quoting) {
		err = quoting.Err
	}
	var timeout net.Error
	e := &sendError{sent: sent, reason: "connection", cause: err}
	switch {
	case errors.Is(err, ErrPrivate):
		e.reason, e.cause = "private_address", ErrPrivate
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		e.reason, e.cause = "timeout", errors.New("no answer within the time limit")
	}
	return e
}

// NewSender returns what sends requests as a runner of that configuration does: over
// encrypted connections, to no private address, following no redirect. For those who
// send without a runner.
func NewSender(c Config, l Limits) (Sender, error) {
	client, err := newClient(&c, c.within(l))
	if err != nil {
		return nil, err
	}
	return func(request *http.Request) (*Response, error) { return client.send(request.Context(), request) }, nil
}
