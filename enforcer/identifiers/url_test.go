package identifiers

import (
	"net/url"
	"testing"
)

func TestMaskURL(t *testing.T) {
	check := maskCheck(t, MaskURL)
	check("https://example.com/a?b=c#d", "https://example.com/a?b=c#d")
	check("https://example.com?m=a@example.com", "https://example.com?m=%5Bemail%5D")
	check("https://example.com/a@example.com?x#b@example.com", "https://example.com/%5Bemail%5D?x#%5Bemail%5D")
	check("https://u:p@example.com:8443/x", "https://example.com:8443/x")
	check("https://a@b@example.com/", "https://example.com/")
	check("HTTPS://u@example.com", "HTTPS://example.com")
	check("//u@example.com/x", "//example.com/x")
	check("http://203.0.113.7/?ip=203.0.113.7", "http://_ip_/?ip=%5Bip%5D")
	check("http://[2001:db8::1]:80/", "http://_ip_:80/")
	check("https://taro%40example.com/", "https://%5Bemail%5D/") // no host
	check("mailto:taro@example.com?subject=hi", "mailto:%5Bemail%5D?subject=hi")
	check("tel:+81-90-1234-5678", "tel:%5Bphone%5D")
	check("/path?m=a@example.com", "/path?m=%5Bemail%5D")
	check("a@example.com", "%5Bemail%5D")
	check("", "")
	check("://", "://")

	// A bare + is a space after a word, and before a number its sign.
	check("https://example.com/?q=tokyo+2024+100000000", "https://example.com/?q=tokyo+2024+100000000")
	check("https://example.com/?t=+81-90-1234-5678", "https://example.com/?t=%5Bphone%5D")
	check("https://example.com/?t=a%2B81-90-1234-5678", "https://example.com/?t=a%5Bphone%5D")
}

// ownOrigins are origins that the tests call the site's own.
type ownOrigins func(string) bool

func (own ownOrigins) Origin(origin string) bool { return own(origin) }

func TestHosts(t *testing.T) {
	own := Addresses{Own: ownOrigins(func(origin string) bool {
		return origin == "http://10.0.0.5:8080" || origin == "https://"+hex32+".example.jp"
	})}
	check := maskCheck(t, own.Mask)
	keep := func(urls ...string) {
		t.Helper()
		for _, url := range urls {
			check(url, url)
		}
	}
	check("https://203.0.113.7/a?b=c", "https://_ip_/a?b=c")
	check("http://u:p@203.0.113.7:81?x", "http://_ip_:81?x")
	check("https://[2001:db8::8a2e:370:7334]:8443", "https://_ip_:8443")
	for _, host := range []string{"3405803783", "0xcb007107", "0xCB.0.0x71.7", "0313.0.0161.07", "203.0.113.7.", "1.1", "0xabcdefab", "192.168.1.10"} {
		check("http://"+host+"/x", "http://_ip_/x")
	}
	check("https://203.0.113.7.nip.example/", "https://_ip_.nip.example/")
	check("https://203-0-113-7.line.example.net/", "https://_ip_.line.example.net/")
	check("https://app-203-0-113-7.preview.example.com/", "https://app-_ip_.preview.example.com/")
	check("https://i203-0-113-7.s41.example.ne.jp/", "https://i_ip_.s41.example.ne.jp/")
	check("https://FL1-203-0-113-7.tky.mesh.example.jp/", "https://FL1-_ip_.tky.mesh.example.jp/")
	check("https://ec2-203-0-113-7.compute.example.com/", "https://ec2-_ip_.compute.example.com/")
	check("https://u-"+hex32+".cdn.example.com/a.js", "https://_secret_.cdn.example.com/a.js")
	check("https://090-1234-5678.example.com/", "https://_phone_.example.com/")
	check("https://4111111111111111.example.com/", "https://_card_.example.com/")
	check("https://dGFyb0BleGFtcGxlLmNvbQ.example.com/", "https://_email_.example.com/")

	// The site's own, the machine's own, and what hosts are called.
	keep("http://10.0.0.5:8080/a", "HTTP://10.0.0.5:8080/", "https://"+hex32+".example.jp/", "http://127.0.0.1:3000/a", "http://[::1]/", "http://localhost:3000/")
	check("http://10.0.0.5:8081/a", "http://_ip_:8081/a")
	if n := testing.AllocsPerRun(100, func() { own.Mask(nil, "http://10.0.0.5:8080/a", nil) }); n != 0 {
		t.Errorf("an address of the site's own allocates %v times", n)
	}
	keep("https://www.example.co.jp/", "https://4travel.example/", "https://2ch.example/", "https://d111111abcdef8.cloudfront.net/x.js", "https://web3-2024.example.com/",
		"https://my-app-git-feature-login-page-team.example.app/", "https://v1-2-3-4.docs.example.com/", "https://xn--wgv71a119e.jp/", "https://日本語.jp/", "https://taro-yamada.user.example.net/",
		"https://www-example-com.cdn.example.org/", "https://s3.ap-northeast-1.example.com/", "https://Shop.example.jp/")
}

// FuzzHosts: what is masked in a host leaves an address that others can read, with the
// port, and the same when it is masked again.
func FuzzHosts(f *testing.F) {
	for _, host := range []string{"www.example.co.jp", "203.0.113.7:80", "[2001:db8::1]:443", "0x7f.1", "3405803783", "203-0-113-7.example.net", "日本語.jp", hex32 + ".example.com:8080", "A@b.example"} {
		f.Add(host)
	}
	f.Fuzz(func(t *testing.T, host string) {
		in := "https://" + host + "/a?b=c"
		before, err := url.Parse(in)
		if ok, _ := isHost(host); !ok || err != nil {
			return
		}
		out, changed := MaskURL(nil, in, nil)
		if !changed {
			return
		}
		after, err := url.Parse(string(out))
		if err != nil || after.Port() != before.Port() || after.Path != before.Path || after.RawQuery != before.RawQuery {
			t.Fatalf("%q masked as %q: %v", in, out, err)
		}
		if again, changed := MaskURL(nil, string(out), nil); changed {
			t.Fatalf("%q masked as %q, and again as %q", in, out, again)
		}
		if kept := string(ReferrerOrigin(nil, in)); kept != "" && !(Addresses{Own: ownOrigins(func(origin string) bool { return origin == kept })}.keeps(in)) {
			t.Fatalf("%q is the site's own, and does not stay", in)
		}
	})
}

// keeps reports whether the address stays as it is.
func (as Addresses) keeps(url string) bool {
	_, changed := as.Mask(nil, url, nil)
	return !changed
}
