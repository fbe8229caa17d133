package identifiers

import (
	"fmt"
	"strings"
	"testing"
)

const (
	hex32   = "9f86d081884c7d659a2feaa0c55ad015"
	mixed40 = "q7Zk2LwP9xTe4VbN8mRc3YhJ6sDf1GaK5uXo0QiW"
	uuid    = "550e8400-e29b-41d4-a716-446655440000"
)

func TestSecrets(t *testing.T) {
	check := maskCheck(t, MaskText)
	check("key "+mixed40, "key [secret]")
	check("トークン"+mixed40+"です", "トークン[secret]です")
	check(mixed40+"+"+mixed40+"==", "[secret]")
	check(hex32, "[secret]")
	check("sha256-"+hex32+hex32, "[secret]")
	check("sk_"+"live_"+mixed40[:24], "[secret]")
	check("?password=hunter2&x=1", "?password=[secret]&x=1")
	check("?otp=123456&session=Ab3xYz12Qw34Er56&auth=Ab3xYz12Qw34Er56", "?otp=[secret]&session=[secret]&auth=[secret]")
	check("?session=summer&author=taro1234567890ab&desktop=1&auth=google", "?session=summer&author=taro1234567890ab&desktop=1&auth=google")
	check("user_token="+mixed40[:18], "user_token=[secret]")
	check("aws_secret_access_key=wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws_secret_access_key=[secret]")
	check("password=a@example.com", "password=[email]")
	check("password=[email]", "password=[email]")

	check(uuid, uuid)
	check("product-"+strings.ToUpper(uuid), "product-"+strings.ToUpper(uuid))
	check(hex32[:31], hex32[:31])
	check("token=none&secret=&api_key=test", "token=none&secret=&api_key=test")
	check(strings.Repeat("-", 64), strings.Repeat("-", 64))
	check(strings.Repeat("a", 64), strings.Repeat("a", 64))
	check(strings.Repeat("0", 64), strings.Repeat("0", 64))
	check("/products/iPhone15ProMax256GB/Color/Blue2024/Specs", "/products/iPhone15ProMax256GB/Color/Blue2024/Specs")
	check("/commit/"+hex32+"/blob/0123309566/raw/a1b2c3d4e5", "/commit/"+hex32+"/blob/0123309566/raw/a1b2c3d4e5")
}

// A published article's name may be a digest; a session key may be too.
func TestNamesOfContent(t *testing.T) {
	const sha1, sha256 = hex32 + "a1b2c3d4", hex32 + "0123456789abcdef0123456789abcdef"
	check := maskCheck(t, MaskURL)
	pass := func(url string) { t.Helper(); check(url, url) }
	masked := func(before, hash, after string) { t.Helper(); check(before+hash+after, before+"%5Bsecret%5D"+after) }
	pass("https://news.example.jp/articles/" + sha1)
	pass("https://news.example.jp/articles/" + sha1 + "/comments?page=2")
	pass("https://news.example.jp/articles/" + sha1 + "?source=rss")
	pass("https://news.example.jp/Articles/" + strings.ToUpper(sha1) + "#top")
	pass("https://www.example.jp/news/" + hex32 + "/images/000")
	pass("https://www.example.jp/blog/" + sha256)
	pass("https://www.example.jp/share?url=https%3A%2F%2Fnews.example.jp%2Farticles%2F" + sha1)

	masked("https://www.example.jp/articles?id=", sha1, "")
	masked("https://www.example.jp/?articles=", sha1, "")
	masked("https://www.example.jp/articles/", sha1+"0", "")        // no digest
	masked("https://www.example.jp/articles/", hex32+"a1b2c3d", "") // no digest
	masked("https://www.example.jp/articles/", sha1+"-edit", "")    // not all of the segment
	masked("https://www.example.jp/articles/taro/", sha1, "")       // not right after
	masked("https://www.example.jp/my-articles/", sha1, "")         // part of a word
	masked("https://www.example.jp/session/", sha1, "")
	masked("https://www.example.jp/reset/", sha256, "")
	masked("https://www.example.jp/unsubscribe/", hex32, "?x=1")
	masked("https://www.example.jp/", sha1, "")
	masked("https://www.example.jp/articles/"+sha1+"/", hex32, "")
	masked("https://www.example.jp/articles/"+sha1+"?token=", sha1, "")
	all := func(string) bool { return true }
	anonymous := string(AnonymiseURL(nil, "https://news.example.jp/articles/"+sha1+"/comments?from=/articles/"+sha1, all))
	if anonymous != "https://news.example.jp/articles/%5Bid%5D/comments?from=/articles/%5Bsecret%5D" {
		t.Errorf("anonymised: %s", anonymous)
	}
}

func TestClickIDs(t *testing.T) {
	check, none := maskCheck(t, MaskURL), maskCheck(t, Addresses{NoClicks: true}.Mask)
	for _, name := range []string{"gclid", "gbraid", "wbraid", "dclid", "fbclid", "msclkid", "ttclid", "yclid", "ysclid", "twclid", "li_fat_id", "ScCid", "srsltid", "rdt_cid", "epik", "igshid", "irclickid", "ldtag_cl"} {
		url := "https://example.com/?" + name + "=" + mixed40
		check(url, url)
		check("https://example.com/?x"+name+"="+mixed40, "https://example.com/?x"+name+"=%5Bsecret%5D")
		check(url+"@example.com", "https://example.com/?"+name+"=%5Bemail%5D")
		check(url+"&t="+mixed40, url+"&t=%5Bsecret%5D")

		// Where advertisement identifiers may not pass, none does, however short.
		none(url+"&a=b", "https://example.com/?"+name+"=%5Bclick%5D&a=b")
		none("https://example.com/?a=b#"+strings.ToUpper(name)+"=1", "https://example.com/?a=b#"+strings.ToUpper(name)+"=%5Bclick%5D")
		none("https://example.com/?next=https%3A%2F%2Fexample.jp%2F%3F"+name+"%3Dab1%26c%3Dd", "https://example.com/?next=https%3A%2F%2Fexample.jp%2F%3F"+name+"%3D%5Bclick%5D%26c%3Dd")
		none("https://example.com/?next=a%253F"+name+"%253Dab1", "https://example.com/?next=a%253F"+name+"%253D%5Bclick%5D")
		none("https://example.com/?%"+hexOf(name[0])+name[1:]+"=ab1", "https://example.com/?%"+hexOf(name[0])+name[1:]+"=%5Bclick%5D")
	}
	for _, other := range []string{"https://example.com/?gad_source=1&gclid=&utm_id=x", "https://example.com/?xgclid=1&gclid2=3", "https://example.com/gclid/a%3D%25", "https://example.com/?q=a=b"} {
		none(other, other)
	}
}

func hexOf(b byte) string { return fmt.Sprintf("%02X", b) }

// What hands a visitor's identifier on never passes, however short it is.
func TestVisitorsOfOthers(t *testing.T) {
	for _, mask := range []func([]byte, string, *Counts) ([]byte, bool){MaskURL, Addresses{NoClicks: true}.Mask} {
		check := maskCheck(t, mask)
		check("https://example.com/?_ga=2.123456789.987654321.1704164645-1234567890.1704164000", "https://example.com/?_ga=%5Bvisitor%5D")
		check("https://example.com/a?_gl=1*1abcde*_ga*MTIzNDU2Nzg5LjE3MDQxNjQ2NDU.*_ga_ABC*MTcwNA..&x=1#y", "https://example.com/a?_gl=%5Bvisitor%5D&x=1#y")
		check("https://example.com/?utm_source=mail&mc_cid=spring&mc_eid=0a1b2c3d4e", "https://example.com/?utm_source=mail&mc_cid=spring&mc_eid=%5Bvisitor%5D")
		check("https://example.com/?mkt_tok=MTIz&_hsenc=p2AN&_hsmi=1&vero_id=taro&_kx=a.b", "https://example.com/?mkt_tok=%5Bvisitor%5D&_hsenc=%5Bvisitor%5D&_hsmi=1&vero_id=%5Bvisitor%5D&_kx=%5Bvisitor%5D")
		check("https://example.com/?u=%2F%3F_ga%3D1.2", "https://example.com/?u=%2F%3F_ga%3D%5Bvisitor%5D")
		check("https://example.com/?_ga=&mega=1&x_gl=2&_gale=3", "https://example.com/?_ga=&mega=1&x_gl=2&_gale=3")
	}
	maskCheck(t, MaskText)("?_ga=1.2 a", "?_ga=[visitor] a")
}

func TestJWTs(t *testing.T) {
	const header, payload, signature = "ey" + "JhbGciOiJIUzI1NiJ9", "ey" + "JzdWIiOiJ0YXJvIn0", "c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
	check := maskCheck(t, MaskText)
	check(header+"."+payload+"."+signature, "[jwt]")
	check("Bearer "+header+"."+payload+".", "Bearer [jwt]")
	check(header+"."+payload, "[jwt]")
	check(header+"."+payload+"."+signature+"."+signature+"."+signature, "[jwt]") // JWE
	check(header+"."+payload+"."+signature+". Next", "[jwt]. Next")
	check(header, header)
	check("eyJ.eyJ.eyJ", "eyJ.eyJ.eyJ")
}
