package standin

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"regexp"
	"time"
)

// Meta is what the stand-in of Meta knows.
type Meta struct {
	// Pixel that may be written to, and the access token that may.
	Pixel, Token string
	// TestCode, if set, is the test_event_code whose events do not count.
	TestCode string
}

// deduplication is how long Meta knows an event again.
const deduplication = 48 * time.Hour

// StartMeta starts a stand-in of Meta's Conversions API: /v{N}.0/{pixel}/events.
func StartMeta(o Options, m Meta) (*Server, error) {
	r := newRecorder("meta", &o)
	return start(o, &meta{Meta: m, recorder: r}, r)
}

type meta struct {
	Meta
	*recorder
}

func (*meta) name() string { return "meta" }

var eventsPath = regexp.MustCompile(`^/v([0-9]{1,3})\.0/([0-9]+)/events$`)

// take takes a batch as a whole, or refuses it as a whole.
func (m *meta) take(r *http.Request, body []byte, f Fault) answer {
	path := eventsPath.FindStringSubmatch(r.URL.Path)
	if path == nil || r.Method != http.MethodPost {
		m.violate(Violation{Rule: "path", Path: r.URL.Path, Message: "there is nothing here"})
		return *graphError(http.StatusNotFound, 2500, "OAuthException", "Unknown path components")
	}
	value, doubled, err := parse(body)
	request, ok := value.(object)
	if err != nil || !ok {
		m.violate(Violation{Rule: "json", Message: "the body must be a JSON object"})
		return *graphError(http.StatusBadRequest, 100, "OAuthException", "Invalid parameter")
	}
	if path[2] != m.Pixel {
		m.violate(Violation{Rule: "pixel", Path: r.URL.Path, Message: "not a pixel of the token's"})
		return *graphError(http.StatusBadRequest, 100, "GraphMethodException", "Unsupported post request. Object does not exist or cannot be loaded due to missing permissions")
	}
	token := r.URL.Query().Get("access_token")
	if inBody, ok := request["access_token"].(string); ok {
		token = inBody
	}
	if f.Kind == Revoke || subtle.ConstantTimeCompare([]byte(token), []byte(m.Token)) != 1 {
		return *graphError(http.StatusBadRequest, 190, "OAuthException", "Error validating access token: The session has been invalidated")
	}
	c := checkMeta(request, m.now())
	for _, name := range doubled {
		c.violate("duplicate_name", name, "a name must stand once in an object")
	}
	if len(c.violations) > 0 {
		m.violate(c.violations...)
		m.count(func(r *Received) { r.Dropped += uint64(len(c.events)) })
		refusal := graphError(http.StatusBadRequest, 100, "OAuthException", "Invalid parameter")
		refusal.body.(graphAnswer).Error.Subcode = c.subcode
		return *refusal
	}
	if code, _ := request["test_event_code"].(string); code != "" && code == m.TestCode {
		return received(len(c.events))
	}
	events := c.events
	if f.Kind == Half {
		events = events[:len(events)/2]
	}
	for _, event := range events {
		m.keepEvent(event)
	}
	return received(len(events))
}

// metaIdentifiers are the members of user_data that single a person out.
var metaIdentifiers = []string{"external_id", "fbp", "fbc", "madid", "anon_id", "em", "ph", "subscription_id", "fb_login_id", "lead_id", "app_user_id"}

func (m *meta) keepEvent(event object) {
	name, _ := event["event_name"].(string)
	user, _ := event["user_data"].(object)
	for _, kind := range metaIdentifiers {
		for _, id := range texts(user[kind]) {
			m.identifier(kind, id)
		}
	}
	custom, _ := event["custom_data"].(object)
	if order, ok := custom["order_id"].(string); ok {
		m.identifier("order_id", order)
	}
	id, _ := event["event_id"].(string)
	if id != "" {
		m.identifier("event_id", id)
		if m.again(name+"\x00"+id, deduplication) {
			m.count(func(r *Received) { r.Deduplicated++ })
			return
		}
	} else {
		text, _ := json.Marshal(event)
		if m.again(string(text), 0) {
			m.count(func(r *Received) { r.Doubled++ })
		}
	}
	m.event(name)
}

// texts returns a text, or the texts of a list.
func texts(v any) (list []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			if text, ok := item.(string); ok {
				list = append(list, text)
			}
		}
	}
	return list
}

func received(n int) answer {
	return answer{status: http.StatusOK, body: map[string]any{"events_received": n, "messages": []string{}, "fbtrace_id": trace()}}
}

type graphAnswer struct {
	Error *graphFailure `json:"error"`
}

type graphFailure struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Code    int    `json:"code"`
	Subcode int    `json:"error_subcode,omitempty"`
	Trace   string `json:"fbtrace_id"`
}

// graphError is an error of the Graph API.
func graphError(status, code int, kind, message string) *answer {
	return &answer{status: status, body: graphAnswer{&graphFailure{Message: message, Type: kind, Code: code, Trace: trace()}}}
}

func trace() string {
	var id [8]byte
	rand.Read(id[:])
	return "A" + hex.EncodeToString(id[:])
}
