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

// Partner is the recipient of the example policy that the webhook receiver stands in
// for; the others have the names of their stand-ins.
const Partner = "partner"

// Ports of the stand-ins; 0 takes a free one.
type Ports struct{ Google, Meta, Webhook int }

// SecretFiles are the files of the secrets that the stand-ins know.
type SecretFiles struct{ GoogleSecret, GoogleToken, MetaToken, WebhookKey string }

// names returns each with its name in a data directory.
func (s *SecretFiles) names() map[*string]string {
	return map[*string]string{&s.GoogleSecret: "google-api", &s.GoogleToken: "google-admin", &s.MetaToken: "meta", &s.WebhookKey: "webhook"}
}

// SecretsIn returns the files in a data directory in which stand-ins run.
func SecretsIn(dir string) (s SecretFiles) {
	for file, name := range s.names() {
		*file = local.SecretFile(dir, name)
	}
	return s
}

// Set is the stand-ins that run, and the files of the secrets that they know.
type Set struct {
	Google, Meta, Webhook *standin.Server
	SecretFiles
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
	secrets := map[*string]string{}
	for file, name := range s.names() {
		if *file, err = dir.Secret(name); err != nil {
			return s, err
		}
		text, err := os.ReadFile(*file)
		if err != nil {
			return s, fmt.Errorf("cannot read a secret of the data directory: %w", err)
		}
		secrets[file] = strings.TrimSpace(string(text))
	}
	on := func(port int) standin.Options {
		return standin.Options{Listen: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), Log: log}
	}
	if s.Google, err = standin.StartGoogle(on(ports.Google), standin.Google{
		Secrets: map[string]string{MeasurementID: secrets[&s.GoogleSecret], FirebaseAppID: secrets[&s.GoogleSecret]}, Property: Property, Token: secrets[&s.GoogleToken],
	}); err != nil {
		return s, err
	}
	if s.Meta, err = standin.StartMeta(on(ports.Meta), standin.Meta{Pixel: Pixel, Token: secrets[&s.MetaToken]}); err != nil {
		return s, err
	}
	// 64 hexadecimal digits are base64 too, of 48 bytes.
	s.Webhook, err = standin.StartWebhook(on(ports.Webhook), standin.Webhook{Secrets: []string{secrets[&s.WebhookKey]}})
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

// URLs returns where the stand-ins are, by the recipients of the example policy.
func (s *Set) URLs() map[string]string {
	return map[string]string{"google": s.Google.URL(), "meta": s.Meta.URL(), Partner: s.Webhook.URL()}
}

// Stop finishes the requests under way, until ctx ends.
func (s *Set) Stop(ctx context.Context) (err error) {
	for _, server := range s.All() {
		err = errors.Join(err, server.Stop(ctx))
	}
	return err
}
