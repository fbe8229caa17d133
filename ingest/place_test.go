package ingest

import (
	"bytes"
	"log/slog"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metrics"
	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
	"github.com/valyala/fasthttp"

	"sekisho/enforcer"
	"sekisho/schemas"
	"sekisho/schemas/policy"
)

// writePlaces writes a place database as the operator's would be.
func writePlaces(t testing.TB, places map[string]string) (file string) {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: "GeoLite2-City", IncludeReservedNetworks: true})
	if err != nil {
		t.Fatal(err)
	}
	// The wider network first: it takes the place of those in it.
	width := func(network string) int { return netip.MustParsePrefix(network).Bits() }
	for _, network := range slices.SortedFunc(maps.Keys(places), func(a, b string) int { return width(a) - width(b) }) {
		place := places[network]
		_, prefix, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		country, region, _ := strings.Cut(place, "-")
		record := mmdbtype.Map{"country": mmdbtype.Map{"iso_code": mmdbtype.String(country)}}
		if country == "" {
			record = mmdbtype.Map{"continent": mmdbtype.Map{"code": mmdbtype.String("EU")}}
		}
		if region != "" {
			record["subdivisions"] = mmdbtype.Slice{
				mmdbtype.Map{"iso_code": mmdbtype.String(region)},
				mmdbtype.Map{"iso_code": mmdbtype.String("XXX")},
			}
		}
		if err := tree.Insert(prefix, record); err != nil {
			t.Fatal(err)
		}
	}
	var content bytes.Buffer
	if _, err := tree.WriteTo(&content); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "places.mmdb")
	if err := os.WriteFile(file, content.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

var somePlaces = map[string]string{
	"203.0.113.0/24":    "US-CA",
	"198.51.100.0/25":   "US-NY",
	"198.51.100.128/25": "DE-BE",
	"192.0.2.0/24":      "JP",
	"192.0.2.99/32":     "", // a record without a country
	"2001:db8:1::/48":   "US-CA",
	"2001:db8:2::/48":   "FR-IDF",
	"10.1.0.0/16":       "US-CA", // the proxies'
}

func openPlaces(t testing.TB) *Places {
	t.Helper()
	places, err := OpenPlaces(writePlaces(t, somePlaces))
	if err != nil {
		t.Fatal(err)
	}
	return places
}

func TestPlaces(t *testing.T) {
	places := openPlaces(t)
	check := func(address, want string) {
		t.Helper()
		if got := places.Of(netip.MustParseAddr(address)); got != want {
			t.Errorf("%s is in %q, want %q", address, got, want)
		}
	}
	check("203.0.113.7", "US-CA")
	check("198.51.100.127", "US-NY")
	check("198.51.100.128", "DE-BE")
	check("192.0.2.1", "JP")
	check("192.0.2.99", "")
	check("8.8.8.8", "")
	check("2001:db8:1::7", "US-CA")
	check("2001:db8:2:ffff::7", "FR-IDF")
	check("2001:db8:3::7", "")
	check("::1", "")
	check("::ffff:203.0.113.7", "US-CA")
	if got := places.Of(netip.Addr{}); got != "" {
		t.Errorf("no address is in %q", got)
	}
	if got := (*Places)(nil).Of(netip.MustParseAddr("203.0.113.7")); got != "" {
		t.Errorf("without a database, an address is in %q", got)
	}
}

func TestUnusablePlaceDatabase(t *testing.T) {
	check := func(content []byte, want string) {
		t.Helper()
		file := filepath.Join(t.TempDir(), "places.mmdb")
		if content != nil {
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := OpenPlaces(file); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "collector.place_database") {
			t.Errorf("%d bytes: got the error %v, want %q", len(content), err, want)
		}
	}
	whole, err := os.ReadFile(writePlaces(t, somePlaces))
	if err != nil {
		t.Fatal(err)
	}
	check(nil, "no such file")
	check([]byte{}, "not in MaxMind's format")
	check([]byte("country,network\nJP,192.0.2.0/24\n"), "not in MaxMind's format")
	check(whole[:len(whole)/2], "not in MaxMind's format")
}

// TestPlacePrecedence: whose word about the place counts, and from whom.
func TestPlacePrecedence(t *testing.T) {
	parsed, err := policy.Parse(policy.Example)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := enforcer.NewKeys("k1", []byte(strings.Repeat("p", enforcer.MinSecret)))
	if err != nil {
		t.Fatal(err)
	}
	decide := enforcer.New(enforcer.Compile(parsed), keys, nil)
	config := DefaultConfig()
	config.PlaceHeader = "X-Place"
	config.TrustedProxies = []Prefix{{netip.MustParsePrefix("10.1.0.0/16")}}
	collector := func(places *Places) *Collector {
		return New(Options{Config: config, Enforcer: decide, Keys: keys, Places: places, Metrics: metrics.NewSet(), Log: slog.New(slog.DiscardHandler)})
	}
	with, bare := collector(openPlaces(t)), collector(nil)
	check := func(c *Collector, peer, forwarded, header, country, site, want string) {
		t.Helper()
		var request fasthttp.Request
		if forwarded != "" {
			request.Header.Set("X-Forwarded-For", forwarded)
		}
		if header != "" {
			request.Header.Set("X-Place", header)
		}
		var ctx fasthttp.RequestCtx
		ctx.Init(&request, &net.TCPAddr{IP: net.ParseIP(peer), Port: 40000}, nil)
		var s session
		s.begin(&ctx, c)
		var e schemas.Event
		e.Type = schemas.Pageview
		e.Set(schemas.Site, site)
		if country != "" {
			e.Set(schemas.Country, country)
		}
		c.enforcer.Decide(s.table, s.table.Site(site), &e, &s.request, &s.verdict)
		if got := s.verdict.Jurisdiction; got != want {
			t.Errorf("from %s for %q with header %q and country %q: %s, want %s", peer, forwarded, header, country, got, want)
		}
	}
	// The header, the event, the database, the site.
	check(with, "10.1.0.1", "203.0.113.7", "DE", "FR", "shop", "europe")
	check(with, "10.1.0.1", "203.0.113.7", "JP", "FR", "shop", "japan")
	check(with, "10.1.0.1", "203.0.113.7", "ZZ", "US", "shop", "unknown")
	check(with, "10.1.0.1", "203.0.113.7", "", "FR", "shop", "europe")
	check(with, "10.1.0.1", "203.0.113.7", "", "", "shop", "california")
	check(with, "10.1.0.1", "198.51.100.1", "", "", "shop", "united_states")
	check(with, "10.1.0.1", "198.51.100.200", "", "", "shop", "europe")
	check(with, "10.1.0.1", "8.8.8.8", "", "", "shop", "japan")
	check(with, "10.1.0.1", "8.8.8.8", "", "", "travel", "unknown")
	check(bare, "10.1.0.1", "203.0.113.7", "", "", "travel", "unknown")
	// Without proxies, and by IPv6.
	check(with, "203.0.113.7", "", "", "", "shop", "california")
	check(with, "::ffff:203.0.113.7", "", "", "", "shop", "california")
	check(with, "2001:db8:1::7", "", "", "", "shop", "california")
	check(with, "2001:db8:2::7", "", "", "", "shop", "europe")
	check(with, "10.1.0.1", "2001:db8:2::7", "", "", "shop", "europe")
	// Nobody but a trusted proxy says where it speaks for.
	check(with, "198.51.100.200", "203.0.113.7", "", "", "shop", "europe")
	check(with, "198.51.100.200", "", "US-CA", "", "shop", "europe")
	check(with, "10.1.0.1", "203.0.113.7, 198.51.100.200", "", "", "shop", "europe")
	check(with, "10.1.0.1", "203.0.113.7, 198.51.100.200, 10.1.0.2", "", "", "shop", "europe")
	// A proxy is not its client.
	check(with, "10.1.0.1", "", "", "", "shop", "japan")
	check(with, "10.1.0.1", "nonsense", "", "", "travel", "unknown")
}

func BenchmarkPlaces(b *testing.B) {
	places, address := openPlaces(b), netip.MustParseAddr("203.0.113.7")
	b.ReportAllocs()
	for range b.N {
		if places.Of(address) == "" {
			b.Fatal("not found")
		}
	}
}
