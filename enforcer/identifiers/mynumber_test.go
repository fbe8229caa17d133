package identifiers

import "testing"

func TestMyNumbers(t *testing.T) {
	check := maskCheck(t, MaskText)
	check("123456789018", "[mynumber]")
	check("1234-5678-9018です", "[mynumber]です")
	check("マイナンバー：1234 5678 9018", "マイナンバー：[mynumber]")

	check("123456789017", "123456789017")                           // check digit
	check("1234567890189", "1234567890189")                         // a corporate number's length
	check("T123456789018", "T123456789018")                         // a code
	check("1234-5678-9018-1111", "1234-5678-9018-1111")             // a longer number
	check("0000-1234-5678-9018", "0000-1234-5678-9018")             // its end
	check("123-456-789-018", "123-456-789-018")                     // groups of three
	check("000000000000", "000000000000")                           // nobody's
	check("追跡番号 1234-5678-9018", "追跡番号 1234-5678-9018")             // a parcel's
	check("tracking no. 123456789018", "tracking no. 123456789018") // a parcel's
	check("202401021531", "202401021531")                           // a time, though its check digit is right
}

func TestMyNumberCheckDigit(t *testing.T) {
	check := func(digits string, want bool) {
		t.Helper()
		if myNumberChecks([]byte(digits)) != want {
			t.Errorf("myNumberChecks(%s) = %v", digits, !want)
		}
	}
	check("123456789018", true)
	check("123456789010", false)
	check("000000000000", false)
	// A remainder of 0 or 1 makes the check digit 0.
	check("100000000080", true)
	check("100000000030", true)
	check("100000000031", false)
}
