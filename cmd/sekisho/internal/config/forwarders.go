package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/schemas/policy"
	"sekisho/schemas/strict"
	"sekisho/sinks/forward"
	"sekisho/sinks/ga4"
	"sekisho/sinks/meta"
	"sekisho/sinks/webhook"
	"sekisho/stream"
)

// Forwarder is a third party that is sent events. The section of its kind says
// which it is of: a field that is a [forward.Section] is all that a kind needs here.
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
	if names, present := f.sections(); len(present) != 1 {
		last := len(names) - 1
		check.Problem("", nil, "must have one of the sections "+strings.Join(names[:last], ", ")+" and "+names[last]+", which says of what kind it is")
	}
}

// Kind makes the kind of a forwarder that was validated and whose secrets are
// resolved; see [forward.Section].
func (f *Forwarder) Kind(recipient string, set *metrics.Set) (forward.Kind, error) {
	_, present := f.sections()
	if len(present) != 1 {
		return nil, fmt.Errorf("cannot forward to %s: it has %d sections that say of what kind it is", recipient, len(present))
	}
	kind, err := present[0].Kind(recipient, set)
	if err != nil {
		return nil, fmt.Errorf("cannot forward to %s: %w", recipient, err)
	}
	return kind, nil
}

// Sites returns the sites that the forwarder tells apart, * for all others; false when it
// tells none apart.
func (f *Forwarder) Sites() (names []string, ok bool) {
	_, present := f.sections()
	for _, section := range present {
		if sorts, is := section.(interface{ Sites() []string }); is {
			return sorts.Sites(), true
		}
	}
	return nil, false
}

// sections returns the names of all kinds' sections, and those that are present.
func (f *Forwarder) sections() (names []string, present []forward.Section) {
	v := reflect.ValueOf(f).Elem()
	for i := range v.NumField() {
		section, ok := v.Field(i).Interface().(forward.Section)
		if !ok {
			continue
		}
		names = append(names, v.Type().Field(i).Tag.Get("yaml"))
		if !v.Field(i).IsNil() {
			present = append(present, section)
		}
	}
	return names, present
}

// Validate reports what the types alone do not show.
func (c *Config) Validate(check *strict.Check) {
	if _, ok := c.Forwarders[policy.Store]; ok {
		check.Problem(strict.Join("forwarders", policy.Store), nil, "must be a third party: the store is written to by sekisho sink clickhouse")
	}
	// Members of one group share its messages: each would have a part of them.
	taken := map[string]string{c.ClickHouse.Group: "clickhouse.group", c.ClickHouse.Erasure.Group: "clickhouse.erasure.group", stream.ReceiptsGroup: "those who take receipts back"}
	for _, name := range slices.Sorted(maps.Keys(c.Forwarders)) {
		f, path := c.Forwarders[name], strict.Join("forwarders", name)+".delivery.group"
		for _, group := range f.Delivery.GroupsOf(name) {
			if other, ok := taken[group]; ok {
				check.Problem(path, group, "is the group of "+other+" already; each needs its own, or each would have only a part of the events")
			}
			taken[group] = path
		}
	}
}
