package standin

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
)

func startGoogle(t testing.TB) *Server {
	s, err := StartGoogle(options(), Google{
		Secrets:  map[string]string{"G-SHOP": "secret", "1:2:android:3": "app secret"},
		Property: "777", Token: "bearer",
	})
	return stopped(t, s, err)
}

// micros is the time that many hours ago.
func micros(hours int) string {
	return strconv.FormatInt(now.UnixMicro()-int64(hours)*3_600_000_000, 10)
}

// Every rule is checked alike by the debug endpoint, which tells, and by the
// collecting one, which drops in silence.
func TestGoogleRules(t *testing.T) {
	s := startGoogle(t)
	check := func(query, body, want string) {
		t.Helper()
		var told struct {
			ValidationMessages []struct{ FieldPath, ValidationCode string }
		}
		status, text := send(t, s.URL()+"/debug/mp/collect?"+query, body)
		if err := json.Unmarshal([]byte(text), &told); status != 200 || err != nil {
			t.Fatalf("got %d %s", status, text)
		}
		var codes []string
		for _, m := range told.ValidationMessages {
			codes = append(codes, strings.TrimSpace(m.FieldPath+" "+m.ValidationCode))
		}
		if got := strings.Join(codes, "; "); got != want {
			t.Errorf("%s\ntold %q, want %q", body, got, want)
		}
		if r := s.Received(); r.Violations > 0 || r.Events > 0 {
			t.Errorf("%s\nthe debug endpoint counts", body)
		}
		status, text = send(t, s.URL()+"/mp/collect?"+query+"&api_secret=secret", body)
		if r := s.Received(); status != 204 || text != "" || want != "" && (r.Events > 0 || r.Violations == 0) || want == "" && (r.Events == 0 || r.Violations > 0) {
			t.Errorf("%s\ngot %d %q, received %+v", body, status, text, r)
		}
		s.Forget()
	}
	const web = "measurement_id=G-SHOP"
	top := func(members string) string {
		return `{"client_id":"1.2",` + members + `"events":[{"name":"page_view"}]}`
	}
	event := func(members string) string { return `{"client_id":"1.2","events":[{` + members + `}]}` }
	params := func(members string) string { return event(`"name":"e","params":{` + members + `}`) }
	many := func(n int, form string) string {
		var list []string
		for i := range n {
			list = append(list, fmt.Sprintf(form, i))
		}
		return strings.Join(list, ",")
	}
	long := func(n int) string { return strings.Repeat("é", n) }

	check(web, top(""), "")
	check(web, top(`"user_id":"u","user_agent":"a","consent":{"ad_user_data":"GRANTED","ad_personalization":"DENIED"},"timestamp_micros":`+micros(71)+`,`), "")
	check(web, "", " VALUE_INVALID"[1:])
	check(web, "[]", "VALUE_INVALID")
	check(web, top("")+"{}", "VALUE_INVALID")
	check(web, `{"events":[{"name":"e"}]}`, "client_id VALUE_REQUIRED")
	check(web, top(`"app_instance_id":"`+strings.Repeat("a", 32)+`",`), "app_instance_id VALUE_INVALID")
	check(web, top(`"clientid":"1",`), "clientid NAME_INVALID")
	check(web, top(`"user_id":"a","user_id":"b",`), "user_id NAME_DUPLICATED")
	check(web, top(`"user_id":"`+long(256)+`",`), "")
	check(web, top(`"user_id":"`+long(257)+`",`), "user_id VALUE_OUT_OF_BOUNDS")
	check(web, top(`"user_agent":1,`), "user_agent VALUE_INVALID")
	check(web, top(`"timestamp_micros":"`+micros(1)+`",`), "")
	check(web, top(`"timestamp_micros":`+micros(73)+`,`), "timestamp_micros VALUE_OUT_OF_BOUNDS")
	check(web, top(`"timestamp_micros":`+micros(-1)+`,`), "timestamp_micros VALUE_OUT_OF_BOUNDS")
	check(web, top(`"timestamp_micros":1.5,`), "timestamp_micros VALUE_INVALID")
	check(web, top(`"consent":{"ad_user_data":"granted"},`), "consent.ad_user_data VALUE_INVALID")
	check(web, top(`"consent":{"analytics_storage":"GRANTED"},`), "consent.analytics_storage NAME_INVALID")
	check(web, top(`"user_properties":{"plan":{"value":"pro"}},`), "")
	check(web, top(`"user_properties":{"plan":"pro"},`), "user_properties.plan VALUE_REQUIRED")
	check(web, top(`"user_properties":{"plan":{"value":"`+long(37)+`"}},`), "user_properties.plan.value VALUE_OUT_OF_BOUNDS")
	check(web, top(`"user_properties":{"`+strings.Repeat("p", 25)+`":{"value":1}},`), "user_properties."+strings.Repeat("p", 25)+" NAME_INVALID")
	check(web, top(`"user_properties":{"_a":{"value":1}},`), "user_properties._a NAME_RESERVED")
	check(web, top(`"user_properties":{"user_id":{"value":1}},`), "user_properties.user_id NAME_RESERVED")
	check(web, top(`"user_properties":{`+many(26, `"p%d":{"value":1}`)+`},`), "user_properties EXCEEDED_MAX_ENTITIES")

	check(web, `{"client_id":"1.2"}`, "events VALUE_REQUIRED")
	check(web, `{"client_id":"1.2","events":[`+many(25, `{"name":"e%d"}`)+`]}`, "")
	check(web, `{"client_id":"1.2","events":[`+many(26, `{"name":"e%d"}`)+`]}`, "events EXCEEDED_MAX_ENTITIES")
	check(web, event(""), "events[0].name VALUE_REQUIRED")
	check(web, event(`"name":"`+strings.Repeat("a", 40)+`"`), "")
	check(web, event(`"name":"`+strings.Repeat("a", 41)+`"`), "events[0].name NAME_INVALID")
	check(web, event(`"name":"a-b"`), "events[0].name NAME_INVALID")
	check(web, event(`"name":"1a"`), "events[0].name NAME_INVALID")
	for _, name := range []string{"ad_impression", "session_start", "user_engagement", "ga_x", "google_x", "firebase_x"} {
		check(web, event(`"name":"`+name+`"`), "events[0].name NAME_RESERVED")
	}
	check(web, event(`"name":"ad_click"`), "")
	check(web, event(`"name":"e","parameters":{}`), "events[0].parameters NAME_INVALID")
	check(web, event(`"name":"e","timestamp_micros":`+micros(73)), "events[0].timestamp_micros VALUE_OUT_OF_BOUNDS")
	check(web, params(many(25, `"p%d":1`)), "")
	check(web, params(many(26, `"p%d":1`)), "events[0].params EXCEEDED_MAX_ENTITIES")
	check(web, params(`"`+strings.Repeat("p", 41)+`":1`), "events[0].params."+strings.Repeat("p", 41)+" NAME_INVALID")
	check(web, params(`"_p":1`), "events[0].params._p NAME_RESERVED")
	check(web, params(`"gtag.x":1`), "events[0].params.gtag.x NAME_RESERVED")
	check(web, params(`"p":"`+long(100)+`"`), "")
	check(web, params(`"p":"`+long(101)+`"`), "events[0].params.p VALUE_OUT_OF_BOUNDS")
	check(web, params(`"p":{}`), "events[0].params.p VALUE_INVALID")
	check(web, params(`"value":1`), "events[0].params.currency VALUE_REQUIRED")
	check(web, params(`"value":"1","currency":"EUR"`), "events[0].params.value VALUE_INVALID")
	check(web, params(`"value":9.9,"currency":"EUR"`), "")
	check(web, params(`"value":9.9,"currency":"eur"`), "events[0].params.currency VALUE_INVALID")
	check(web, params(`"session_id":"1760000000","engagement_time_msec":100`), "")
	check(web, params(`"session_id":"a"`), "events[0].params.session_id VALUE_INVALID")
	check(web, params(`"engagement_time_msec":-1`), "events[0].params.engagement_time_msec VALUE_INVALID")
	check(web, params(`"items":[{"item_id":"A"},{"item_name":"B","price":3}]`), "")
	check(web, params(`"items":[{"price":3}]`), "events[0].params.items[0] VALUE_REQUIRED")
	check(web, params(`"items":[{"item_id":"A",`+many(11, `"c%d":1`)+`}]`), "events[0].params.items[0] EXCEEDED_MAX_ENTITIES")
	check(web, `{"client_id":"1.2","events":[{"name":"e","params":{"p":"`+strings.Repeat("a", 130_000)+`"}}]}`, "VALUE_OUT_OF_BOUNDS; events[0].params.p VALUE_OUT_OF_BOUNDS")
}

// The debug endpoint looks at neither ids nor secrets.
func TestGoogleStreams(t *testing.T) {
	s := startGoogle(t)
	const hit = `{"client_id":"1.2","events":[{"name":"page_view"}]}`
	for query, want := range map[string]string{
		"measurement_id=G-SHOP&api_secret=secret": "", "measurement_id=G-SHOP": "api_secret", "measurement_id=G-OTHER&api_secret=secret": "api_secret",
		"api_secret=secret": "stream api_secret", "measurement_id=UA-1&api_secret=secret": "stream api_secret",
	} {
		if _, text := send(t, s.URL()+"/debug/mp/collect?"+query, hit); !strings.Contains(text, `"validationMessages":[]`) {
			t.Errorf("%s: told %s", query, text)
		}
		if status, _ := send(t, s.URL()+"/mp/collect?"+query, hit); status != 204 {
			t.Errorf("%s: got %d", query, status)
		}
		if events := s.Received().Events; (events == 1) != (want == "") {
			t.Errorf("%s: kept %d events", query, events)
		}
		if got := rulesOf(s); got != want {
			t.Errorf("%s: broke %q, want %q", query, got, want)
		}
	}
}

func TestGoogleAppStream(t *testing.T) {
	s := startGoogle(t)
	check := func(body, want string) {
		t.Helper()
		if status, _ := send(t, s.URL()+"/mp/collect?firebase_app_id=1:2:android:3&api_secret=app+secret", body); status != 204 {
			t.Errorf("got %d", status)
		}
		if got := rulesOf(s); got != want {
			t.Errorf("%s: broke %q, want %q", body, got, want)
		}
	}
	instance := `"app_instance_id":"0123456789abcdef0123456789ABCDEF"`
	check(`{`+instance+`,"events":[{"name":"screen_view"}]}`, "")
	check(`{"app_instance_id":"0123","events":[{"name":"screen_view"}]}`, "app_instance_id")
	check(`{"client_id":"1.2","events":[{"name":"screen_view"}]}`, "app_instance_id client_id")
	for _, name := range []string{"ad_click", "notification_open", "os_update"} {
		check(`{`+instance+`,"events":[{"name":"`+name+`"}]}`, "event_name")
	}
}

func TestGoogleEnforcesRecommendations(t *testing.T) {
	s := startGoogle(t)
	body := `{"client_id":"1.2","events":[{"name":"purchase","params":{"value":1,"currency":"EUR"}}]}`
	for query, want := range map[string]int{"": 0, "&validation_behavior=RELAXED": 0, "&validation_behavior=ENFORCE_RECOMMENDATIONS": 3} {
		_, text := send(t, s.URL()+"/debug/mp/collect?measurement_id=G-SHOP"+query, body)
		if got := strings.Count(text, "validationCode"); got != want {
			t.Errorf("%q: got %s", query, text)
		}
	}
}

// One bad event of a request is dropped, its neighbours are not, and nobody is told.
func TestGoogleDropsInSilence(t *testing.T) {
	s := startGoogle(t)
	url := s.URL() + "/mp/collect?measurement_id=G-SHOP&api_secret="
	hit := `{"client_id":"1.2","events":[{"name":"a","timestamp_micros":` + micros(1) + `},{"name":"session_start"},{"name":"b"}]}`
	check := func(secret string, events, dropped, doubled uint64) {
		t.Helper()
		if status, text := send(t, url+secret, hit); status != 204 || text != "" {
			t.Errorf("got %d %s", status, text)
		}
		if r := s.Received(); r.Events != events || r.Dropped != dropped || r.Doubled != doubled {
			t.Errorf("%d events, %d dropped, %d doubled, want %d, %d, %d", r.Events, r.Dropped, r.Doubled, events, dropped, doubled)
		}
	}
	check("secret", 2, 1, 0)
	check("wrong", 2, 4, 0)
	check("secret", 4, 5, 2) // sent again: counted again
	s.Misbehave(Fault{Kind: Half, Times: 1}, Fault{Kind: Revoke, Times: 1})
	check("secret", 5, 7, 3)
	check("secret", 5, 10, 3)
}

func TestGoogleDeletion(t *testing.T) {
	s := startGoogle(t)
	check := func(path, token, body string, status int, contains string) {
		t.Helper()
		if got, text := send(t, s.URL()+path, body, "Authorization", "Bearer "+token); got != status || !strings.Contains(text, contains) {
			t.Errorf("%s %s: got %d %s", path, body, got, text)
		}
	}
	const path = "/v1alpha/properties/777:submitUserDeletion"
	check(path, "bearer", `{"clientId":"1.2"}`, 200, "deletionRequestTime")
	check(path, "other", `{"clientId":"1.2"}`, 401, "UNAUTHENTICATED")
	check("/v1alpha/properties/778:submitUserDeletion", "bearer", `{"clientId":"1.2"}`, 403, "PERMISSION_DENIED")
	check(path, "bearer", `{"clientId":""}`, 400, "INVALID_ARGUMENT")
	check(path, "bearer", `{"clientId":"1.2","userId":"a"}`, 400, "INVALID_ARGUMENT")
	check(path, "bearer", `{"client_id":"1.2"}`, 400, "INVALID_ARGUMENT")
	send(t, s.URL()+"/mp/collect?measurement_id=G-SHOP&api_secret=secret", `{"client_id":"1.2","events":[{"name":"a"}]}`)
	if r := s.Received(); r.Deletions != 1 || r.AfterDeletion != 1 {
		t.Errorf("got %d deletions, %d events after one", r.Deletions, r.AfterDeletion)
	}
}

func FuzzGoogle(f *testing.F) {
	f.Add(`{"client_id":"1.2","events":[{"name":"a","params":{"items":[{"item_id":"A"}]}}],"consent":{},"user_properties":{"a":{"value":1}}}`, "measurement_id=G-SHOP&api_secret=secret")
	f.Add(`{"events":[[],{"name":1,"params":[]}]}`, "firebase_app_id=1")
	s := startGoogle(f)
	f.Fuzz(func(t *testing.T, body, query string) {
		r := request(query)
		if a := s.vendor.take(r, []byte(body), Fault{}); a.status != 204 {
			t.Errorf("got %d", a.status)
		}
	})
}
