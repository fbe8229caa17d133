package meta

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

// Config is a recipient of kind meta.
type Config struct {
	Endpoint      string            `yaml:"endpoint" doc:"Address of the Graph API."`
	Version       string            `yaml:"version" doc:"Version of the Graph API, such as v24.0. Meta ends one after about two years."`
	Pixels        map[string]Pixel  `yaml:"pixels" doc:"The pixel (dataset) of each site, by the site's name in the handling policy; * is that of all others."`
	Events        map[string]string `yaml:"events" doc:"Names that custom events and conversions have at Meta, by their names here, where they are not to have the usual ones."`
	TestEventCode string            `yaml:"test_event_code" doc:"Code of Meta's test events tool: with it events are shown there. Not for production."`
}

// Pixel is where the events of a site go.
type Pixel struct {
	ID    string        `yaml:"id" required:"true" doc:"Number of the pixel."`
	Token strict.Secret `yaml:"token" required:"true" doc:"Access token that may write to it."`
}

// SetDefaults fills in what holds where the configuration says nothing.
func (c *Config) SetDefaults() {
	c.Endpoint, c.Version = "https://graph.facebook.com", "v24.0"
}

var (
	version = regexp.MustCompile(`^v[0-9]{1,3}\.0$`)
	pixelID = regexp.MustCompile(`^[0-9]{1,20}$`)
)

// Kind makes the kind; see [forward.Section].
func (c *Config) Kind(recipient string, set *metrics.Set) (forward.Kind, error) {
	return New(*c, recipient, set), nil
}

// Sites returns the sites that have a pixel of their own, * for all others.
func (c *Config) Sites() []string { return slices.Collect(maps.Keys(c.Pixels)) }

// Validate reports what the types alone do not show.
func (c *Config) Validate(check *strict.Check) {
	if len(c.Pixels) == 0 {
		check.Problem("pixels", nil, "must name a pixel for at least one site, or * for all")
	}
	if !version.MatchString(c.Version) {
		check.Problem("version", c.Version, "must be a version of the Graph API, such as v24.0")
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.User != nil || strings.TrimSuffix(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		check.Problem("endpoint", c.Endpoint, "must be https:// and a host")
	case u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost" && u.Hostname() != "127.0.0.1"):
		check.Problem("endpoint", c.Endpoint, "must be https, beyond this machine")
	}
	for name, event := range c.Events {
		if event == "" || len(event) > maxName {
			check.Problem(strict.Join("events", name), event, "must be a name of at most 50 characters")
		}
	}
}

// Validate reports what the types alone do not show.
func (p *Pixel) Validate(check *strict.Check) {
	if !pixelID.MatchString(p.ID) {
		check.Problem("id", p.ID, "must be the pixel's number")
	}
}
