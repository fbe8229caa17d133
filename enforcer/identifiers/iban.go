package identifiers

// ibanLengths lists, for each country of the ISO 13616 registry, its code and
// the length of its account numbers.
const ibanLengths = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29" +
	"ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20" +
	"LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18" +
	"SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30"

// ibanLength returns the length of the country's account numbers, or 0.
func ibanLength(a, b byte) int {
	a, b = a&^0x20, b&^0x20
	for i := 0; i < len(ibanLengths); i += 4 {
		if ibanLengths[i] == a && ibanLengths[i+1] == b {
			return int(ibanLengths[i+2]-'0')*10 + int(ibanLengths[i+3]-'0')
		}
	}
	return 0
}

// ibans finds international bank account numbers, solid or in groups of four.
func (f *finder) ibans() {
	const shortest = 15
	for i := 0; i+shortest <= len(f.text); i++ {
		f.steps++
		switch {
		case !is(f.text[i+3], digit):
			i++ // neither here nor at the next can one start
			continue
		case !is(f.text[i+2], digit), !is(f.text[i+1], letter), !is(f.text[i], letter):
			continue
		case is(f.at(i-1), alnum) && !f.follows(i, "iban"):
			continue
		}
		if end := f.iban(i); end > 0 {
			f.mark(i, end, IBAN)
			i = end - 1
		}
	}
}

// iban returns the end of the account number that starts at i, or 0.
func (f *finder) iban(i int) int {
	length := ibanLength(f.text[i], f.text[i+1])
	if length == 0 {
		return 0
	}
	var chars [34]byte
	start, n := i, 0
	for n < length {
		b := f.at(i)
		switch {
		case is(b, alnum):
			chars[n] = b
			n++
		case n%4 == 0 && (b == ' ' || b == '-' || b == dash || b == '+' || b == '.') && is(f.at(i+1), alnum):
		default:
			return 0
		}
		f.steps++
		i++
	}
	if is(f.at(i), alnum) || !ibanChecks(chars[:length]) || count(view(f.text[start:i])) == nothingFound {
		return 0 // what the counters do not notice has too many letters
	}
	return i
}

// ibanChecks computes ISO 7064 MOD 97-10 over the number, its first four
// characters last, letters counting from A = 10.
func ibanChecks(chars []byte) bool {
	remainder := 0
	for i := range chars {
		b := chars[(i+4)%len(chars)]
		if is(b, digit) {
			remainder = (remainder*10 + int(b-'0')) % 97
		} else {
			remainder = (remainder*100 + int(b&^0x20-'A') + 10) % 97
		}
	}
	return remainder == 1
}
