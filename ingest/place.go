package ingest

import (
	"fmt"
	"net/netip"
	"os"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/valyala/fasthttp"
)

// Places tells the country and region of an address from a database in
// MaxMind's format, which the operator supplies. Nil knows none. Safe for
// concurrent use.
type Places struct{ reader *maxminddb.Reader }

// OpenPlaces reads a database such as GeoLite2-City into memory, so that the
// file may be replaced at any time; the new one is read at the next start.
func OpenPlaces(file string) (*Places, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read the place database (collector.place_database): %w", err)
	}
	reader, err := maxminddb.OpenBytes(content)
	if err != nil {
		return nil, fmt.Errorf("cannot read the place database (collector.place_database): %s is not in MaxMind's format (.mmdb): %w", file, err)
	}
	return &Places{reader}, nil
}

// Of returns the region (US-CA) of the address, or its country (JP) where no
// region is known, or "": ISO 3166-1 alpha-2, with the first subdivision by
// ISO 3166-2.
func (p *Places) Of(address netip.Addr) string {
	if p == nil || !address.IsValid() {
		return ""
	}
	found := p.reader.Lookup(address)
	var country, region string
	if found.DecodePath(&country, "country", "iso_code") != nil || len(country) != 2 {
		return ""
	}
	if found.DecodePath(&region, "subdivisions", 0, "iso_code") != nil || region == "" {
		return country
	}
	return country + "-" + region
}

// lookUp is what the place database says of the client. A proxy that does not
// tell whom it speaks for is not the client.
func (c *Collector) lookUp(ctx *fasthttp.RequestCtx) string {
	if c.places == nil {
		return ""
	}
	client := c.client(ctx)
	if c.trusted(client) {
		return ""
	}
	return c.places.Of(client)
}
