package identifiers

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// work returns how many bytes one sweep looks at.
func work(s string, form *form) int {
	f := finder{form: form}
	if needsFold(s) {
		f.folded = fold(nil, nil, s)
	} else {
		f.text = []byte(s)
	}
	f.find()
	return len(s) + f.steps
}

// TestLinear gives texts made to be expensive, and holds the work against
// their length: twice the text, twice the work.
func TestLinear(t *testing.T) {
	const length, most = 32 << 10, 100
	units := []string{
		"&#64;", "&#", "a@ü", "ü@", "@рф", "рф.", "\\x4", "(at)", "a(at)", "a(at)b(dot)", "a(dot)", "(dot)", "( dot )a", "[at", "a( ", "QA", "QAQA", "dEBi", "dGFyb0BleC5qcA", "AAAA", "kBkBkB", "dEBiYmJiYmJi",
		"@", "a@", "a@a", "@a.", "a@b.c", "a@b.co", "x:a@b.co", "\"a", "\"@", "\" @", "あ@", "@あ", "@あ.", "@[", "@[1", "a.", "-@a",
		"1", "1 ", "1-", "12-", "0-", "(1)", "1   ", "12345678901234567890 ", "123456789 ", "+1", "+1 ", "tel1", "tel 1 ", "電話1", "4 ", "4111 ", "41111111111111111111 ",
		"1.", "1.1.1.1", "1.1.1.1 ", "v1.1.1.1 ", "a/1.1.1.1/", "255.", ":", "a:", "::", "1:", "a::1", ":.", "1::2:", "12:34:",
		"eyJ", "eyJ.", "eyJaaaaaaaaaaaaaaaa.", "eyJaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaa.", "-", "a-", "550e8400-", "550e8400-e29b-", uuid, uuid + "-",
		"/", "a/", "aA1/", "aA1+", "/commit", "/commit/", "/commit/a1b2c3d", "=", "==", "a=", "token=", "password=", "gclid=", "xgclid=", "token=a1b2", "[email]", "token=[email]",
		"DE", "DE8", "DE89", "DE89 ", "DE893704", "iban", "AK" + "IA", "ya" + "29.", "SG.", "SG.a.", "xo" + "xb-", mixed40, mixed40 + ".", hex32,
		"%", "%2", "%25", "%%", "%25%32%35", "%2525", "\\", "\\u", "\\u0", "\\u005c", "\\u0025", "%u0025", "\\uff20", "％", "％２５", "％％２５２５",
		"\u200b", "a\u200b", "\u00ad", "ー", "1ー", "０", "＠", "1、", "1·", "1。", "٠", "٠ ", "𝟗", "/articles/" + hex32, "1 1 1 1 1 1 1 1 1 1 1 22 ", "\xd9", "\xf0\x9d\x9f", "\xef", "\xef\xbc", "\xe3\x80", "\xff", "\x00",
	}
	for _, unit := range units {
		for _, form := range []*form{&asText, &asURL} {
			once := strings.Repeat(unit, length/len(unit))
			single, double := work(once, form), work(once+once, form)
			if single > most*len(once) {
				t.Errorf("%q: %d steps a byte", unit, single/len(once))
			}
			if double > single*21/10+1000 {
				t.Errorf("%q: %d steps for %d bytes, %d for twice as many", unit, single, len(once), double)
			}
		}
	}
}

func FuzzMask(f *testing.F) {
	for _, l := range readCorpus(f) {
		f.Add(l.In)
	}
	f.Add("a@b@c.com@d.com")
	f.Add("1 2 3 4111 1111 1111 1111 4 5 6")
	f.Add("%25%34%30 ％４０ \\u0040 %u0040")
	f.Add("taro&#64;example&#46;com t\\x40b\\x2eco &c%6fmmat;b.co hans@müller.de иван@пример.рф")
	f.Add("dGFyb0BleC5qcA== %64EBiLmNv dEBi\u200bLmNv taro(dot)y[at]example（ドット）com")
	f.Fuzz(checkMasking)
}

// checkMasking checks what holds for every text.
func checkMasking(t *testing.T, s string) {
	for _, form := range []*form{&asText, &asURL, &asNoClicks, &asAnonymous} {
		var c Counts
		out, changed := mask(nil, "", s, form, &c)
		if changed != (c.Total() > 0) {
			t.Fatalf("%q: changed: %v, counts %v", s, changed, c)
		}
		if !changed {
			if suspect(s) != anything {
				if out, missed := sweep(nil, "", s, form, anything, &c); missed {
					t.Fatalf("%q: not suspicious, yet masked as %q", s, out)
				}
			}
			continue
		}
		if suspect(s) == onlyAddress4 {
			few, _ := sweep(nil, "", s, form, onlyAddress4, new(Counts))
			if all, _ := sweep(nil, "", s, form, anything, new(Counts)); string(few) != string(all) {
				t.Fatalf("%q: masked as %q when only an address is looked for, else as %q", s, few, all)
			}
		}
		if again, changed := mask(nil, "", string(out), form, &c); changed {
			t.Fatalf("%q masked as %q, and again as %q", s, out, again)
		}
	}
	if out, changed := MaskURL(nil, s, nil); changed {
		if again, changed := MaskURL(nil, string(out), nil); changed {
			t.Fatalf("address %q masked as %q, and again as %q", s, out, again)
		}
	}
}

// Whatever stands around it, an identifier does not get through.
func FuzzNeverPasses(f *testing.F) {
	f.Add("連絡先は", "です")
	f.Add("gclid=", "&x=1")
	f.Add("tel 1 2 3", "4 5 6")
	f.Add("+44 20", "\u200b")
	f.Add("%", "40")
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, id := range []string{"taro@example.com", "taro%40example.com", "090-1234-5678", "4111111111111111", "203.0.113.77", "GB82WEST12345698765432", "dGFyb0BleGFtcGxlLmNvbQ==", "taro(at)example(dot)com", "hans@müller.de"} {
			s := before + " " + id + " " + after
			for _, mask := range []func([]byte, string, *Counts) ([]byte, bool){MaskText, MaskURL} {
				out, changed := mask(nil, s, nil)
				if !changed || strings.Contains(string(out), id) {
					t.Fatalf("%q masked as %q", s, out)
				}
			}
		}
	})
}

// TestMixtures checks at random what FuzzMask checks, on text made of what
// the matchers look for.
func TestMixtures(t *testing.T) {
	pieces := []string{
		"@", "a", "B", "7", ".", "-", "_", "+", " ", ":", "/", "=", "&", "?", "%", "\\", "(", ")", "[", "]", "\"", "'", "~", "\u200b", "ー", "＠", "０", "あ", "番号", "\n",
		"%40", "%25", "25", "40", "%EF%BC%A0", "u0040", "\\u0030", "％", ".com", ".co.jp", "taro", "example", "://", "http://", "12", "090", "0120", "1234", "5678", "+81", "0312345678",
		"4111", "1111", "411111", "1111111111", "123456789018", "9018", "DE89", "3704 0044 0532 0130 00", "GB82WEST12345698765432", "203.0.113.7", "1.2", ".3.4", "Chrome/126.0.0.0", "Safari/537.36", "(X11; x64)", "2001:db8", "::1", "fe80", "v",
		"ey" + "JhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiJ0YXJvIn0", "eyJ", mixed40, hex32, uuid, "550e8400-", "password", "token", "gclid", "tel", "電話", "isbn", "order", "commit",
		"sk_" + "live_", "SG.", "AK" + "IA", "[email]", "[phone]", "%5Bsecret%5D", "%E3%83%BC", "%E3%80%80", "%20", "%2B", "%3D", "%C2%AD", "\xff", "\xe3",
		"·", "、", "。", "/", "٠", "٩", "१", "๗", "𝟗", "0 9 0 1 2 3 4 5 6 7 8", "1 2 3 4 5 6 7 8 9 0", "203。0。", "%D9%A0", "%EA%98%A1", "%F0%9D%9F%90", "\xd9", "\xf0\x9d", "&#64;", "&#x2E;", "&period;", "&c", "ommat;", "\\x40", "ü", "а", "рф", "(at)", "[at]", "(dot)", "（dot）", "（アット）", "アット", "dGFyb0BleC5qcA", "YUBiLmNv", "dEBi", "QEA", "%51", "%41", "Q", "Ａ", "한", "%ED%95%9C", "%EA%B0%80", "🎉",
		"/articles/", "?", hex32 + "a1b2c3d4",
	}
	r := rand.New(rand.NewPCG(1, 2))
	rounds := 60000
	if testing.Short() {
		rounds = 3000
	}
	for range rounds {
		var b strings.Builder
		for range 1 + r.IntN(14) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		checkMasking(t, b.String())
	}
}
