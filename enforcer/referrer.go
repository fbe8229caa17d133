package enforcer

import (
	"strings"

	"sekisho/enforcer/identifiers"
)

// appendReferrer appends the origin that led to the page: one of the site's
// own, or the well-known site that it belongs to. Any other may be a page that
// few know, and is left out.
func (s *Site) appendReferrer(b []byte, address string) []byte {
	start := len(b)
	b = identifiers.ReferrerOrigin(b, address)
	end := len(b)
	origin := view(b[start:])
	if b = s.appendOwn(b, origin); len(b) == end {
		_, host, _ := strings.Cut(origin, "://")
		host, _, _ = strings.Cut(host, ":")
		if known := wellKnown(host); known != "" {
			b = append(b, "https://"...)
			b = append(b, known...)
		}
	}
	return append(b[:start], b[end:]...)
}

// wellKnown returns the one name under which a host of a search engine or a
// social network is kept, or "".
func wellKnown(host string) string {
	for rest := host; rest != ""; {
		if known, ok := referrers[rest]; ok {
			return known
		}
		// Google has a domain in every country.
		if label, _, _ := strings.Cut(rest, "."); label == "google" && len(rest) <= len("google.com.xx") {
			return "www.google.com"
		}
		_, rest, _ = strings.Cut(rest, ".")
	}
	return ""
}

// referrers maps the domains of well-known sites to one host for each.
var referrers = map[string]string{
	"bing.com": "www.bing.com", "duckduckgo.com": "duckduckgo.com", "ecosia.org": "www.ecosia.org",
	"baidu.com": "www.baidu.com", "naver.com": "www.naver.com", "daum.net": "www.daum.net",
	"yandex.ru": "yandex.com", "yandex.com": "yandex.com", "goo.ne.jp": "www.goo.ne.jp",
	"yahoo.co.jp": "www.yahoo.co.jp", "yahoo.com": "www.yahoo.com", "rakuten.co.jp": "www.rakuten.co.jp",
	"facebook.com": "www.facebook.com", "fb.com": "www.facebook.com", "instagram.com": "www.instagram.com", "threads.net": "www.threads.net",
	"twitter.com": "x.com", "t.co": "x.com", "x.com": "x.com",
	"line.me": "line.me", "linkedin.com": "www.linkedin.com", "lnkd.in": "www.linkedin.com",
	"youtube.com": "www.youtube.com", "youtu.be": "www.youtube.com", "tiktok.com": "www.tiktok.com",
	"pinterest.com": "www.pinterest.com", "pinterest.jp": "www.pinterest.com", "reddit.com": "www.reddit.com",
	"note.com": "note.com", "hatena.ne.jp": "www.hatena.ne.jp", "ameblo.jp": "ameblo.jp",
	"wikipedia.org": "www.wikipedia.org", "chatgpt.com": "chatgpt.com", "perplexity.ai": "www.perplexity.ai",
	"smartnews.com": "www.smartnews.com",
}
