package identifiers

import "testing"

func TestCards(t *testing.T) {
	check := maskCheck(t, MaskText)
	check("4111 1111 1111 1111 12/29 123", "[card] 12/29 123")
	check("no.4111111111111111", "no.[card]")
	check("id_4111111111111111", "id_[card]")
	check("card4111111111111111", "card[card]")
	check("411111 1111111111", "[card]")
	check("30569309025904", "[card]")

	check("4111111111111112", "4111111111111112")       // check digit
	check("41111111111111111", "41111111111111111")     // length
	check("9111111111111114", "9111111111111114")       // no brand
	check("4111111111111111000", "4111111111111111000") // longer
	check("0.4111111111111111", "0.4111111111111111")   // fraction
	check("4111111111111111.5", "4111111111111111.5")   // decimal
	check("a1b4111111111111111", "a1b4111111111111111") // code
	check("4111,1111,1111,1111", "4111,1111,1111,1111") // amounts
	check("41 11 11 11 11 11 11 11", "41 11 11 11 11 11 11 11")
	check("0000000000000000", "0000000000000000")
}

func TestLuhn(t *testing.T) {
	check := func(digits string, want bool) {
		t.Helper()
		if luhn([]byte(digits)) != want {
			t.Errorf("luhn(%s) = %v", digits, !want)
		}
	}
	check("79927398713", true) // the example of ISO/IEC 7812-1
	check("79927398710", false)
	check("4242424242424242", true)
	check("0000000000000000", false)
}
