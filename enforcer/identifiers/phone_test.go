package identifiers

import "testing"

func TestPhones(t *testing.T) {
	check := maskCheck(t, MaskText)
	check("TEL03-1234-5678", "TEL[phone]")
	check("Tel.0312345678", "Tel.[phone]")
	check("FAX番号：03-1234-5679", "FAX番号：[phone]")
	check("tel1=0312345678", "tel1=[phone]")
	check("phone number: 020 7946 0958", "phone number: [phone]")
	check("電話は 312 345 6789", "電話は [phone]")
	check("03 - 1234 - 5678", "[phone]")
	check("090-12345678", "[phone]")
	check("+81-3-1234-5678", "[phone]")
	check("(+81) 90-1234-5678", "[phone]")
	check("0081-90-1234-5678", "[phone]")
	check("010-81-3-1234-5678", "[phone]")
	check("819012345678", "[phone]")
	check("1 (415) 555-2671", "[phone]")
	check("090-1234-5678 090-8765-4321", "[phone] [phone]")
	check("2024-01-02 090-1234-5678", "2024-01-02 [phone]")
	check("2024年1月2日03-1234-5678", "2024年1月2日[phone]")
	check("03-1234-5678（代表）", "[phone]（代表）")

	check("iPhone 15 256 512 1024", "iPhone 15 256 512 1024")
	check("0312345678abc", "0312345678abc")
	check("AB0312345678", "AB0312345678")
	check("978-03-1234-5678", "978-03-1234-5678")
	check("0.0312345678", "0.0312345678")
	check("1704164645", "1704164645")
	check("0000012345", "0000012345")
	check("ISBN 0306406152", "ISBN 0306406152")
	check("00-1234-5678", "00-1234-5678")
	check("200 300 4000", "200 300 4000")
	check("+10,000,000", "+10,000,000")
	check("+09:00 +0900", "+09:00 +0900")
	check("1234-5678", "1234-5678")
}
