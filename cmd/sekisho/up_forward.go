package main

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/cmd/sekisho/internal/config"
	"sekisho/cmd/sekisho/internal/role"
	"sekisho/cmd/sekisho/internal/vendors"
	"sekisho/schemas/strict"
	"sekisho/sinks/ga4"
	"sekisho/sinks/meta"
	"sekisho/sinks/webhook"
	"sekisho/stream"
)

// startForwarders starts all forwarders of the configuration, or else those to the
// stand-ins, as far as the policy knows these recipients. It returns nil when there
// are none.
func (p *parts) startForwarders(c *config.Config, third *vendors.Set, cluster *stream.Cluster, set *metrics.Set) (*role.Forwarders, error) {
	if third != nil {
		if err := forwardTo(third.URLs(), third.SecretFiles, c); err != nil {
			return nil, err
		}
	}
	names := slices.Sorted(maps.Keys(c.Forwarders))
	if len(names) == 0 {
		return nil, nil
	}
	if err := role.CheckForwarders(c, names); err != nil {
		return nil, err
	}
	forwarders, err := role.StartForwarders(c, names, cluster, set, p.log)
	if err != nil {
		return nil, err
	}
	p.add("forwarders", forwarders.Stop)
	return forwarders, nil
}

// forwardTo puts forwarders to the stand-ins into the configuration: to those at
// the URLs, by recipient, with the secrets in the files.
func forwardTo(urls map[string]string, files vendors.SecretFiles, c *config.Config) error {
	policy, err := role.LoadPolicy(c.Policy)
	if err != nil {
		return err
	}
	var secrets [4]strict.Secret
	for i, file := range []string{files.GoogleSecret, files.GoogleToken, files.MetaToken, files.WebhookKey} {
		text, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("cannot read a secret of the data directory: %w", err)
		}
		secrets[i] = strict.NewSecret(strings.TrimSpace(string(text)))
	}
	google := &ga4.Config{
		Endpoint: urls["google"], Streams: map[string]ga4.Stream{"*": {MeasurementID: vendors.MeasurementID, APISecret: secrets[0]}},
		Deletion: ga4.Deletion{Endpoint: urls["google"], Property: vendors.Property, Token: secrets[1]},
	}
	facebook := &meta.Config{Pixels: map[string]meta.Pixel{"*": {ID: vendors.Pixel, Token: secrets[2]}}}
	facebook.SetDefaults()
	facebook.Endpoint = urls["meta"]
	receiver := &webhook.Config{Secrets: []strict.Secret{secrets[3]}, Resets: true}
	receiver.SetDefaults()
	receiver.URL = urls[vendors.Partner] + "/events"
	c.Forwarders = map[string]config.Forwarder{}
	for name, f := range map[string]config.Forwarder{"google": {GA4: google}, "meta": {Meta: facebook}, vendors.Partner: {Webhook: receiver}} {
		if _, ok := policy.Recipients[name]; ok {
			f.SetDefaults()
			f.Delivery.AllowPrivate = []string{"127.0.0.1"}
			c.Forwarders[name] = f
		}
	}
	return nil
}
