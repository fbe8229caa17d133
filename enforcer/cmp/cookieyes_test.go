package cmp

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

const cookieYesSample = "consentid:VUp6TkdYaGtMTU1zdnBEY3c4bDVMRmtvRzkzcmxDUHA,consent:yes,action:yes,necessary:yes," +
	"functional:no,analytics:yes,performance:no,advertisement:no,lastRenewedDate:1760000000000"

func decodeCookieYes(c *Choices, value string) error { return c.DecodeCookieYes(value) }

func TestCookieYes(t *testing.T) {
	check := checkSaid(t, decodeCookieYes)
	check(cookieYesSample, "explicit +necessary -functional +analytics -performance -advertisement")
	check(url.QueryEscape(cookieYesSample), "explicit +necessary -functional +analytics -performance -advertisement")
	check("consentid:x,consent:yes,action:no,necessary:yes,analytics:yes,other:yes", "~necessary ~analytics ~other")
	check("consentid:x,consent:no,action:yes,necessary:yes,analytics:no", "explicit +necessary -analytics")
	check("consentid:x,consent:no,action:yes,necessary:yes,analytics:yes", "explicit +necessary -analytics")
	check("necessary:yes,analytics:yes,consent:no,action:yes", "explicit +necessary -analytics")
	check("consentid:x,consent:,action:,necessary:,functional:,analytics:,other:", "")
	check("consentid:,consent:yes,action:yes,necessary:", "explicit")
}

func TestCookieYesRefuses(t *testing.T) {
	check := checkRefused(t, decodeCookieYes)
	check("", ErrSyntax)
	check("yes", ErrSyntax)
	check("consent:yes,action:yes,analytics:yes,", ErrSyntax)
	check("consent:yes,action:yes,analytics", ErrSyntax)
	check("consent:yes,action:yes,analytics:1", ErrSyntax)
	check("consent:yes,action:yes,analytics:Yes", ErrSyntax)
	check("consent:yes,action:yes,analytics: yes", ErrSyntax)
	check("consent:yes,action:yes,:yes", ErrSyntax)
	check("consent:true,action:yes,analytics:yes", ErrSyntax)
	check("action:yes,analytics:yes", ErrIncomplete)
	check("consent:yes,analytics:yes", ErrIncomplete)
	check("consent:yes,action:yes,analytics:yes,analytics:no", ErrDuplicate)
	check("consent:no,consent:yes,action:yes,analytics:yes", ErrDuplicate)
	check("consent:yes,action:no,action:yes,analytics:yes", ErrDuplicate)
	check("consent:yes,action:yes,analytics:yes%2", ErrEncoding)
	check("consent:yes,action:yes,"+strings.Repeat("x", MaxValue)+":yes", ErrTooLong)
}

func TestCookieYesMutations(t *testing.T) {
	entitled := func(mutated, category string) bool {
		members := strings.Split(mutated, ",")
		return slices.Contains(members, category+":yes") && slices.Contains(members, "action:yes")
	}
	checkMutations(t, decodeCookieYes, cookieYesSample, entitled)
	checkMutations(t, decodeCookieYes, "consentid:x,consent:no,action:yes,necessary:yes,analytics:yes", entitled)
	checkMutations(t, decodeCookieYes, "consentid:x,consent:yes,action:no,necessary:yes,analytics:yes", entitled)
}

func TestCookieYesAllocatesNothing(t *testing.T) {
	checkAllocations(t, decodeCookieYes, cookieYesSample, url.QueryEscape(cookieYesSample), "consent:yes", "x")
}

func FuzzCookieYes(f *testing.F) {
	f.Add(cookieYesSample)
	f.Fuzz(func(t *testing.T, value string) { fuzz(t, decodeCookieYes, value) })
}

func BenchmarkCookieYes(b *testing.B) { benchmark(b, decodeCookieYes, cookieYesSample) }
