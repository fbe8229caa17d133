package identifiers

import "testing"

func TestIBANs(t *testing.T) {
	check := maskCheck(t, MaskText)
	check("GB82 WEST 1234 5698 7654 32", "[iban]")
	check("IBANDE89370400440532013000", "IBAN[iban]")
	check("iban:gb82west12345698765432.", "iban:[iban].")
	check("DE89.3704.0044.0532.0130.00", "[iban]")
	check("DE89 3704 0044 0532 0130 00 bis Freitag", "[iban] bis Freitag")

	check("GB82 WEST 1234 5698 7654 33", "GB82 WEST 1234 5698 7654 33") // check digits
	check("GB82WEST1234569876543", "GB82WEST1234569876543")             // length
	check("ZZ82WEST12345698765432", "ZZ82WEST12345698765432")           // country
	check("XGB82WEST12345698765432", "XGB82WEST12345698765432")         // a longer word
}
