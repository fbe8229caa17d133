package identifiers

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"testing"
)

// TestGenerated masks identifiers made at random, in random surroundings and
// encodings, and measures recall far beyond the corpus.
func TestGenerated(t *testing.T) {
	const each = 3000
	for k := range Visitor { // whose identifiers are known by name alone
		r := rand.New(rand.NewPCG(2026, uint64(k)))
		exact, found := 0, 0
		for range each {
			plain := generate(r, k)
			before, written, after, isURL := surround(r, plain)
			mask, mark := MaskText, k.Mark()
			if isURL {
				mask, mark = MaskURL, urlMarks[k]
			}
			var c Counts
			out, _ := mask(nil, before+written+after, &c)
			if c[k] == 1 {
				found++
			}
			if string(out) == before+mark+after {
				exact++
			} else if testing.Verbose() && found+40 > exact {
				t.Logf("%v %q\nmasked as %q", k, before+written+after, out)
			}
		}
		t.Logf("%-9v recall %.4f, exact %.4f", k, float64(found)/each, float64(exact)/each)
		if recall := float64(found) / each; recall < 0.99 {
			t.Errorf("%v: recall %.4f, want at least 0.99", k, recall)
		}
	}
}

func pick[E any](r *rand.Rand, list ...E) E { return list[r.IntN(len(list))] }

func chars(r *rand.Rand, alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	numerals = "0123456789"
	hexes    = "0123456789abcdef"
	smalls   = "abcdefghijklmnopqrstuvwxyz"
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	base62   = numerals + smalls + capitals
)

// grouped puts the mark between groups of four.
func grouped(s, mark string) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && i%4 == 0 {
			b.WriteString(mark)
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func generate(r *rand.Rand, k Kind) string {
	switch k {
	case Email:
		local := chars(r, smalls, 1+r.IntN(8)) + pick(r, "", ".", "_", "-", "+") + chars(r, smalls+numerals, 1+r.IntN(8))
		domain := chars(r, smalls, 2+r.IntN(10)) + pick(r, ".com", ".co.jp", ".ne.jp", ".jp", ".org", ".io", "-mail.example.net")
		spell := strings.NewReplacer("@", pick(r, "(at)", "[at]", " (AT) ", "( at )", "(アット)"), ".", pick(r, ".", "(dot)", "[dot]", " [dot] ", "( dot )", "(ドット)"))
		switch email := local + "@" + domain; r.IntN(5) {
		case 0:
			return base64.StdEncoding.EncodeToString([]byte(email))
		case 1:
			return base64.RawURLEncoding.EncodeToString([]byte(email))
		case 2:
			return spell.Replace(email)
		default:
			return email
		}
	case Phone:
		four := func() string { return chars(r, numerals, 4) }
		mark := pick(r, "-", " ", ".", "/", "·", "、")
		switch r.IntN(7) {
		case 0:
			return pick(r, "070", "080", "090", "050") + mark + chars(r, "123456789", 1) + chars(r, numerals, 3) + mark + four()
		case 1:
			return pick(r, "070", "080", "090") + chars(r, "123456789", 1) + chars(r, numerals, 7)
		case 2:
			return pick(r, "045-", "011-", "052-") + chars(r, "23456789", 1) + chars(r, numerals, 2) + "-" + four()
		case 3:
			return "0" + pick(r, "3", "6") + mark + chars(r, "23456789", 1) + chars(r, numerals, 3) + mark + four()
		case 4: // the digits one by one
			return strings.Join(strings.Split("090"+chars(r, "789", 1)+chars(r, "56", 1)+chars(r, "34", 1)+chars(r, numerals, 5), ""), pick(r, " ", "-", "・"))
		case 5:
			return "+81" + pick(r, "", "-", " ") + pick(r, "90", "80", "70") + pick(r, "", "-", " ") + chars(r, "123456789", 1) + chars(r, numerals, 7)
		default:
			return pick(r, "+44", "+49", "+33", "+65", "+886") + pick(r, "", "-", " ") + chars(r, "123456789", 1) + chars(r, numerals, 8)
		}
	case Card:
		prefix := pick(r, "4", "51", "55", "2221", "34", "37", "3530", "3566", "6011", "65", "62", "36")
		length := 16
		switch prefix {
		case "34", "37":
			length = 15
		case "36":
			length = 14
		}
		number := prefix + chars(r, numerals, length-1-len(prefix))
		for d := '0'; d <= '9'; d++ {
			if luhn([]byte(number + string(d))) {
				number += string(d)
				break
			}
		}
		switch {
		case r.IntN(2) == 0:
			return number
		case length == 16:
			return grouped(number, pick(r, " ", "-", "/", "·", "、"))
		default:
			return number[:4] + " " + number[4:10] + " " + number[10:]
		}
	case MyNumber:
		for {
			number := chars(r, numerals, 12)
			// A leading zero may make a telephone number of it.
			if number[0] != '0' && myNumberChecks([]byte(number)) && !isDateTime([]byte(number)) {
				return pick(r, number, grouped(number, " "), grouped(number, "-"))
			}
		}
	case IBAN:
		for {
			at := 4 * r.IntN(len(ibanLengths)/4)
			country := ibanLengths[at : at+4]
			bank := chars(r, numerals, ibanLength(country[0], country[1])-4)
			if len(bank) >= 14 && r.IntN(2) == 0 {
				bank = chars(r, capitals, 4) + bank[4:]
			}
			for check := range 97 {
				number := fmt.Sprintf("%s%02d%s", country[:2], check, bank)
				if ibanChecks([]byte(number)) {
					return pick(r, number, grouped(number, " "), strings.ToLower(number))
				}
			}
		}
	case IP:
		if r.IntN(2) == 0 {
			return netip.AddrFrom4([4]byte{byte(1 + r.IntN(223)), byte(r.IntN(256)), byte(r.IntN(256)), byte(r.IntN(256))}).String()
		}
		var a [16]byte
		for i := range a {
			a[i] = byte(r.IntN(256))
		}
		a[0], a[1] = 0x20, 0x01
		if r.IntN(2) == 0 {
			clear(a[4:12])
		}
		return netip.AddrFrom16(a).String()
	case JWT:
		encode := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
		signature := make([]byte, pick(r, 32, 64, 256))
		for i := range signature {
			signature[i] = byte(r.Uint32())
		}
		return encode(fmt.Sprintf(`{"alg":%q,"kid":%q}`, pick(r, "HS256", "RS256", "ES256", "none"), chars(r, base62, r.IntN(20)))) + "." +
			encode(fmt.Sprintf(`{"sub":%q,"exp":%d}`, chars(r, base62, 1+r.IntN(30)), r.IntN(1<<31))) + "." +
			base64.RawURLEncoding.EncodeToString(signature)
	default:
		switch r.IntN(6) {
		case 0:
			return pick(r, "sk_"+"live_", "sk_"+"test_", "rk_"+"live_") + chars(r, base62, 24)
		case 1:
			return pick(r, "gh"+"p_", "gh"+"o_", "gh"+"s_") + chars(r, base62, 36)
		case 2:
			return "AK" + "IA" + chars(r, capitals+"234567", 16)
		case 3:
			return chars(r, hexes, pick(r, 32, 40, 64))
		case 4:
			return chars(r, base62, 32+r.IntN(40))
		default:
			return chars(r, base62+"-_", 36+r.IntN(40))
		}
	}
}

// surround puts the identifier, in some encoding, between other text.
func surround(r *rand.Rand, plain string) (before, written, after string, isURL bool) {
	escape := url.QueryEscape
	everything := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
		return b.String()
	}
	wide := func(s string) string {
		return strings.Map(func(c rune) rune {
			switch {
			case c == ' ':
				return '　'
			case c > ' ' && c <= '~':
				return c + 0xfee0
			}
			return c
		}, s)
	}
	// of another script, of which all digits are decimal
	script := pick(r, '٠', '۰', '०', '๐', '𝟎')
	abroad := func(s string) string {
		return strings.Map(func(c rune) rune {
			if c >= '0' && c <= '9' {
				return c - '0' + script
			}
			return c
		}, s)
	}
	hidden := func(s string) string {
		at := 1 + r.IntN(len(s)-1)
		return s[:at] + pick(r, "\u200b", "\u00ad", "\u2060", "\ufeff") + s[at:]
	}
	if r.IntN(2) == 0 {
		written = pick(r, plain, plain, escape(plain), wide(plain), hidden(plain), everything(plain), abroad(plain))
		pair := pick(r, [2]string{"", ""}, [2]string{"連絡先は", "です"}, [2]string{"「", "」を登録"}, [2]string{"is ", " today"},
			[2]string{`{"value":"`, `","n":1}`}, [2]string{"値：", "、次"}, [2]string{"(", ")"}, [2]string{"key=", ";"},
			[2]string{"<", ">"}, [2]string{"【", "】マイページ"})
		return pair[0], written, pair[1], false
	}
	written = pick(r, escape(plain), escape(escape(plain)), escape(wide(plain)), everything(plain), escape(hidden(plain)), escape(abroad(plain)))
	pair := pick(r, [2]string{"?q=", ""}, [2]string{"?a=1&v=", "&b=2"}, [2]string{"x/", "/y?z=1"}, [2]string{"#", ""},
		[2]string{"?", "=1"}, [2]string{"?q=%E5%80%A4%20", "%20%E3%81%A7%E3%81%99"}, [2]string{"?next=https%3A%2F%2Fa.example%2F%3Fq%3D", "%26r%3D1"},
		[2]string{"?d=%7B%22v%22%3A%22", "%22%7D"})
	return "https://www.example.com/" + pair[0], written, pair[1], true
}
