package enforcer

import (
	"testing"
	"time"

	"sekisho/schemas"
)

func TestAnonymousPage(t *testing.T) {
	site := exampleTable(t).Site("shop")
	check := func(in, want string) {
		t.Helper()
		if got := string(site.appendPage([]byte("kept"), in)); got != "kept"+want {
			t.Errorf("%q\n became %q\n    not %q", in, got, want)
		}
	}
	check("https://shop.example.jp", "https://shop.example.jp/")
	check("https://shop.example.jp/tea/sencha", "https://shop.example.jp/tea/sencha")
	check("https://shop.example.jp/tea/", "https://shop.example.jp/tea/")
	check("https://shop.example.jp//tea///sencha", "https://shop.example.jp/tea/sencha")
	check("https://u:p@SHOP.example.jp/tea#frag", "https://shop.example.jp/tea")
	check("https://shop.example.jp/item/42", "https://shop.example.jp/item/42")
	check("https://shop.example.jp/item/4821", "https://shop.example.jp/item/%5Bid%5D")
	check("https://shop.example.jp/user-4821/x", "https://shop.example.jp/%5Bid%5D/x")
	check("https://shop.example.jp/2026/11/sale-20261123", "https://shop.example.jp/2026/11/sale-20261123")
	check("https://shop.example.jp/users/taro", "https://shop.example.jp/users/%5Bid%5D")
	check("https://shop.example.jp/wiki/%E9%96%A2%E6%89%80", "https://shop.example.jp/wiki/%E9%96%A2%E6%89%80")
	check("https://shop.example.jp/a/b/c/d/e/f/g/h/i/j/", "https://shop.example.jp/a/b/c/d/e/f/g/h")
	check("https://shop.example.jp/a-name-that-is-much-longer-than-any-page-would-be-called", "https://shop.example.jp/%5Bid%5D")
	// What was typed to search for, and addresses that slugs are made of.
	check("https://shop.example.jp/search/taro%20yamada/", "https://shop.example.jp/search/%5Bid%5D/")
	check("https://shop.example.jp/%E6%A4%9C%E7%B4%A2/%E5%B1%B1%E7%94%B0", "https://shop.example.jp/%E6%A4%9C%E7%B4%A2/%5Bid%5D")
	check("https://shop.example.jp/search/results?page=2", "https://shop.example.jp/search/results?page=2")
	for _, email := range []string{"taro_at_example.com", "taro-at-example-dot-com", "taro-at-x-dot-jp", "ken-at-x-dot-jp", "taro(at)example(dot)com", "taro%5Bat%5Dexample%5Bdot%5Dcom", "dGFyb0BleC5qcA", "YUBiLmNv", "xn--taro-abc", "hans@m%C3%BCller.de"} {
		check("https://shop.example.jp/x/"+email, "https://shop.example.jp/x/%5Bid%5D")
		check("https://shop.example.jp/?category="+email, "https://shop.example.jp/")
	}
	for _, plain := range []string{"look-at-this", "look-at-this.html", "at-home-dot-to-dot", "stay_at_home.php"} {
		check("https://shop.example.jp/"+plain, "https://shop.example.jp/"+plain)
	}
	// However a number is written, it is one, and its escapes say nothing.
	for _, number := range []string{"%34%38%32%31", "４８２１", "%EF%BC%94%EF%BC%98%EF%BC%92%EF%BC%91", "٤٨٢١", "%D9%A4%D9%A8%D9%A2%D9%A1", "四八二一", "②④⑧", "%253482%2531", "%F0%9D%9F%92%F0%9D%9F%96%F0%9D%9F%90"} {
		check("https://shop.example.jp/item/"+number, "https://shop.example.jp/item/%5Bid%5D")
	}
	check("https://shop.example.jp/%74%65%61/%e9%96%a2", "https://shop.example.jp/tea/%E9%96%A2")
	check("https://shop.example.jp/%75sers/taro", "https://shop.example.jp/users/%5Bid%5D")
	check("https://shop.example.jp/%E4%BA%8C%E3%80%87%E4%BA%8C%E5%85%AD%E5%B9%B4/第三話", "https://shop.example.jp/%E4%BA%8C%E3%80%87%E4%BA%8C%E5%85%AD%E5%B9%B4/第三話")
	// What no page is called.
	for _, odd := range []string{"a%3Bjsessionid=x", "users%2Ftaro", "tea%00", "tea%E2%80%8B", "tea%E3%85%A4", "tea%EF%B8%8F", "%F0%9F%98%80%F0%9F%98%82", "%FF", "%E9%96", "tea%250A", "tea*", "$tea", "~taro"} {
		check("https://shop.example.jp/x/"+odd, "https://shop.example.jp/x/%5Bid%5D")
	}
	check("https://shop.example.jp/Help:Tea_(green)/Q%26A/o'clock/a%20b/【新茶】・煎茶！", "https://shop.example.jp/Help:Tea_(green)/Q%26A/o'clock/a%20b/【新茶】・煎茶！")
	// Short tokens, in groups or spread over directories.
	for _, token := range []string{"a1b2c3d", "3xY9kQz", "X7K2-9QPL-M3NT", "ab12-cd34-ef56", "qx7-k2p-9zt", "0xc0.0xa8.0x1.0x1"} {
		check("https://shop.example.jp/"+token+"/x", "https://shop.example.jp/%5Bid%5D/x")
	}
	check("https://shop.example.jp/id/12/34/56/x", "https://shop.example.jp/id/%5Bid%5D/%5Bid%5D/%5Bid%5D/x")
	check("https://shop.example.jp/avatars/ab/3f/cd/9c/12.png", "https://shop.example.jp/avatars/ab/%5Bid%5D/cd/%5Bid%5D/%5Bid%5D")
	check("https://shop.example.jp/2026/11/23/12/30/45", "https://shop.example.jp/2026/11/23/%5Bid%5D/%5Bid%5D/%5Bid%5D")
	check("https://shop.example.jp/2026/11/23/category/12/34", "https://shop.example.jp/2026/11/23/category/12/34")
	for _, plain := range []string{"ps5-vs-ps4", "mp3-mp4", "iphone15-case", "v1.2.3-rc.1", "top10", "b2b", "i18n", "2026-11-23", "sale-20261123-20261130", "d3-axis-3.0.0.tgz", "logo@2x.png"} {
		check("https://shop.example.jp/"+plain, "https://shop.example.jp/"+plain)
	}
	// Parameters: allowed, plain, once, in order.
	check("https://shop.example.jp/?page=2&id=7", "https://shop.example.jp/?page=2")
	check("https://shop.example.jp/?page=4821", "https://shop.example.jp/")
	check("https://shop.example.jp/?page", "https://shop.example.jp/")
	check("https://shop.example.jp/?page=2&category=tea&page=3", "https://shop.example.jp/?category=tea&page=2")
	check("https://shop.example.jp/?utm_source=line&utm_content=x&utm_term=tea&utm_id=x&utm_taro=x", "https://shop.example.jp/?utm_source=line")
	check("https://shop.example.jp/#a?page=2", "https://shop.example.jp/")
	// Pages of others.
	check("https://news.example.jp/", "")
	check("https://shop.example.jp:8443/", "")
	check("http://shop.example.jp/", "")
	check("about:blank", "")
	check("http://localhost:51234/a", "http://localhost/a")
}

func TestAnonymousReferrer(t *testing.T) {
	site := exampleTable(t).Site("shop")
	check := func(in, want string) {
		t.Helper()
		if got := string(site.appendReferrer([]byte("kept"), in)); got != "kept"+want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
	check("https://shop.example.jp/tea?x", "https://shop.example.jp")
	check("https://www.google.co.jp/search?q=x", "https://www.google.com")
	check("https://google.de", "https://www.google.com")
	check("http://u123.l.facebook.com:8080/x", "https://www.facebook.com")
	check("android-app://com.google", "")
	check("https://google.taro-yamada.example", "")
	check("https://notfacebook.com/", "")
	check("https://facebook.com.example/", "")
	check("https://taro.example/", "")
	check("", "")
}

func TestPlainName(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		if got := plainName(in); got != want {
			t.Errorf("%q became %q, not %q", in, got, want)
		}
	}
	check("Spring_Sale", "spring_sale")
	check("autumn-sale-2026", "autumn-sale-2026")
	check("sale2026", "sale2026")
	check("email", "email")
	for _, none := range []string{"", "2026", "2026-2025-a", "u4821", "sale-20", "a--b", "-a", "a-", "a b", "taro@example.com", "%41", "秋", "a-b-c-d-e",
		"a-name-that-is-too-long-for-a-campaign", "qxvzkwpj", "sale-hgqzwxbv", "BrbAA"} {
		check(none, "")
	}
}

func TestBrowserFamily(t *testing.T) {
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	check := func(agent, want string) {
		t.Helper()
		if got := string(appendFamily(nil, agent, at)); got != want {
			t.Errorf("%q became %q, not %q", agent, got, want)
		}
	}
	check("Mozilla/5.0 Chrome/155.0.1.2 Safari/537.36", "Chrome 155")
	check("Mozilla/5.0 HeadlessChrome/149.0.1.2 Safari/537.36", "Chrome 149")
	check("Mozilla/5.0 Chrome/97.0.1.2 Safari/537.36", "Chrome") // years old: few have it
	check("Mozilla/5.0 Chrome/900.0", "Chrome")
	check("Mozilla/5.0 Chrome/15500000000000000000000", "Chrome")
	check("Mozilla/5.0 Chrome/", "Chrome")
	check("Mozilla/5.0 Chrome/155.0 Edg/155.0", "Edge")
	check("Mozilla/5.0 Firefox/158.0", "Firefox")
	check("Mozilla/5.0 Version/26.1 Safari/605.1", "Safari 26")
	check("Mozilla/5.0 Version/15.1 Safari/605.1", "Safari")
	check("curl/8", "other")
}

func TestPrimaryLanguage(t *testing.T) {
	check := func(tag, want string) {
		t.Helper()
		if got := primaryLanguage(tag); got != want {
			t.Errorf("%q became %q, not %q", tag, got, want)
		}
	}
	check("ja", "ja")
	check("JA-jp-x-taro", "ja")
	check("en_US", "en")
	check("gv", "")
	check("jam", "")
	check("j", "")
	check("", "")
}

// FuzzAnonymise: whatever a client writes into the fields that an anonymised
// event keeps something of, that is short, plain ASCII, and the same when it
// is kept again.
func FuzzAnonymise(f *testing.F) {
	f.Add("https://shop.example.jp/tea/%E9%96%A2?utm_source=line&page=2", "https://www.google.com/", "ja-JP", "Chrome/155.0", "autumn-sale")
	f.Add("http://localhost:99/users/taro;x=1//", "https://[::1]:80/", "en", "Version/26", "2026")
	site := exampleTable(f).Site("shop")
	at := time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, page, referrer, language, agent, tag string) {
		if schemas.Check(schemas.URL, page) == nil {
			first := string(site.appendPage(nil, page))
			if second := string(site.appendPage(nil, first)); second != first && first[:min(16, len(first))] != "http://localhost" {
				t.Errorf("%q became %q", first, second)
			}
			if len(first) > 4096 {
				t.Errorf("a page of %d bytes", len(first))
			}
		}
		if kept := string(site.appendReferrer(nil, referrer)); len(kept) > 40 {
			t.Errorf("referrer %q", kept)
		}
		if kept := primaryLanguage(language); kept != "" && len(kept) != 2 {
			t.Errorf("language %q", kept)
		}
		if kept := string(appendFamily(nil, agent, at)); len(kept) > 10 {
			t.Errorf("browser %q", kept)
		}
		if kept := plainName(tag); len(kept) > maxName || plainName(kept) != kept {
			t.Errorf("name %q", kept)
		}
	})
}
