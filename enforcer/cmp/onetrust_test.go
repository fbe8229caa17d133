package cmp

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

const (
	oneTrustSample = "isGpcEnabled=0&datestamp=Mon+Nov+02+2026+10%3A00%3A00+GMT%2B0100+(Central+European+Standard+Time)" +
		"&version=202512.1.0&browserGpcFlag=0&isIABGlobal=false&hosts=&consentId=7f3cf16d-b3e1-4781-8db1-61482d0a9dff" +
		"&interactionCount=1&isAnonUser=1&landingPath=NotLandingPage&groups=C0001%3A1%2CC0002%3A0%2CC0003%3A1%2CC0004%3A0" +
		"&geolocation=DE%3BBE&AwaitingReconsent=false"
	oneTrustClosed = "2026-11-02T09:00:00.000Z"
)

func decodeOneTrust(c *Choices, value string) error { return c.DecodeOneTrust(value, "") }

func decodeOneTrustClosed(c *Choices, value string) error {
	return c.DecodeOneTrust(value, oneTrustClosed)
}

func TestOneTrust(t *testing.T) {
	check := checkSaid(t, decodeOneTrust)
	check(oneTrustSample, "explicit +C0001 -C0002 +C0003 -C0004")
	check("groups=C0001%3A1%2CC0004%3A1", "~C0001 ~C0004")
	check("groups=C0001:1,C0004:0", "~C0001 -C0004")
	check("interactionCount=0&groups=C0001:1", "~C0001")
	check("interactionCount=12&groups=C0001:1", "explicit +C0001")
	check("groups=C0001:1&interactionCount=1&AwaitingReconsent=true", "~C0001")
	check("isGpcEnabled=1&groups=C0004:0", "gpc -C0004")
	check("browserGpcFlag=1&isGpcEnabled=0&groups=C0004:0", "gpc -C0004")
	check("groups=BG12:1,V2STACK42:0,1:0&interactionCount=1", "explicit +BG12 -V2STACK42 -1")
	check("groups=Werbung+%26+Mehr%3A1&interactionCount=1", "explicit +Werbung & Mehr")
	check("groups=%E5%BA%83%E5%91%8A%3A0", "-広告")
	check("unknown=%zz&groups=C0001:0", "-C0001")
}

func TestOneTrustClosed(t *testing.T) {
	check := checkSaid(t, decodeOneTrustClosed)
	check("groups=C0001%3A1%2CC0004%3A1", "explicit +C0001 +C0004")
	check("groups=C0001:1&AwaitingReconsent=true", "~C0001")
	check("groups=C0001:1&interactionCount=0", "explicit +C0001")
}

func TestOneTrustClosedForms(t *testing.T) {
	check := func(closed string, want error) {
		t.Helper()
		checkRefused(t, func(c *Choices, value string) error { return c.DecodeOneTrust(value, closed) })("groups=C0001:1", want)
	}
	check("", nil)
	check("2026-11-02T09:00:00.000Z", nil)
	check("2026-11-02T09:00:00Z", nil)
	check("2026-11-02T09%3A00%3A00.000Z", nil)
	check("true", ErrSyntax)
	check("2026-11-02", ErrSyntax)
	check("2026-11-02T09:00:00.000+", ErrSyntax)
	check("2026-11-02T09:00:00 ", ErrSyntax)
	check("2026-11-02T09%3", ErrEncoding)
	check(strings.Repeat("2", MaxValue+1), ErrTooLong)
}

func TestOneTrustRefuses(t *testing.T) {
	check := checkRefused(t, decodeOneTrustClosed)
	check("", ErrSyntax)
	check("isGpcEnabled=0&version=6", ErrIncomplete)
	check("groups=", ErrSyntax)
	check("groups=C0001", ErrSyntax)
	check("groups=C0001:", ErrSyntax)
	check("groups=C0001:2", ErrSyntax)
	check("groups=C0001:11", ErrSyntax)
	check("groups=C0001:true", ErrSyntax)
	check("groups=:1", ErrSyntax)
	check("groups=C0001:1,", ErrSyntax)
	check("groups=C0001:1,,C0002:1", ErrSyntax)
	check("groups=C0001:1&", ErrSyntax)
	check("groups=C0001:1&C0004:0", ErrSyntax)
	check("groups=C0001:1&C0004", ErrSyntax)
	check("groups=C%00001:1", ErrSyntax)
	check("groups=%FF:1", ErrSyntax)
	check("groups=C0001%3A1%2", ErrEncoding)
	check("groups=C0001%3A1%2xC0004%3A0", ErrEncoding)
	check("groups=C0001:1,C0001:0", ErrDuplicate)
	check("groups=C0001:0,C0001:0", ErrDuplicate)
	check("groups=C0001:1&groups=C0001:0", ErrDuplicate)
	check("groups=C0001:1;C0004:0", ErrSyntax)
	check("groups=C0;01:1", ErrSyntax)
	check("g%72oups=C0001:0&groups=C0001:1", ErrSyntax)
	check("groups=C0001:1&interactionCount=", ErrSyntax)
	check("groups=C0001:1&interactionCount=-1", ErrSyntax)
	check("groups=C0001:1&interactionCount=1&interactionCount=0", ErrDuplicate)
	check("groups=C0001:1&isGpcEnabled=true", ErrSyntax)
	check("groups=C0001:1&AwaitingReconsent=maybe", ErrSyntax)
	check("groups="+strings.Repeat("x", maxCategory+1)+":1", ErrSyntax)
	check("groups=C0001:1&x="+strings.Repeat("x", MaxValue), ErrTooLong)
	check("groups="+manyGroups(MaxCategories), nil)
	check("groups="+manyGroups(MaxCategories+1), ErrTooMany)
}

func manyGroups(n int) string {
	var groups []string
	for i := range n {
		groups = append(groups, fmt.Sprintf("G%d:1", i))
	}
	return strings.Join(groups, ",")
}

func TestOneTrustMutations(t *testing.T) {
	entitled := func(mutated, category string) bool {
		q, err := url.ParseQuery(mutated)
		return err == nil && len(q["groups"]) == 1 && slices.Contains(strings.Split(q.Get("groups"), ","), category+":1")
	}
	checkMutations(t, decodeOneTrust, oneTrustSample, entitled)
	checkMutations(t, decodeOneTrustClosed, oneTrustSample, entitled)
	checkMutations(t, decodeOneTrust, "interactionCount=1&groups=C0001:0,C0004:0", entitled)
}

func TestOneTrustAllocatesNothing(t *testing.T) {
	checkAllocations(t, decodeOneTrustClosed, oneTrustSample, "groups=C0001:1", "groups=%", "groups=C0001:1,C0001:1")
}

func FuzzOneTrust(f *testing.F) {
	f.Add(oneTrustSample, oneTrustClosed)
	f.Fuzz(func(t *testing.T, consent, closed string) {
		fuzz(t, func(c *Choices, value string) error { return c.DecodeOneTrust(value, closed) }, consent)
	})
}

func BenchmarkOneTrust(b *testing.B) { benchmark(b, decodeOneTrustClosed, oneTrustSample) }
