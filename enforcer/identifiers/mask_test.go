package identifiers

import (
	"strings"
	"testing"
)

// maskCheck returns a check that in is masked as want, the second time too.
func maskCheck(t *testing.T, mask func([]byte, string, *Counts) ([]byte, bool)) func(in, want string) {
	return func(in, want string) {
		t.Helper()
		got := in
		out, changed := mask([]byte("kept"), in, nil)
		if changed {
			got = strings.TrimPrefix(string(out), "kept")
		}
		if got != want || !strings.HasPrefix(string(out), "kept") || changed != (in != want) {
			t.Errorf("%q\n masked as %q (changed: %v)\n     not %q", in, got, changed, want)
		}
		if out, changed := mask(nil, got, nil); changed {
			t.Errorf("%q\n masked again as %q", got, out)
		}
	}
}

func TestMaskText(t *testing.T) {
	check := maskCheck(t, MaskText)
	check("", "")
	check("関所", "関所")
	check("a@example.com b@example.com", "[email] [email]")
	check("a@example.com,090-1234-5678", "[email],[phone]")
	check("090-1234-5678@example.com", "[email]")
	check("[email] [phone] [card] [mynumber] [iban] [ip] [jwt] [secret]", "[email] [phone] [card] [mynumber] [iban] [ip] [jwt] [secret]")
	check("%5Bemail%5D", "%5Bemail%5D")
	check("\x00\x01\xff\xf7\xf8 taro@example.com \xff", "\x00\x01\xff\xf7\xf8 [email] \xff")
}

func TestMaskTextOfManyEncodings(t *testing.T) {
	check := maskCheck(t, MaskText)
	check("taro%25252540example.com", "[email]")
	check("taro%25%34%30example.com", "[email]")
	check("taro%%340example.com", "[email]")
	check("taro％４０example.com", "[email]")
	check("taro%EF%BC%85%EF%BC%94%EF%BC%90example.com", "[email]")
	check(`taro\u0040example.com`, "[email]")
	check(`taro\uff20example.com`, "[email]")
	check("taro%uFF20example.com", "[email]")
	check("taro%\u200b40example.com", "[email]")
	check("ｔａｒｏ﹫example．com", "[email]")
	check("t\u00ada\u200br\u2060o@example.com\u200b", "[email]")
	for _, unseen := range []string{"\u034f", "\u061c", "\u115f", "\u1160", "\u17b4", "\u180b", "\u180e", "\u3164", "\uffa0", "\U000e0001", "\U000e0061", "\U000e0100", "%00", "%1B", "%7f"} {
		check("taro"+unseen+"@exam"+unseen+"ple.com", "[email]")
		check("090-12"+unseen+"34-5678", "[phone]")
	}
	check("taro%0Aa@example.com", "taro%0A[email]")
	check("090\u20111234\u20115678", "[phone]")
	check("090\u00a01234\u00a05678", "[phone]")
	check("０９０ー１２３４ー５６７８", "[phone]")
	check("ユーザーtaro@example.com", "ユーザー[email]")
	check(`\n090-1234-5678\n`, `\n[phone]\n`)
	check("100%オフ 70％OFF 50%de安い", "100%オフ 70％OFF 50%de安い")
	check(`C:\users\u00e9`, `C:\users\u00e9`)
}

func TestCounts(t *testing.T) {
	c := Counts{Email: 1}
	MaskText(nil, "a@example.com 090-1234-5678 03-1234-5678", &c)
	MaskURL(nil, "https://u:p@example.com/?ip=203.0.113.7", &c)
	want := Counts{Email: 2, Phone: 2, IP: 1, Secret: 1}
	if c != want || c.Total() != 6 {
		t.Errorf("counts %v, total %d; want %v, 6", c, c.Total(), want)
	}
}

func TestKind(t *testing.T) {
	for k := range Kind(NumKinds) {
		if k.Mark() != "["+k.String()+"]" || k.Mark() != textMarks[k] {
			t.Errorf("%v has the mark %q", k, k.Mark())
		}
	}
	if Kind(99).String() != "unknown" {
		t.Errorf("a kind that is none is %q", Kind(99))
	}
}

// A text that yields again and again is not gone over for ever.
func TestHostileNesting(t *testing.T) {
	const email = "a@example.com"
	s := email
	for range 12 {
		s = "a" + s + "@example.com"
	}
	out, _ := MaskText(nil, s, nil)
	if again, changed := MaskText(nil, string(out), nil); changed {
		t.Errorf("%q masked again as %q", out, again)
	}
}

// Nothing found, nothing allocated; and a short dirty text fits the stack.
func TestAllocations(t *testing.T) {
	var c Counts
	buffer := make([]byte, 0, 1024)
	check := func(s string) {
		t.Helper()
		if n := testing.AllocsPerRun(100, func() { MaskText(buffer, s, &c); MaskURL(buffer, s, &c); Addresses{NoClicks: true}.Mask(buffer, s, &c) }); n != 0 {
			t.Errorf("%q allocates %v times", s, n)
		}
	}
	check(englishTitle)
	check(japaneseTitle)
	check(dateTitle)
	check(cleanURL)
	check(japaneseURL)
	check(clickURL)
	check(dirtyURL)
}
