package identifiers

import (
	"net/url"
	"testing"
)

// TestOtherwiseWritten: separators that are mixed or Japanese, raised digits, and
// at signs as HTML has them.
func TestOtherwiseWritten(t *testing.T) {
	check := func(in, want string) {
		t.Helper()
		if out, changed := MaskText(nil, in, nil); string(out) != want && (changed || in != want) {
			t.Errorf("%q became %q, want %q", in, out, want)
		}
	}
	for in, want := range map[string]string{
		"090-1234 5678": "[phone]", "03 1234-5678": "[phone]", "電話090・1234・5678です": "電話[phone]です", "⁰⁹⁰-¹²³⁴-⁵⁶⁷⁸": "[phone]",
		"4111-1111 1111-1111": "[card]", "4111・1111・1111・1111": "[card]", "個人番号 1234・5678・9018": "個人番号 [mynumber]",
		"taro@example。com": "[email]", "taro@example｡co｡jp": "[email]",
		"taro&#64;example.com": "[email]", "taro&#x40;example.com": "[email]", "taro&commat;example.com": "[email]",
	} {
		check(in, want)
		if _, changed := MaskText(nil, url.QueryEscape(in), nil); !changed {
			t.Errorf("%q is not found when it is percent-encoded", in)
		}
	}
	// A full stop that ends a sentence ends a number too.
	check("09012345678。0312345678。", "[phone]。[phone]。")
	check("090-1234-5678。taro@example.com。", "[phone]。[email]。")
	check("第3。4。5章 &copy; &#169; 2019・2020・2021", "第3。4。5章 &copy; &#169; 2019・2020・2021")
}
