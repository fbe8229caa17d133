package identifiers

import "testing"

func TestMaskURL(t *testing.T) {
	check := maskCheck(t, MaskURL)
	check("https://example.com/a?b=c#d", "https://example.com/a?b=c#d")
	check("https://example.com?m=a@example.com", "https://example.com?m=%5Bemail%5D")
	check("https://example.com/a@example.com?x#b@example.com", "https://example.com/%5Bemail%5D?x#%5Bemail%5D")
	check("https://u:p@example.com:8443/x", "https://example.com:8443/x")
	check("https://a@b@example.com/", "https://example.com/")
	check("HTTPS://u@example.com", "HTTPS://example.com")
	check("//u@example.com/x", "//example.com/x")
	check("http://203.0.113.7/?ip=203.0.113.7", "http://203.0.113.7/?ip=%5Bip%5D")
	check("http://[2001:db8::1]:80/", "http://[2001:db8::1]:80/")
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
