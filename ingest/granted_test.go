package ingest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"sekisho/enforcer"
	"sekisho/schemas"
)

// TestGranted: what a cookie says of each site, for as many as it has room for.
func TestGranted(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_764_113_291_123)
	purposes := schemas.PurposesOf(schemas.Analytics, schemas.Social)
	var g granted
	for i := range 3 * maxGrants {
		g = g.with(fmt.Sprintf("site-%d", i), purposes, at.Add(time.Duration(i)*time.Millisecond))
		g = g.with(fmt.Sprintf("site-%d", i), schemas.AllPurposes, at.Add(time.Duration(i)*time.Second))
	}
	for i := range 3 * maxGrants {
		got, since := g.of(fmt.Sprintf("site-%d", i))
		switch {
		case i < 2*maxGrants && got != 0:
			t.Errorf("site %d is still there", i)
		case i >= 2*maxGrants && (got != schemas.OptionalPurposes || !since.Equal(at.Add(time.Duration(i)*time.Second))):
			t.Errorf("site %d has %v since %v", i, got.Names(), since)
		}
	}
	if got, _ := g.of("another"); got != 0 {
		t.Errorf("another site has %v", got.Names())
	}
	// The cookie as a whole is taken for the identifier, wherever one is given.
	id := newVisitorID(at)
	cookie := id + "." + string(g)
	if len(cookie) > int(schemas.VisitorID.Definition().Max) {
		t.Errorf("the cookie has %d bytes", len(cookie))
	}
	if got := enforcer.NormalIdentifier(schemas.VisitorID, cookie); got != id {
		t.Errorf("the cookie is taken for %s", got)
	}
	for _, other := range []string{"", id, id + ".", id + ".x", cookie + "=", cookie[1:], "an app's own", strings.Repeat("é", 18)} {
		if got := enforcer.NormalIdentifier(schemas.VisitorID, other); got != other {
			t.Errorf("%q becomes %q", other, got)
		}
	}
}

// FuzzGranted: whatever a cookie has, it is read without harm, and what is added to
// it is found.
func FuzzGranted(f *testing.F) {
	f.Add("AaIVHcOlgRJgywm_JuDiUg.R-CpDRCoyYf3", "shop", uint8(3))
	f.Add("", "", uint8(0))
	f.Fuzz(func(t *testing.T, cookie, site string, p uint8) {
		_, g := splitVisitor([]byte(cookie))
		g.of(site)
		at, want := time.UnixMilli(1_764_113_291_123), schemas.Purposes(p)&schemas.OptionalPurposes
		got, since := g.with(site, want, at).of(site)
		if got != want || !since.Equal(at) {
			t.Errorf("got %v since %v, want %v", got, since, want)
		}
	})
}
