package speed

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"strings"
	"time"
)

// beacon is a request as bytes, of which the ids are written anew each time.
// It serves one connection.
type beacon struct {
	bytes  []byte
	ids    []int // where the events' ids are
	random *rand.ChaCha8
}

const (
	idPlaceholder = "00000000-0000-7000-8000-000000000000"
	eventsPath    = "/v1/events"
)

// shape is what requests are like.
type shape struct {
	Events int // in one request
	Bytes  int // of an event, about; the usual one has 800
	Sites  int // from which events come; the policy's own when 0
}

const usualBytes = 800

// newBeacon makes the request of one visitor.
func newBeacon(s shape, visitor int) *beacon {
	r := rand.New(rand.NewPCG(uint64(visitor), 8))
	site := "shop"
	if s.Sites > 0 {
		site = fmt.Sprintf("site%d", visitor%s.Sites)
	}
	events := make([]string, max(s.Events, 1))
	for i := range events {
		events[i] = eventOf(s, site, r)
	}
	body := events[0]
	if s.Events > 1 {
		body = "[" + strings.Join(events, ",") + "]"
	}
	head := fmt.Sprintf("POST "+eventsPath+" HTTP/1.1\r\nHost: collect.example.jp\r\nOrigin: https://shop.example.jp\r\n"+
		"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\n"+
		"Accept: */*\r\nAccept-Language: ja-JP,ja;q=0.9,en;q=0.8\r\nReferer: https://shop.example.jp/\r\n"+
		"Content-Type: text/plain;charset=UTF-8\r\nContent-Length: %d\r\n"+
		"Cookie: sekisho_id=%s.%s; sekisho_consent=1.2026-10-01.analytics+advertising; _ga=GA1.1.%d.1790000000\r\n\r\n",
		len(body), base64.RawURLEncoding.EncodeToString(random(r, 16)), grantedOn(site), r.Uint32())
	var seed [32]byte
	copy(seed[:], random(r, 24))
	copy(seed[24:], hex.EncodeToString([]byte{byte(time.Now().UnixNano()), byte(time.Now().UnixNano() >> 8), byte(time.Now().UnixNano() >> 16)}))
	b := &beacon{bytes: []byte(head + body), random: rand.NewChaCha8(seed)}
	for at := 0; ; {
		i := strings.Index(string(b.bytes[at:]), idPlaceholder)
		if i < 0 {
			return b
		}
		b.ids = append(b.ids, at+i)
		at += i + len(idPlaceholder)
	}
}

// grantedOn is what the visitor cookie says of somebody who agreed to all on a site:
// a collector gives no new cookie to who has this one.
func grantedOn(site string) string {
	const since, all = 1_780_000_000_000, 3 // ms; analytics and advertising
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(site)) // never fails
	entry := hash.Sum(nil)[1:]
	entry = append(entry, binary.BigEndian.AppendUint64(nil, since<<3|all)[2:]...)
	return base64.RawURLEncoding.EncodeToString(entry)
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// next returns the request with new ids, valid until the next call. The ids are
// of version 7, so events have the time at which they are sent.
func (b *beacon) next(now time.Time) []byte {
	ms := uint64(now.UnixMilli())
	for _, at := range b.ids {
		var raw [16]byte
		_, _ = b.random.Read(raw[6:]) // never fails
		for i := range 6 {
			raw[i] = byte(ms >> (40 - 8*i))
		}
		raw[6], raw[8] = raw[6]&0x0f|0x70, raw[8]&0x3f|0x80
		to := b.bytes[at : at+len(idPlaceholder)]
		hex.Encode(to[0:], raw[:4])
		hex.Encode(to[9:], raw[4:6])
		hex.Encode(to[14:], raw[6:8])
		hex.Encode(to[19:], raw[8:10])
		hex.Encode(to[24:], raw[10:])
	}
	return b.bytes
}

// id returns the id of the first event that next wrote.
func (b *beacon) id() string { return string(b.bytes[b.ids[0] : b.ids[0]+len(idPlaceholder)]) }

// eventOf is a page view as a tracker sends it, with the TC string of a visitor
// who agreed to all. It is made larger by properties and by what belongs to an
// address, smaller by leaving out all but what every event has.
func eventOf(s shape, site string, r *rand.Rand) string {
	want := s.Bytes
	if want == 0 {
		want = usualBytes
	}
	item := r.IntN(5000)
	event := fmt.Sprintf(`{"id":"%s","site":"%s","type":"pageview","consent":{"tcf":"%s","policy":"2026-10-01","analytics":true,"advertising":true},`+
		`"url":"https://shop.example.jp/items/%d?page=2&utm_source=mail","title":"Shoes, page 2 - Example Shop"`,
		idPlaceholder, site, tcString(), item)
	if want < 500 {
		event = fmt.Sprintf(`{"id":"%s","site":"%s","type":"pageview","consent":{"policy":"2026-10-01","analytics":true,"advertising":true},`+
			`"url":"https://shop.example.jp/items/%d","title":"Example Shop","language":"ja-JP","timezone":"Asia/Tokyo"`, idPlaceholder, site, item)
	} else {
		event += fmt.Sprintf(`,"session_id":"%s-8694-739b-aea5-966c26f8ad91","language":"ja-JP","timezone":"Asia/Tokyo",`+
			`"screen_width":1920,"screen_height":1080,"viewport_width":%d,"viewport_height":920,"referrer":"https://www.example.com/search",`+
			`"utm_source":"mail","utm_campaign":"autumn"`, hex.EncodeToString(random(r, 4)), 1200+r.IntN(700))
	}
	const closing = `,"properties":{"plan":"gold","items":3}}`
	event += closing[:len(closing)-2]
	if missing := want - len(event) - len(`,"title":""`); missing > 40 {
		notes := 0
		if s.Sites > 0 {
			notes = numNotes
		}
		event = grown(event, missing, notes)
	}
	return event + "}}"
}

// grown makes an event larger by addresses and texts of words, as far as the
// model lets them be.
func grown(event string, by, notes int) string {
	words := func(n int) string { return strings.Repeat("autumn shoes and other things ", n/30+1)[:max(n, 0)] }
	for _, text := range []struct {
		before string
		most   int
		space  string
	}{{`","title"`, 3900, "-"}, {`","session_id"`, 400, " "}, {`","utm_source"`, 3900, "-"}, {`gold"`, 1000, " "}} {
		i := strings.Index(event, text.before)
		if text.before == `gold"` {
			i += len("gold")
		}
		if i < 0 || by <= 0 {
			continue
		}
		n := min(by, text.most)
		added := strings.ReplaceAll(words(n)[:n], " ", text.space)
		event = event[:i] + added + event[i:]
		by -= n
	}
	for i := 0; i < notes && by > len(`,"note0":""`); i++ {
		n := min(by-len(`,"note0":""`), 1000)
		event += fmt.Sprintf(`,"note%d":"%s"`, i, words(n)[:n])
		by -= n + len(`,"note0":""`)
	}
	return event
}
