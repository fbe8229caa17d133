package cmp

import (
	"net/url"
	"strings"
	"testing"
)

const cookiebotSample = "{stamp:%27G+6rYDfrzwrZItFRfHCbe8iQIFLhMDCgjBS+/Oq/gZe0Lovh65ODgg==%27%2Cnecessary:true" +
	"%2Cpreferences:false%2Cstatistics:true%2Cmarketing:false%2Cmethod:%27explicit%27%2Cver:1%2Cutc:1705162226478" +
	"%2Cregion:%27us-06%27}"

func decodeCookiebot(c *Choices, value string) error { return c.DecodeCookiebot(value) }

func TestCookiebot(t *testing.T) {
	check := checkSaid(t, decodeCookiebot)
	check(cookiebotSample, "explicit +necessary -preferences +statistics -marketing")
	check("-1", "~necessary ~preferences ~statistics ~marketing")
	check("0", "~necessary -preferences -statistics -marketing")
	four := "necessary:true,preferences:true,statistics:true,marketing:true"
	check("{stamp:'x',"+four+",method:'explicit',ver:1}", "explicit +necessary +preferences +statistics +marketing")
	check("{ stamp:'x', "+four+" , method: 'explicit' }", "explicit +necessary +preferences +statistics +marketing")
	check("{stamp:'-1',"+four+",method:'implied',ver:1}", "~necessary ~preferences ~statistics ~marketing")
	check("{stamp:'-1',"+four+",method:'explicit'}", "~necessary ~preferences ~statistics ~marketing")
	check("{stamp:'x',"+four+",ver:1}", "~necessary ~preferences ~statistics ~marketing")
	check("{"+four+"}", "~necessary ~preferences ~statistics ~marketing")
	check("{"+strings.ReplaceAll(four, "true", "false")+"}", "-necessary -preferences -statistics -marketing")
}

func TestCookiebotCarriesStrings(t *testing.T) {
	check := func(members, tc, ac string) {
		t.Helper()
		var c Choices
		err := c.DecodeCookiebot("{necessary:true,preferences:true,statistics:true,marketing:true,method:%27explicit%27" + members + "}")
		if err != nil || c.TC != tc || c.AC != ac {
			t.Errorf("%s: %q, %q, %v", members, c.TC, c.AC, err)
		}
	}
	check("", "", "")
	check("%2Ciab2:%27CP5jqEAP5jqEACGABBENAmEg.YAAA%27%2Cgacm:%272~12.35~dv.70%27", "CP5jqEAP5jqEACGABBENAmEg.YAAA", "2~12.35~dv.70")
	check("%2Cgacm:%272%7E12.35%7Edv.%27", "", "2~12.35~dv.")
	check("%2Cgacm:%272~AA==fmR2Lg==AAAA%27", "", "") // packed
	check("%2Ciab:%27BO%27%2Ciab2:%27%27", "", "")
}

func TestCookiebotRefuses(t *testing.T) {
	check := checkRefused(t, decodeCookiebot)
	four := "necessary:true,preferences:true,statistics:true,marketing:true"
	check("", ErrSyntax)
	check("1", ErrSyntax)
	check("-2", ErrSyntax)
	check("-1 ", ErrSyntax)
	check("true", ErrSyntax)
	check("{}", ErrSyntax)
	check("{"+four, ErrSyntax)
	check("{"+four+",}", ErrSyntax)
	check("{"+four+"}}", ErrSyntax)
	check("{"+four+"} ", ErrSyntax)
	check("{,"+four+"}", ErrSyntax)
	check("{"+four+" ver:1}", ErrSyntax)
	check("{"+four+",ver}", ErrSyntax)
	check("{"+four+",ver:}", ErrSyntax)
	check("{"+four+",ver:'1}", ErrSyntax)
	check("{"+four+",method:'none'}", ErrSyntax)
	check("{"+four+",method:explicit}", ErrSyntax)
	check("{"+four+",iab2:CP5j}", ErrSyntax)
	check("{"+four+",stamp:''}", ErrSyntax)
	check("{'necessary':true}", ErrSyntax)
	check(`{"necessary":true,"preferences":true,"statistics":true,"marketing":true}`, ErrSyntax)
	check("{necessary:true,+preferences:true}", ErrSyntax)
	check("{necessary:true,preferences:true,statistics:true}", ErrIncomplete)
	check("{necessary:'true',preferences:true,statistics:true,marketing:true}", ErrSyntax)
	check("{necessary:1,preferences:true,statistics:true,marketing:true}", ErrSyntax)
	check("{necessary:True,preferences:true,statistics:true,marketing:true}", ErrSyntax)
	check("{"+four+",marketing:false}", ErrDuplicate)
	check("{"+four+",method:'implied',method:'explicit'}", ErrDuplicate)
	check("{"+four+",stamp:'-1',stamp:'x'}", ErrDuplicate)
	check("{"+four+",iab2:'a',iab2:'b'}", ErrDuplicate)
	check("{"+four+",region:%27de%2}", ErrEncoding)
	check("{"+four+",region:%2xde%27}", ErrEncoding)
	check("{"+four+",region:'"+strings.Repeat("x", MaxValue)+"'}", ErrTooLong)
}

func TestCookiebotMutations(t *testing.T) {
	entitled := func(mutated, category string) bool {
		text, err := url.PathUnescape(mutated)
		return err == nil && strings.Contains(text, category+":true") && strings.Contains(text, "method:'explicit'")
	}
	checkMutations(t, decodeCookiebot, cookiebotSample, entitled)
	checkMutations(t, decodeCookiebot, "{necessary:true,preferences:false,statistics:false,marketing:false,method:'explicit'}", entitled)
	checkMutations(t, decodeCookiebot, "{stamp:'-1',necessary:true,preferences:true,statistics:true,marketing:true,method:'explicit'}", entitled)
}

// A short value has few neighbours; none of those of a refusal grants.
func TestCookiebotMutatedRefusal(t *testing.T) {
	for _, value := range []string{"0", "-1"} {
		for i := range len(value) {
			for b := range 256 {
				var c Choices
				_ = c.DecodeCookiebot(value[:i] + string([]byte{byte(b)}) + value[i+1:])
				if strings.Contains(said(&c), "+") {
					t.Errorf("byte %d of %q as %d grants", i, value, b)
				}
			}
		}
	}
}

func TestCookiebotAllocatesNothing(t *testing.T) {
	checkAllocations(t, decodeCookiebot, cookiebotSample, "-1", "{stamp:", "{necessary:true}")
}

func FuzzCookiebot(f *testing.F) {
	f.Add(cookiebotSample)
	f.Fuzz(func(t *testing.T, value string) {
		c := fuzz(t, decodeCookiebot, value)
		if c.Explicit && !strings.Contains(value, "explicit") && !strings.Contains(value, "%") {
			t.Errorf("%q is explicit", value)
		}
	})
}

func BenchmarkCookiebot(b *testing.B) { benchmark(b, decodeCookiebot, cookiebotSample) }
