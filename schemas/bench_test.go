package schemas

import "testing"

// pageview is what a site's tracker typically sends, about 800 bytes.
const pageview = `{"id":"0190163d-8694-739b-aea5-966c26f8ad91","type":"pageview","site":"shop.example","time":"2026-11-02T09:00:00.123Z",` +
	`"visitor_id":"v1.7c9e6679742540de944be07fc1f90ae7","session_id":"s1.1730538000","ga":"1234567890.1730538000",` +
	`"url":"https://shop.example/books/4873115?utm_source=newsletter&utm_medium=email&utm_campaign=autumn",` +
	`"title":"駅前の本屋 \u2014 秋の新刊 | Shop","referrer":"https://search.example/","utm_source":"newsletter","utm_medium":"email",` +
	`"utm_campaign":"autumn","engagement_ms":15230,"scroll_percent":80,"screen_width":1920,"screen_height":1080,` +
	`"viewport_width":1280,"viewport_height":720,"language":"ja-JP","timezone":"Asia/Tokyo",` +
	`"properties":{"plan":"basic","items":3,"member":true},` +
	`"consent":{"analytics":true,"advertising":false,"policy":"2026-04-01","gpc":false}}`

func BenchmarkDecode(b *testing.B) {
	body := []byte(pageview)
	var d Decoder
	var e Event
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Parse(body); err != nil {
			b.Fatal(err)
		}
		if bad := d.Event(0, &e); bad != nil {
			b.Fatal(bad)
		}
	}
}

func record(tb testing.TB) *Record {
	tb.Helper()
	var d Decoder
	if _, err := d.Parse([]byte(pageview)); err != nil {
		tb.Fatal(err)
	}
	r := &Record{
		Outcome: Allowed, Reason: ReasonGranted, Policy: "2026-04-01", Jurisdiction: "jp",
		Purposes:           PurposesOf(Necessary, Analytics),
		Grants:             []Grant{{Recipient: "warehouse", Categories: AllCategories}, {Recipient: "ga4", Categories: CategoriesOf(UsageHistory, TerminalIdentification)}},
		PropertyCategories: []Category{Attribute, UsageHistory, Attribute},
	}
	if bad := d.Event(0, &r.Event); bad != nil {
		tb.Fatal(bad)
	}
	return r
}

func BenchmarkRecordAppend(b *testing.B) {
	r := record(b)
	buffer := r.AppendJSON(nil)
	b.SetBytes(int64(len(buffer)))
	b.ReportAllocs()
	for b.Loop() {
		buffer = r.AppendJSON(buffer[:0])
	}
}

func BenchmarkRecordDecode(b *testing.B) {
	value := record(b).AppendJSON(nil)
	var d RecordDecoder
	var r Record
	b.SetBytes(int64(len(value)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Decode(value, &r); err != nil {
			b.Fatal(err)
		}
	}
}

// The hot path does not allocate once its buffers have grown.
func TestHotPathDoesNotAllocate(t *testing.T) {
	check := func(what string, run func()) {
		t.Helper()
		run()
		if n := testing.AllocsPerRun(100, run); n != 0 {
			t.Errorf("%s allocates %v times", what, n)
		}
	}
	body, r := []byte(pageview), record(t)
	value := r.AppendJSON(nil)
	var events Decoder
	var e Event
	check("Decoder", func() {
		if n, err := events.Parse(body); n != 1 || err != nil || events.Event(0, &e) != nil {
			t.Fatal(err)
		}
	})
	check("Record.AppendJSON", func() { value = r.AppendJSON(value[:0]) })
	var d RecordDecoder
	var read Record
	check("RecordDecoder", func() {
		if err := d.Decode(value, &read); err != nil {
			t.Fatal(err)
		}
	})
	check("Record.For", func() {
		if _, _, ok := read.For("ga4"); !ok {
			t.Fatal("ga4 is given nothing")
		}
	})
}
