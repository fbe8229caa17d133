package identifiers

import (
	"strings"
	"testing"
)

func benchmark(b *testing.B, mask func([]byte, string, *Counts) ([]byte, bool), s string, dirty bool) {
	var c Counts
	buffer := make([]byte, 0, 2*len(s)+64)
	b.SetBytes(int64(len(s)))
	b.ReportAllocs()
	for b.Loop() {
		if _, changed := mask(buffer, s, &c); changed != dirty {
			b.Fatalf("changed = %v, want %v", changed, dirty)
		}
	}
}

const (
	englishTitle  = "How to Make Sushi at Home (2024 Edition) | Example Kitchen"
	japaneseTitle = "【送料無料】iPhone 15 Pro 256GB ブルーチタニウム｜サンプルストア"
	cleanURL      = "https://www.example.co.jp/category/shoes/item-12345?utm_source=google&utm_medium=cpc&utm_campaign=spring_2024&color=red&page=2"
	japaneseURL   = "https://www.example.co.jp/%E3%83%96%E3%83%AD%E3%82%B0/2024/%E6%98%A5%E3%81%AE%E3%82%BB%E3%83%BC%E3%83%AB?page=2"
	clickURL      = "https://www.example.co.jp/lp/?utm_source=google&gclid=EAIaIQobChMIx7nR5e2KgwMVq0WkBB2aLwJTEAAYASAAEgKcz_D_BwE"
	dirtyURL      = "https://www.example.co.jp/thanks?name=a&mail=taro.yamada%2540example.com&tel=090-1234-5678&utm_source=google"
	chromeAgent   = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
	dateTitle     = "2024-01-02 10:30 の記録"
)

func BenchmarkCleanTitle(b *testing.B)         { benchmark(b, MaskText, englishTitle, false) }
func BenchmarkCleanJapaneseTitle(b *testing.B) { benchmark(b, MaskText, japaneseTitle, false) }
func BenchmarkSuspectTitle(b *testing.B)       { benchmark(b, MaskText, dateTitle, false) }
func BenchmarkUserAgent(b *testing.B)          { benchmark(b, MaskText, chromeAgent, false) }
func BenchmarkCleanURL(b *testing.B)           { benchmark(b, MaskURL, cleanURL, false) }
func BenchmarkCleanJapaneseURL(b *testing.B)   { benchmark(b, MaskURL, japaneseURL, false) }
func BenchmarkClickIDURL(b *testing.B)         { benchmark(b, MaskURL, clickURL, false) }
func BenchmarkNoClicksURL(b *testing.B) {
	benchmark(b, Addresses{NoClicks: true}.Mask, cleanURL, false)
}
func BenchmarkDirtyTitle(b *testing.B) {
	benchmark(b, MaskText, "マイページ | suzuki.ichiro@example.com さん", true)
}
func BenchmarkDirtyURL(b *testing.B) { benchmark(b, MaskURL, dirtyURL, true) }
func BenchmarkText16K(b *testing.B) {
	benchmark(b, MaskText, strings.Repeat(englishTitle+"\n", 16<<10/len(englishTitle)), false)
}
func BenchmarkDirtyText16K(b *testing.B) {
	benchmark(b, MaskText, strings.Repeat(japaneseTitle+" taro@example.com 090-1234-5678\n", 16<<10/len(japaneseTitle)), true)
}

func BenchmarkAnonymiseURL(b *testing.B) {
	buffer := make([]byte, 0, 256)
	keep := func(name string) bool { return strings.HasPrefix(name, "utm_") }
	b.ReportAllocs()
	for b.Loop() {
		AnonymiseURL(buffer, cleanURL, keep)
	}
}
