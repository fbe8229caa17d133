// Package vendors runs the stand-ins of the third parties of the example policy
// on one machine, for `sekisho vendors` and `sekisho up`.
package vendors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"

	"sekisho/cmd/sekisho/internal/local"
	"sekisho/sinks/standin"
)

// What the stand-ins call the streams, pixel and property that they know.
const (
	MeasurementID = "G-STANDIN1"
	FirebaseAppID = "1:1:android:1"
	Property      = "1"
	Pixel         = "1"
)

// Ports of the stand-ins; 0 takes a free one.
type Ports struct{ Google, Meta, Webhook int }

// Set is the stand-ins that run, and the files of the secrets that they know.
type Set struct {
	Google, Meta, Webhook                            *standin.Server
	GoogleSecret, GoogleToken, MetaToken, WebhookKey string
}

// Start starts the stand-ins, on the loopback address. Their secrets are kept in
// the data directory.
func Start(dir *local.Dir, ports Ports, log *slog.Logger) (s *Set, err error) {
	s = &Set{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Stop(context.Background()))
			s = nil
		}
	}()
	var secrets [4]string
	for i, f := range []struct {
		file *string
		name string
	}{
		{&s.GoogleSecret, "google-api"}, {&s.GoogleToken, "google-admin"}, {&s.MetaToken, "meta"}, {&s.WebhookKey, "webhook"},
	} {
		if *f.file, err = dir.Secret(f.name); err != nil {
			return s, err
		}
		text, err := os.ReadFile(*f.file)
		if err != nil {
			return s, fmt.Errorf("cannot read a secret of the data directory: %w", err)
		}
		secrets[i] = strings.TrimSpace(string(text))
	}
	on := func(port int) standin.Options {
		return standin.Options{Listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Log: log}
	}
	if s.Google, err = standin.StartGoogle(on(ports.Google), standin.Google{
		Secrets: map[string]string{MeasurementID: secrets[0], FirebaseAppID: secrets[0]}, Property: Property, Token: secrets[1],
	}); err != nil {
		return s, err
	}
	if s.Meta, err = standin.StartMeta(on(ports.Meta), standin.Meta{Pixel: Pixel, Token: secrets[2]}); err != nil {
		return s, err
	}
	// 64 hexadecimal digits are base64 too, of 48 bytes.
	s.Webhook, err = standin.StartWebhook(on(ports.Webhook), standin.Webhook{Secrets: []string{secrets[3]}})
	return s, err
}

// All returns the stand-ins that run.
func (s *Set) All() (list []*standin.Server) {
	for _, server := range []*standin.Server{s.Google, s.Meta, s.Webhook} {
		if server != nil {
			list = append(list, server)
		}
	}
	return list
}

// URLs returns where the stand-ins are, by name.
func (s *Set) URLs() map[string]string {
	urls := map[string]string{}
	for _, server := range s.All() {
		urls[server.Name()] = server.URL()
	}
	return urls
}

// Stop finishes the requests under way, until ctx ends.
func (s *Set) Stop(ctx context.Context) (err error) {
	for _, server := range s.All() {
		err = errors.Join(err, server.Stop(ctx))
	}
	return err
}
