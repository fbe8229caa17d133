package config

import (
	"sekisho/schemas/policy"
	"sekisho/schemas/strict"
	"sekisho/sinks/forward"
	"sekisho/sinks/ga4"
	"sekisho/sinks/meta"
	"sekisho/sinks/webhook"
)

// Forwarder is a third party that is sent events. The section of its kind says
// which it is of.
type Forwarder struct {
	GA4      *ga4.Config     `yaml:"ga4" doc:"Google Analytics 4, by the Measurement Protocol."`
	Meta     *meta.Config    `yaml:"meta" doc:"Meta, by the Conversions API."`
	Webhook  *webhook.Config `yaml:"webhook" doc:"A receiver of signed JSON (Standard Webhooks)."`
	Delivery forward.Config  `yaml:"delivery" doc:"How requests are made, whatever the kind."`
}

// SetDefaults fills in what holds where the configuration says nothing.
func (f *Forwarder) SetDefaults() { f.Delivery.SetDefaults() }

// Validate reports what the types alone do not show.
func (f *Forwarder) Validate(check *strict.Check) {
	kinds := 0
	for _, is := range []bool{f.GA4 != nil, f.Meta != nil, f.Webhook != nil} {
		if is {
			kinds++
		}
	}
	if kinds != 1 {
		check.Problem("", nil, "must have one of the sections ga4, meta and webhook, which says of what kind it is")
	}
}

// Validate reports what the types alone do not show.
func (c *Config) Validate(check *strict.Check) {
	if _, ok := c.Forwarders[policy.Store]; ok {
		check.Problem(strict.Join("forwarders", policy.Store), nil, "must be a third party: the store is written to by sekisho sink clickhouse")
	}
}
