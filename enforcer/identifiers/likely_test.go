package identifiers

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// ordinary are words of addresses and campaigns, English and romanised Japanese.
const ordinary = `about access account accessories activities advertising affiliate airport alternative anniversary announcement apartment
appliances application architecture autumn availability backpack bandwidth bargains beautiful bestsellers bicycle birthday blackfriday
bookmarks bridal brochure business calendar campaign candidates careers categories certificate checkout christmas clearance clothing collection
comparison compatibility confirmation congratulations contact contents cookware copyright corporate cosmetics coupons cybermonday dashboard
delivery department destinations developers directory discount documentation documents download downloads education electronics employment english
environment equipment exclusive exhibition experience facebook fashion features feedback festival financial fireworks flights footwear forgot
fullscreen furniture giftcard giftcards governance graduation groceries guidelines hairstyle halloween handbags headphones healthcare highlight
holidays homepage hospital household information instagram insurance international internationalization interview introduction inventory
investors javascript jewellery keyboard keyword keywords kitchen knowledge language laptops lifestyle linkedin living location lookbook
magazine mailmagazine maintenance management manufacturers marketing membership midnight motorcycle newsletter nightlife notebook notification
numbers offers opening outdoor overview packaging partners payment performance personal photography pinterest playlist podcast postcard
preferences premium pressrelease privacy products programming promotion publication purchase questions ranking rebranding recipes recommendations
recruit registration rental reservation restaurants returns reviews rewards salespromotion schedule science screenshots search seasonal
security seminar services shampoo shipping shopping showroom skincare smartphone snowboard software spotlight spring storefront strategy
streaming subscription summer sunglasses support sustainability sweepstakes swimwear technology television temporary theatre thanksgiving
throughput tickets tokyo
maker story photo event forum guide brand check price queue video image audio style trend world sport music movie drama anime manga games
login order quick about terms legal rules notes proxy https mysql nginx gmail yahoo ebay cgi-bin sushi ramen udon soba tempura kimono onigiri
sencha matcha hojicha bonsai futon tatami ninja samurai geisha karate judo kendo sumo origami kabuki haiku anzen chizu denki fuyu haru gohan hajime
inaka joshi kaden kagu kimochi kodomo kokuho kotsu kuruma mensetsu mokuji nenkin nyusu ryori seiho shigoto shinbun shuppan tenki tokei tsuri yasai zeikin tournament training transportation travel treatment trending troubleshooting twitter underwear university unsubscribe
update upgrade valentine vegetables vehicles vintage volunteer warehouse warranty watches wedding weekend welcome whitepaper wholesale wildlife
winter womens workshop worldwide youtube
akihabara arubaito benkyou biyou bunbougu chintai chuugoku daigaku denwa eigakan fudousan fukubukuro fukuoka furusatonouzei gakkou ginkou
gochuumon goriyou hachijuuhachi hajimete hikkoshi hokkaido ichiran ikebukuro izakaya jidousha jinjya kaiintouroku kaisha kaitori kantou kekkon
kenkou keshouhin kinmotsu kodomofuku kokusai konbini kouhyou kounyuu kuchikomi kyoto kyuujin kyushu mansion matsuri meguri mousikomi nagoya
nihonshu ningyou nyuukai obentou ochuugen okinawa onlineshop onsen osaka oseibo osusume otoiawase otokuna rakuten ranking ryokan ryokou ryouri
saiyou sapporo seikatsu senmonten shinchaku shinjuku shinkansen shippitsu shokuhin shouhin shoukai shousai shukuhaku souryou sotsugyou takuhai
tanjoubi tokubai tokushuu tokyostation toukyou tsuuhan waribiki yakiniku yokohama yoyaku zenkoku`

// TestUnlikelyWords measures what of random tokens is found, and what of ordinary
// words is taken for one.
func TestUnlikelyWords(t *testing.T) {
	const tokens = 20_000
	r := rand.New(rand.NewPCG(1, 2))
	for length := minAlone; length <= 24; length++ {
		found := 0
		for range tokens {
			token := make([]byte, length)
			for i := range token {
				token[i] = 'a' + byte(r.IntN(26))
			}
			if IdentifierLike(string(token)) {
				found++
			}
		}
		t.Logf("of random tokens of %d letters %.1f %% are found", length, 100*float64(found)/tokens)
		least := tokens * 95 / 100
		if length < minJudged {
			least = tokens * 65 / 100
		}
		if found < least {
			t.Errorf("only %d of %d tokens of %d letters are found", found, tokens, length)
		}
	}
	words := strings.Fields(ordinary)
	var taken []string
	for _, word := range words {
		if IdentifierLike(word) {
			taken = append(taken, word)
		}
	}
	t.Logf("of %d ordinary words %d are taken for tokens: %q", len(words), len(taken), taken)
	if len(taken) > len(words)*3/200 {
		t.Errorf("%d of %d ordinary words are taken for tokens: %q", len(taken), len(words), taken)
	}
	for _, name := range []string{"tiktok", "pixiv", "criteo", "gunosy", "hatena", "docomo", "taboola", "outbrain", "linkedin", "wimax", "iPhone", "PlayStation", "GitHub"} {
		if IdentifierLike(name) {
			t.Errorf("%s is taken for a token", name)
		}
	}
	for _, token := range []string{"qxvzkwpj", "xkcdqwrt", "zkqvbn", "BCDFGHKM", "sale-hgqzwxbv", "hgqzwxbv.html", "xkvqz", "qzjfwa", "Wvuqxko"} {
		if !IdentifierLike(token) {
			t.Errorf("%s is a word", token)
		}
	}
}
