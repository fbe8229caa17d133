package identifiers

import (
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
	check := maskCheck(t, MaskURL)
	for _, name := range []string{"gclid", "gbraid", "wbraid", "fbclid", "msclkid", "ttclid", "yclid"} {
		url := "https://example.com/?" + name + "=" + mixed40
		check(url, url)
		check("https://example.com/?x"+name+"="+mixed40, "https://example.com/?x"+name+"=%5Bsecret%5D")
		check(url+"@example.com", "https://example.com/?"+name+"=%5Bemail%5D")
		check(url+"&t="+mixed40, url+"&t=%5Bsecret%5D")
	}
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
