package ga4

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/VictoriaMetrics/metrics"

	"sekisho/schemas/strict"
	"sekisho/sinks/forward"
)

// Config is a recipient of kind ga4.
type Config struct {
	Endpoint  string            `yaml:"endpoint" doc:"Where hits are sent. https://region1.google-analytics.com has them collected in the EU."`
	Streams   map[string]Stream `yaml:"streams" doc:"The data stream of each site, by the site's name in the handling policy; * is that of all others."`
	Events    map[string]string `yaml:"events" doc:"Names that custom events and conversions have at Google, by their names here, where they are not to have their own."`
	UserID    bool              `yaml:"user_id" doc:"Whether the pseudonym of the site's account is sent as user_id, so that Google joins a user's devices."`
	LongTexts bool              `yaml:"long_texts" doc:"Whether the property is one of Analytics 360, which takes texts of 500 characters instead of 100."`
	Deletion  Deletion          `yaml:"deletion" doc:"How Google is asked to delete users that were reset; it is not asked without a property."`
}

// Stream is a data stream of a property: one of the web or one of an app.
type Stream struct {
	MeasurementID string        `yaml:"measurement_id" doc:"Measurement id of a web stream (G-...)."`
	FirebaseAppID string        `yaml:"firebase_app_id" doc:"Firebase app id of an app's stream."`
	APISecret     strict.Secret `yaml:"api_secret" doc:"Measurement Protocol API secret of the stream."`
}

// Deletion is the user deletion of the Admin API.
type Deletion struct {
	Endpoint string `yaml:"endpoint" doc:"Address of the Admin API."`
	Property string `yaml:"property" doc:"Number of the property."`
	// One of the two; see bearer.
	ServiceAccount strict.Secret `yaml:"service_account" doc:"Key of a service account that may edit the property: the JSON file that Google's console gives."`
	Token          strict.Secret `yaml:"token" doc:"OAuth access token with the scope analytics.edit, instead. It lasts an hour: whatever renews it writes it to a file."`
}

// SetDefaults fills in what holds where the configuration says nothing.
func (c *Config) SetDefaults() {
	c.Endpoint, c.Deletion.Endpoint = "https://www.google-analytics.com", "https://analyticsadmin.googleapis.com"
}

var (
	measurementID = regexp.MustCompile(`^G-[A-Z0-9]{2,20}$`)
	property      = regexp.MustCompile(`^[0-9]{1,20}$`)
)

// Kind makes the kind; see [forward.Section]. What is no key of a service account is
// not taken later either.
func (c *Config) Kind(recipient string, set *metrics.Set) (forward.Kind, error) {
	if d := &c.Deletion; d.Property != "" && d.ServiceAccount.IsSet() {
		if err := d.ServiceAccount.Require(isAccount); err != nil {
			return nil, err
		}
	}
	return New(*c, recipient, set), nil
}

// Sites returns the sites that have a stream of their own, * for all others.
func (c *Config) Sites() []string { return slices.Collect(maps.Keys(c.Streams)) }

// Validate reports what the types alone do not show.
func (c *Config) Validate(check *strict.Check) {
	if len(c.Streams) == 0 {
		check.Problem("streams", nil, "must name a stream for at least one site, or * for all")
	}
	checkEndpoint(check, "endpoint", c.Endpoint)
	for name, google := range c.Events {
		if !isEventName(google, true) {
			check.Problem(strict.Join("events", name), google, "must be a letter, then letters, digits and _, at most 40, and not a name of Google's own")
		}
	}
}

// Validate reports what the types alone do not show.
func (s *Stream) Validate(check *strict.Check) {
	switch {
	case s.MeasurementID != "" && s.FirebaseAppID != "":
		check.Conflict("measurement_id", "firebase_app_id", "a stream is one of the web or one of an app")
	case s.MeasurementID == "" && s.FirebaseAppID == "":
		check.Problem("", nil, "must have a measurement_id (web) or a firebase_app_id (app)")
	case s.FirebaseAppID == "" && !measurementID.MatchString(s.MeasurementID):
		check.Problem("measurement_id", s.MeasurementID, "must be G- and capital letters and digits")
	case !s.APISecret.IsSet():
		check.Problem("api_secret", nil, "is required")
	}
}

// Validate reports what the types alone do not show.
func (d *Deletion) Validate(check *strict.Check) {
	if d.Property == "" {
		return
	}
	checkEndpoint(check, "endpoint", d.Endpoint)
	if !property.MatchString(d.Property) {
		check.Problem("property", d.Property, "must be the property's number")
	}
	switch {
	case d.Token.IsSet() && d.ServiceAccount.IsSet():
		check.Conflict("token", "service_account", "name one of them")
	case !d.Token.IsSet() && !d.ServiceAccount.IsSet():
		check.Problem("service_account", nil, "is required to delete users, or a token")
	}
}

// checkEndpoint wants scheme and host alone, and no secrets in the clear beyond
// this machine.
func checkEndpoint(check *strict.Check, field, text string) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		check.Problem(field, text, "must be https:// and a host")
	case u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1"):
		check.Problem(field, text, "must be https, beyond this machine")
	}
}
