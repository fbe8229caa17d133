package identifiers

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestAnonymiseURL(t *testing.T) {
	keep := func(name string) bool { return slices.Contains([]string{"utm_source", "page", "gclid"}, name) }
	check := func(in, want string) {
		t.Helper()
		if got := string(AnonymiseURL([]byte("kept"), in, keep)); got != "kept"+want {
			t.Errorf("%q\n became %q\n    not %q", in, got, want)
		}
	}
	check("https://example.com", "https://example.com")
	check("HTTPS://Example.COM:8443/A/b", "https://example.com:8443/A/b")
	check("https://u:p@example.com/#frag", "https://example.com/")
	check("https://example.com/a/?utm_source=x&id=7&page=2#f", "https://example.com/a/?utm_source=x&page=2")
	check("https://example.com/?id=7", "https://example.com/")
	check("https://example.com/?page", "https://example.com/?page")
	check("https://example.com/?utm_source=taro%40example.com", "https://example.com/?utm_source=%5Bemail%5D")
	check("https://example.com/?gclid="+mixed40, "https://example.com/?gclid=%5Bsecret%5D")
	check("https://example.com/?page=%zz&utm_source=x", "https://example.com/?utm_source=x")
	check("https://example.com/item/12345678/view", "https://example.com/item/%5Bid%5D/view")
	check("https://example.com/news/2024/01/02/how-to-make-sushi", "https://example.com/news/2024/01/02/how-to-make-sushi")
	check("https://example.com/users/taro/edit", "https://example.com/users/%5Bid%5D/edit")
	check("https://example.com/users/login", "https://example.com/users/login")
	check("https://example.com/@taro/post", "https://example.com/%5Bid%5D/post")
	check("https://example.com/a;jsessionid="+hex32+"/b", "https://example.com/a/b")
	check("https://example.com//a//", "https://example.com//a//")
	check("https://example.com/wiki/%E9%96%A2%E6%89%80", "https://example.com/wiki/%E9%96%A2%E6%89%80")
	check("https://example.com/call/090/1234/5678/now", "https://example.com/call/%5Bphone%5D/now")
	check("https://日本語.jp/関所", "https://日本語.jp/関所")
	check("http://localhost:3000/a", "http://localhost:3000/a")
	check("http://127.0.0.1:8080/a", "http://127.0.0.1:8080/a")
	check("http://[::1]:8080/a", "http://[::1]:8080/a")

	check("", "")
	check("example.com/a", "")
	check("/a/b", "")
	check("//example.com/a", "")
	check("ftp://example.com/a", "")
	check("javascript://example.com/%0aalert(1)", "")
	check("https://", "")
	check("https:///a", "")
	check("https://:80/", "")
	check("https://exa mple.com/", "")
	check("https://example.com:port/", "")
	check("https://example.com/a b", "")
	check("https://example.com/%", "")
	check("https://example.com/%4", "")
	check("https://example.com/%gg", "")
	check("https://example.com\\a", "")
	check("https://taro%40example.com/", "")
	check("https://203.0.113.7/a", "")
	check("https://[2001:db8::1]/a", "")
	check("https://[2001:db8::1/a", "")
}

func TestReferrerOrigin(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		if got := string(ReferrerOrigin([]byte("kept"), in)); got != "kept"+want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
	check("https://www.example.com/a?b#c", "https://www.example.com")
	check("https://u:p@www.example.com:8443/a", "https://www.example.com:8443")
	check("https://www.example.com?m=a@example.com", "https://www.example.com")
	check("http://Example.com", "http://example.com")
	check("https://203.0.113.7/", "")
	check("android-app://com.example/", "")
	check("about:blank", "")
	check("", "")
}

func FuzzAnonymiseURL(f *testing.F) {
	for _, l := range readCorpus(f) {
		if l.Field == "url" {
			f.Add(l.In)
		}
	}
	f.Add("https://u:p@example.com/users/taro;x=1/%E9%96%A2?a=b&c#d")
	everything := func(string) bool { return true }
	nothing := func(string) bool { return false }
	f.Fuzz(func(t *testing.T, in string) {
		out := string(AnonymiseURL(nil, in, everything))
		origin := string(ReferrerOrigin(nil, in))
		if out == "" {
			if got := AnonymiseURL(nil, in, nothing); len(got) > 0 {
				t.Fatalf("%q without parameters", got)
			}
			return
		}
		if origin == "" || !strings.HasPrefix(out, origin) {
			t.Fatalf("%q does not start with the origin %q", out, origin)
		}
		if again := string(AnonymiseURL(nil, out, everything)); again != out {
			t.Fatalf("%q became %q", out, again)
		}
		everywhere := Addresses{Own: ownOrigins(everything)}
		if masked, changed := everywhere.Mask(nil, out, nil); changed {
			t.Fatalf("%q masked as %q", out, masked)
		}
		if parsed, err := url.Parse(out); err != nil || parsed.User != nil || parsed.Fragment != "" || parsed.Host == "" {
			t.Fatalf("%q parsed as %#v, %v", out, parsed, err)
		}
		if got := string(AnonymiseURL(nil, in, nothing)); strings.Contains(got, "?") {
			t.Fatalf("%q has a query", got)
		}
	})
}
