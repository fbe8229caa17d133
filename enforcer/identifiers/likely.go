package identifiers

// unlikely has, for each pair of letters, how seldom it stands in words of English
// and romanised Japanese: 4 is as often as chance would have it, each step more is
// about half as often. The first letter is the row.
var unlikely = [26]string{
	"72238635263121939120555746", // a
	"38893999379399389557399929", // b
	"29592991493499199462499969", // c
	"37851879289687379547487979", // d
	"24203435464220636002645356", // e
	"59884499399599499576399979", // f
	"39892964399574399459499929", // g
	"18892999299688299684399929", // h
	"33223325764320139321838653", // i
	"59995999499999599999499999", // j
	"38992899397896389959399929", // k
	"28751789198299279944579929", // l
	"25992999298858339959498929", // m
	"28222518274365369711457928", // n
	"24336535563320439133243856", // o
	"29892985399399249254499929", // p
	"99999999999999999999499999", // q
	"17540669195545169423367929", // r
	"39381791295568349931296959", // s
	"29570793099588269224396948", // t
	"43455644464332639222698966", // u
	"49992999499999699999999999", // v
	"39994995499795399669999999", // w
	"79796999699999959996999999", // x
	"17991989199766159768196999", // y
	"49993999599999599999599999", // z
}

const (
	// minJudged is the shortest word of which the pairs tell anything, and
	// maxWord the longest that is one.
	minJudged, maxWord = 8, 20
	// tooUnlikely is the mean from which letters are not words, in tenths.
	tooUnlikely = 33
	// A shorter word is judged when it stands alone, and more kindly: there is less
	// to judge by, and a slug of several would too often have one that is odd.
	minAlone, tooUnlikelyAlone = 5, 40
)

// unlikelyWord reports whether some run of letters in the text is none that words
// are made of, such as a token of small letters. Of random ones of eight letters
// and more at least 95 % are found; TestUnlikelyWords measures that. What remains are
// those that happen to read like words, most of those shorter than eight letters,
// and names of people: these are told from others by nothing in them. Words of
// other languages may be taken for tokens.
func unlikelyWord[T string | []byte](text T) bool {
	for i := 0; i < len(text); i++ {
		start := i
		for i < len(text) && is(text[i], letter) {
			i++
		}
		switch n := i - start; {
		case n > 5 && unlikelyLetters(text[start:i]):
			return true
		case n == len(text) && n >= minAlone && n < minJudged:
			sum, worst, pairs := unlikelyPairs(text)
			return pairs > 1 && 10*(sum-worst) > tooUnlikelyAlone*(pairs-1)
		}
	}
	return false
}

func unlikelyLetters[T string | []byte](word T) bool {
	const manyConsonants = 5
	run, longest, vowels := 0, 0, 0
	for i := range len(word) {
		switch lowered(word[i]) {
		case 'a', 'e', 'i', 'o', 'u', 'y':
			vowels++
			run = 0
		default:
			run++
			longest = max(longest, run)
		}
	}
	sum, worst, pairs := unlikelyPairs(word)
	if vowels == 0 || len(word) > maxWord && pairs == len(word)-1 {
		return true
	}
	if longest >= manyConsonants && len(word) <= minJudged || longest > manyConsonants {
		return true
	}
	if len(word) < minJudged {
		return false
	}
	// The worst pair may be where two words meet, as in blackfriday.
	return 10*(sum-worst) > tooUnlikely*(pairs-1)
}

// unlikelyPairs adds up how unlikely the pairs of letters are, but for those at
// which a new word starts, aNewWord.
func unlikelyPairs[T string | []byte](word T) (sum, worst, pairs int) {
	for i := 1; i < len(word); i++ {
		if is(word[i], upper) && !is(word[i-1], upper) {
			continue
		}
		u := int(unlikely[lowered(word[i-1])-'a'][lowered(word[i])-'a'] - '0')
		sum, worst, pairs = sum+u, max(worst, u), pairs+1
	}
	return sum, worst, pairs
}
