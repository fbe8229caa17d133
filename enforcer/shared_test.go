package enforcer

import "testing"

func TestSharedAddress(t *testing.T) {
	site := exampleTable(t).Site("shop")
	check := func(address, want string) {
		t.Helper()
		if got := site.SharedAddress(address); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
	check("https://shop.example.jp/", "https://shop.example.jp/")
	check("https://shop.example.jp/a?gclid=1&page=2&fbclid=3&utm_source=x&session=9#id=7", "https://shop.example.jp/a?page=2&utm_source=x")
	check("https://shop.example.jp/a?", "https://shop.example.jp/a")
	check("https://shop.example.jp/a?page", "https://shop.example.jp/a?page")
	check("https://shop.example.jp/a?&&=1&page=1&page=2", "https://shop.example.jp/a?page=1&page=2")
	check("https://shop.example.jp/a#?page=1", "https://shop.example.jp/a")
	check("https://shop.example.jp/a?x=1?page=2", "https://shop.example.jp/a")
	if got := SharedReferrer("https://www.google.com/search?q=secret#x"); got != "https://www.google.com/search" {
		t.Errorf("referrer: got %s", got)
	}
}
