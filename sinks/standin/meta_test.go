package standin

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

func startMeta(t testing.TB) *Server {
	s, err := StartMeta(options(), Meta{Pixel: "1234", Token: "token", TestCode: "TEST1"})
	return stopped(t, s, err)
}

var (
	someHash  = strings.Repeat("0a", 32)
	metaEvent = `{"event_name":"PageView","event_time":` + seconds(time.Hour) + `,"event_id":"E1","action_source":"website",` +
		`"event_source_url":"https://shop.example.jp/","user_data":{"client_user_agent":"Mozilla","external_id":"` + someHash + `"}}`
)

func seconds(ago time.Duration) string { return strconv.FormatInt(now.Add(-ago).Unix(), 10) }

func request(query string) *http.Request {
	return &http.Request{Method: http.MethodPost, URL: &url.URL{Path: "/mp/collect", RawQuery: query}, Header: http.Header{}}
}

func TestMetaRules(t *testing.T) {
	s := startMeta(t)
	check := func(old, new, want string) {
		t.Helper()
		event := strings.Replace(metaEvent, old, new, 1)
		if event == metaEvent && old != new {
			t.Fatalf("%q is not in the event", old)
		}
		status, text := send(t, s.URL()+"/v21.0/1234/events?access_token=token", `{"data":[`+metaEvent+`,`+event+`]}`)
		kept := s.Received().Events
		got := rulesOf(s)
		if got != want {
			t.Errorf("%s: broke %q, want %q", event, got, want)
		}
		if want == "" && status != 200 || want != "" && (status != 400 || !strings.Contains(text, `"code":100`) || kept != 0) {
			t.Errorf("%s: got %d %s, kept %d", event, status, text, kept)
		}
	}
	name, user := `"event_name":"PageView"`, `"client_user_agent":"Mozilla"`
	extra := func(members string) (string, string) { return name, name + "," + members }
	extraUser := func(members string) (string, string) { return user, user + "," + members }
	bad := func(pair func(string) (string, string), members, want string) {
		t.Helper()
		old, new := pair(members)
		check(old, new, want)
	}

	check("", "", "")
	check(name+",", "", "event_name")
	check(`"event_time":`+seconds(time.Hour), `"event_time":`+seconds(7*24*time.Hour-time.Minute), "")
	check(`"event_time":`+seconds(time.Hour), `"event_time":`+seconds(7*24*time.Hour+time.Minute), "too_old")
	check(`"event_time":`+seconds(time.Hour), `"event_time":`+seconds(-time.Hour), "future")
	check(`"event_time":`+seconds(time.Hour), `"event_time":`+seconds(time.Hour)+"000", "event_time")
	check(`"event_time":`+seconds(time.Hour), `"event_time":"`+seconds(time.Hour)+`"`, "event_time")
	check(`"website"`, `"web"`, "action_source")
	check(`"website"`, `"physical_store"`, "")
	check(`"event_source_url":"https://shop.example.jp/",`, "", "event_source_url")
	check(`"https://shop.example.jp/"`, `"shop"`, "event_source_url")
	check(user+",", "", "client_user_agent")
	check(`,"external_id":"`+someHash+`"`, "", "user_data")
	check(someHash, "v1", "unhashed")
	check(someHash, strings.ToUpper(someHash), "unhashed")
	check(`"E1"`, `7`, "event_id")
	bad(extra, `"what":1`, "unknown_member")
	bad(extra, `"event_id":"E2"`, "duplicate_name")
	bad(extraUser, `"email":"a@b.example"`, "unknown_member")
	bad(extraUser, `"em":"a@b.example"`, "unhashed")
	bad(extraUser, `"em":["`+someHash+`"]`, "")
	bad(extraUser, `"fbp":"fb.1.1596403881668.1116446470"`, "")
	bad(extraUser, `"fbp":"fb.1.1596403881668.1116446470.AQEAAQMB"`, "")
	bad(extraUser, `"fbp":"fb.3.1596403881668.1116446470"`, "fbp")
	bad(extraUser, `"fbc":"`+someHash+`"`, "fbc")
	app := func(extinfo, madid string) (old, new string) {
		event := strings.Replace(metaEvent, `"website"`, `"app","app_data":{"advertiser_tracking_enabled":1,"application_tracking_enabled":0,"extinfo":[`+extinfo+`]}`, 1)
		return metaEvent, strings.Replace(event, user, user+`,"madid":"`+madid+`"`, 1)
	}
	checkApp := func(extinfo, madid, want string) {
		t.Helper()
		old, new := app(extinfo, madid)
		check(old, new, want)
	}
	const madid = "0190163d-8694-739b-aea5-966c26f8ad91"
	info := `"i2","","","","18.6"` + strings.Repeat(`,""`, 11)
	checkApp(info, madid, "")
	checkApp(info, strings.ToUpper(madid), "madid")
	checkApp(info, "00000000-0000-0000-0000-000000000000", "madid")
	checkApp(strings.Replace(info, "18.6", "", 1), madid, "app_data")
	checkApp(strings.Replace(info, "i2", "i1", 1), madid, "app_data")
	checkApp(`"i2"`, madid, "app_data")
	check(`"website"`, `"app"`, "app_data app_data app_data")
	bad(extraUser, `"madid":"`+madid+`"`, "madid")
	check(name, `"event_name":"Purchase","custom_data":{"value":1}`, "purchase")
	check(name, `"event_name":"Purchase","custom_data":{"value":1,"currency":"JPY"}`, "")
	check(name, `"event_name":"Purchase","custom_data":{"value":"1","currency":"yen"}`, "value currency")
	bad(extra, `"data_processing_options":[]`, "")
	bad(extra, `"data_processing_options":["LDU"],"data_processing_options_country":0,"data_processing_options_state":0`, "")
	bad(extra, `"data_processing_options":["LDU"],"data_processing_options_country":1,"data_processing_options_state":1000`, "")
	bad(extra, `"data_processing_options":["LDU"],"data_processing_options_country":0,"data_processing_options_state":1000`, "data_processing_options")
	bad(extra, `"data_processing_options":["LDU"],"data_processing_options_country":1`, "data_processing_options")
	bad(extra, `"data_processing_options":["LDU"]`, "data_processing_options")
	bad(extra, `"data_processing_options":["ALL"],"data_processing_options_country":0,"data_processing_options_state":0`, "data_processing_options")
}

func TestMetaRequests(t *testing.T) {
	s := startMeta(t)
	check := func(path, body string, status int, contains, rules string) {
		t.Helper()
		got, text := send(t, s.URL()+path, body)
		if got != status || !strings.Contains(text, contains) {
			t.Errorf("%s: got %d %s", path, got, text)
		}
		if broken := rulesOf(s); broken != rules {
			t.Errorf("%s: broke %q, want %q", path, broken, rules)
		}
	}
	one := `{"data":[` + metaEvent + `]}`
	const path = "/v21.0/1234/events"
	check(path+"?access_token=token", one, 200, `"events_received":1`, "")
	check(path, `{"access_token":"token","data":[`+metaEvent+`]}`, 200, `"events_received":1`, "")
	check(path+"?access_token=other", one, 400, `"code":190`, "")
	check(path, one, 400, `"code":190`, "")
	check("/1234/events", one, 404, `"code":2500`, "path")
	check("/v21.0/1235/events?access_token=token", one, 400, `"code":100`, "pixel")
	check(path+"?access_token=token", "no", 400, `"code":100`, "json")
	check(path+"?access_token=token", `{"data":[]}`, 400, `"code":100`, "data")
	check(path+"?access_token=token", `{"data":[`+strings.Repeat(metaEvent+",", 999)+metaEvent+`]}`, 200, `"events_received":1000`, "")
	check(path+"?access_token=token", `{"data":[`+strings.Repeat(metaEvent+",", 1000)+metaEvent+`]}`, 400, `"code":100`, "too_many")
	check(path+"?access_token=token", `{"test_event_code":"TEST1","data":[`+metaEvent+`]}`, 200, `"events_received":1`, "")
}

// The same name and id within 48 hours is one event.
func TestMetaDeduplicates(t *testing.T) {
	clock := now
	o := options()
	o.Now = func() time.Time { return clock }
	s, err := StartMeta(o, Meta{Pixel: "1234", Token: "token"})
	stopped(t, s, err)
	check := func(after time.Duration, event string, events, deduplicated uint64) {
		t.Helper()
		clock = now.Add(after)
		send(t, s.URL()+"/v21.0/1234/events?access_token=token", `{"data":[`+event+`]}`)
		if r := s.Received(); r.Events != events || r.Deduplicated != deduplicated {
			t.Errorf("after %v: %d events, %d deduplicated, want %d, %d", after, r.Events, r.Deduplicated, events, deduplicated)
		}
	}
	check(0, metaEvent, 1, 0)
	check(time.Minute, metaEvent, 1, 1)
	check(time.Minute, strings.Replace(metaEvent, "PageView", "Lead", 1), 2, 1)
	check(47*time.Hour, metaEvent, 2, 2)
	check(49*time.Hour, metaEvent, 3, 2)
}

func FuzzMeta(f *testing.F) {
	f.Add(`{"data":[` + metaEvent + `]}`)
	f.Add(`{"data":[{"user_data":[],"custom_data":{"contents":[1]}},1]}`)
	s := startMeta(f)
	f.Fuzz(func(t *testing.T, body string) {
		r := request("access_token=token")
		r.URL.Path = "/v21.0/1234/events"
		if a := s.vendor.take(r, []byte(body), Fault{}); a.status != 200 && a.status != 400 {
			t.Errorf("got %d", a.status)
		}
	})
}
