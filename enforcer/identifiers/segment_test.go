package identifiers

import "testing"

func TestIdentifierLike(t *testing.T) {
	check := func(want bool, segments ...string) {
		t.Helper()
		for _, s := range segments {
			if IdentifierLike(s) != want {
				t.Errorf("IdentifierLike(%q) = %v", s, !want)
			}
		}
	}
	check(true, "taro@example.com", "taro%40example.com", "taro%2540example.com", "@taro", "090-1234-5678", "4111111111111111")
	check(true, uuid, "order-"+uuid, hex32, "SHA"+hex32, mixed40, "sess_"+mixed40)
	check(true, "123456", "12345678", "1704164645", "1704164645123", "123456.html", "250-1234567-1234567", "１２３４５６７８")
	check(true, "u12345678", "user-12345678", "cus_9s6XKzkNRiz8i3", "B08N5WRWNW", "dQw4w9WgXcQ", "a1b2c3d4", "8f3a9c1b2d4e")
	check(true, "dGFyb0BleGFtcGxlLmNvbQ==", "dGFyb0BleGFtcGxl%3D", "password=hunter2", "ASS1244G1S12UTIL00L", "aBcDeFgHiJkL")

	check(false, "", "a", "about", "2024", "20240102", "2024-01-02", "202401", "20240102153045", "page-2", "12345", "v1.2.3")
	check(false, "how-to-make-sushi-2024", "iphone-15-pro", "iPhone15Pro", "wh-1000xm5", "wh1000xm5", "galaxy-s24-ultra-256gb")
	check(false, "%E9%96%A2%E6%89%80", "関所", "春の新作コレクション2024", "%E6%98%A5%E3%81%AE%E3%82%BB%E3%83%BC%E3%83%AB-2024")
	check(false, "index.html", "feed.xml", "app.min.js", "logo@2x.png", "mens-shoes", "Global_Objects", "sitemap_2024_01.xml")
	check(false, "howToMakeSushiAtHome", "Something_With_A_Long_Title", "internationalization", "top-10-laptops-of-2024", "3-bedroom-house")
	check(false, "news-20240102", "decade", "facade", "rock-n-roll", "mp3", "c1010", "utf-8", "%5Bid%5D", "%5Bemail%5D")
}
