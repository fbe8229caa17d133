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
		"090/1234/5678": "[phone]", "連絡先03/1234/5678まで": "連絡先[phone]まで", "TEL 045/123/4567": "TEL [phone]", "Tel. 030/1234567": "Tel. [phone]", "090·1234·5678": "[phone]", "090‧1234‧5678": "[phone]",
		"090、1234、5678": "[phone]", "０９０、１２３４、５６７８": "[phone]", "090､1234､5678": "[phone]", "+81/90/1234/5678": "[phone]", "090-1234/5678": "[phone]",
		"4111/1111/1111/1111": "[card]", "4111·1111·1111·1111": "[card]", "4111、1111、1111、1111": "[card]", "3782/822463/10005": "[card]",
		"٠٩٠-١٢٣٤-٥٦٧٨": "[phone]", "۰۹۰۱۲۳۴۵۶۷۸": "[phone]", "०९०-१२३४-५६७८": "[phone]", "๐๙๐ ๑๒๓๔ ๕๖๗๘": "[phone]", "߀߉߀߁߂߃߄߅߆߇߈": "[phone]", "꘠꘩꘠-꘡꘢꘣꘤-꘥꘦꘧꘨": "[phone]",
		"𝟎𝟗𝟎-𝟏𝟐𝟑𝟒-𝟓𝟔𝟕𝟖": "[phone]", "٤١١١ ١١١١ ١١١١ ١١١١": "[card]", "٢٠٣.٠.١١٣.٧٧": "[ip]",
		"0 9 0 1 2 3 4 5 6 7 8": "[phone]", "電話は0-9-0-1-2-3-4-5-6-7-8です": "電話は[phone]です", "0・9・0・8・7・6・5・4・3・2・1": "[phone]", "0 3 9 8 7 6 5 4 3 1": "[phone]",
		"4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1": "[card]", "０　９　０　１　２　３　４　５　６　７　８": "[phone]",
		"203。0。113。77": "[ip]", "接続元203。0。113。77から": "接続元[ip]から", "203｡0.113｡77": "[ip]", "２０３。０。１１３。７７": "[ip]",
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
	for _, clean := range []string{
		"2026/11/25", "2026/11/25 10:30", "25/11/2026/1234", "2026/11/25/103045", "11/25 18/30 2026/2027", "1/2/3/4/5/6/7/8/9/10", "価格 1,980/2,980/12,800円", "3/4 1/2 10/20 100/200/3000",
		"415/555/2671", "03/2026/1234", "12/2025/0001", "1234/5678/9018", "1234、5678、9018", "2019、2020、2021年", "100、200、3000", "200、300、4000", "1、2、3、4、5、6、7、8、9、0",
		"1 2 3 4 5 6 7 8 9 0", "0 1 2 3 4 5 6 7 8 9", "0 1 0 0 2 0 0 0 1 0", "0 0 1 0 2 0 0 0 1 0 1", "9 0 1 2 3 4 5 6 7 8 9 10", "١٢٣٤", "٢٠٢٦/١١/٢٥", "第3。4。5章", "2026。11。25。", "バージョン1。2。3。4",
		"tel30249/13876", "mobile 2026/11/25/10",
		"ราคา ๑,๙๘๐ บาท", "🎉🎉 2026 SALE 🎉 50%", "가격 1,980원 2026년", "٪٥٠ خصم", "ご予約は03・04・05日", "1·2·3", "10·20·3000",
	} {
		check(clean, clean)
	}
	check("第3。4。5章 &copy; &#169; 2019・2020・2021", "第3。4。5章 &copy; &#169; 2019・2020・2021")
}
