package identifiers

import "unicode/utf8"

// A word before a number often says what it is.

// follows reports whether the ASCII word, in any case, ends right before i and
// no letter precedes it.
func (f *finder) follows(i int, word string) bool {
	return endsWith(f.text[:i], word) && !is(f.at(i-len(word)-1), letter)
}

// endsWith reports whether s ends with the suffix, in lower case, ignoring
// the case of ASCII letters.
func endsWith[T string | []byte](s T, suffix string) bool {
	at := len(s) - len(suffix)
	if at < 0 {
		return false
	}
	for k := range len(suffix) {
		if lowered(s[at+k]) != suffix[k] {
			return false
		}
	}
	return true
}

// words are what may precede a number: in ASCII they must be whole, in
// Japanese they are the end of a sentence.
type words struct {
	ascii, wide []string
}

var (
	phoneWords = words{
		[]string{"tel", "telephone", "phone", "phonenumber", "mobile", "fax", "msisdn", "whatsapp", "keitai", "denwa"},
		[]string{"電話", "携帯", "ファックス", "ファクス"},
	}
	versionWords = words{
		[]string{"v", "ver", "vers", "version", "rev", "revision", "build", "release", "releases", "tag", "firmware",
			"update", "download", "downloads", "sdk", "ios", "android", "windows", "macos", "chrome", "firefox", "safari", "edge", "opera", "kernel", "section"},
		[]string{"バージョン", "ファームウェア", "リリース", "第"},
	}
	// revisionWords precede the hash of a revision in an address.
	revisionWords = words{ascii: []string{"commit", "commits", "blob", "tree", "raw"}}
	// contentWords precede the hash of an article or the like in an address.
	contentWords = []string{"article", "articles", "news", "story", "stories", "post", "posts", "entry", "entries", "blog", "column", "columns", "topics",
		"video", "videos", "movie", "movies", "photo", "photos", "gallery", "recipe", "recipes"}
	// orderWords precede the numbers of things.
	orderWords = words{
		[]string{"order", "orderno", "tracking", "invoice", "booking", "ticket", "item", "itm", "sku", "upc", "jan", "ean", "isbn", "product", "dp"},
		[]string{"追跡", "伝票", "送り状", "問い合わせ", "問合せ", "注文", "受注", "予約", "受付", "商品", "求人", "品番", "コード"},
	}
)

// precede reports whether one of the words stands before i, with little but
// punctuation, 番号, "no" or "number" between.
func (w *words) precede(f *finder, i int) bool {
	const reach = 4
	f.steps += 64
	for range 3 {
		for range reach {
			if !isFiller(f.at(i - 1)) {
				break
			}
			i--
		}
		if w.end(f, i) {
			return true
		}
		switch {
		case endsWith(f.text[:i], "番号"):
			i -= len("番号")
		case endsWith(f.text[:i], "number"):
			i -= len("number")
		case endsWith(f.text[:i], "は"):
			i -= len("は")
		case endsWith(f.text[:i], "no"):
			i -= len("no")
		case is(f.at(i-1), digit) && !is(f.at(i-2), digit): // tel1
			i--
		default:
			return false
		}
	}
	return false
}

// end reports whether one of the words ends right before i.
func (w *words) end(f *finder, i int) bool {
	if last := f.at(i - 1); last < utf8.RuneSelf && !is(last, letter) {
		return false
	}
	for _, word := range w.ascii {
		if f.follows(i, word) {
			return true
		}
	}
	for _, word := range w.wide {
		if endsWith(f.text[:i], word) {
			return true
		}
	}
	return false
}

func isFiller(b byte) bool {
	switch b {
	case ' ', ':', '=', '"', '\'', '/', '.', '-', '_', '#', '(', '+', dash:
		return true
	}
	return false
}
