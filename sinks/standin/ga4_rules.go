package standin

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Google's limits of the Measurement Protocol.
const (
	googleBody        = 130_000 // bytes; shorter
	googleEvents      = 25
	googleParams      = 25
	googleProperties  = 25
	googleName        = 40
	googleValue       = 100
	googleLongValue   = 500 // in a property of Analytics 360
	googlePropName    = 24
	googlePropValue   = 36
	googleUserID      = 256
	googleItems       = 200
	googleCustomItem  = 10
	googleBackdating  = 72 * time.Hour
	googleAheadOfTime = 15 * time.Minute // own rule: a clock may be wrong by that much
)

// Google's validation codes.
const (
	valueInvalid   = "VALUE_INVALID"
	valueRequired  = "VALUE_REQUIRED"
	nameInvalid    = "NAME_INVALID"
	nameReserved   = "NAME_RESERVED"
	nameDuplicated = "NAME_DUPLICATED"
	outOfBounds    = "VALUE_OUT_OF_BOUNDS"
	tooMany        = "EXCEEDED_MAX_ENTITIES"
)

// hit is a checked request of the Measurement Protocol.
type hit struct {
	stream     string
	app        bool
	body       object
	client     string
	sent       int      // events in it
	events     []object // those that are right
	broken     bool     // nothing of it is right
	violations []Violation

	strict  bool // ENFORCE_RECOMMENDATIONS
	longest int
	now     time.Time
}

func (h *hit) violate(rule, path, code, message string) {
	h.violations = append(h.violations, Violation{Rule: rule, Path: path, Code: code, Message: message})
}

// breaks is a violation that spoils the whole request.
func (h *hit) breaks(rule, path, code, message string) {
	h.violate(rule, path, code, message)
	h.broken = true
}

// check holds a request against the rules; ids are looked at only by the
// collecting endpoint.
func (g *google) check(r *http.Request, body []byte, strict, ids bool) *hit {
	h := &hit{strict: strict, now: g.now(), longest: googleValue}
	if g.Long {
		h.longest = googleLongValue
	}
	var problem string
	if h.stream, h.app, problem = streamOf(r); problem != "" && ids {
		h.breaks("stream", "", valueInvalid, problem)
	}
	if len(body) >= googleBody {
		h.breaks("body_size", "", outOfBounds, "the body must be shorter than 130 kB")
	}
	value, doubled, err := parse(body)
	var ok bool
	if h.body, ok = value.(object); err != nil || !ok {
		h.breaks("json", "", valueInvalid, "the body must be a JSON object")
		return h
	}
	for _, path := range doubled {
		h.breaks("duplicate_name", path, nameDuplicated, "a name must stand once in an object")
	}
	h.top()
	h.eventList()
	return h
}

// members that a request may have.
var googleMembers = []string{
	"client_id", "app_instance_id", "user_id", "timestamp_micros", "user_properties", "consent", "non_personalized_ads",
	"user_location", "ip_override", "user_agent", "device", "events", "user_data", "validation_behavior",
}

func (h *hit) top() {
	for name := range h.body {
		if !slices.Contains(googleMembers, name) {
			h.breaks("unknown_member", name, nameInvalid, "the request has no such member")
		}
	}
	h.identity()
	if v, ok := h.body["timestamp_micros"]; ok && !h.recent(v, "timestamp_micros") {
		h.broken = true
	}
	if v, ok := h.body["consent"]; ok {
		h.consent(v)
	}
	if v, ok := h.body["user_properties"]; ok {
		h.userProperties(v)
	}
	for _, name := range []string{"ip_override", "user_agent"} {
		if v, ok := h.body[name]; ok {
			if _, isText := v.(string); !isText {
				h.breaks(name, name, valueInvalid, "must be text")
			}
		}
	}
	if v, ok := h.body["non_personalized_ads"]; ok {
		if _, isBool := v.(bool); !isBool {
			h.breaks("non_personalized_ads", "non_personalized_ads", valueInvalid, "must be true or false")
		}
	}
}

var appInstance = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

func (h *hit) identity() {
	needed, other := "client_id", "app_instance_id"
	if h.app {
		needed, other = other, needed
	}
	id, isText := h.body[needed].(string)
	h.client = id
	switch {
	case !isText || id == "":
		h.breaks(needed, needed, valueRequired, "is required for this kind of stream")
	case h.app && !appInstance.MatchString(id):
		h.breaks(needed, needed, valueInvalid, "must be 32 hexadecimal digits")
	}
	if _, ok := h.body[other]; ok {
		h.breaks(other, other, valueInvalid, "belongs to the other kind of stream")
	}
	if v, ok := h.body["user_id"]; ok {
		if id, isText := v.(string); !isText || id == "" || utf8.RuneCountInString(id) > googleUserID {
			h.breaks("user_id", "user_id", outOfBounds, "must be text of 1 to 256 characters")
		}
	}
}

// recent checks a time in microseconds.
func (h *hit) recent(v any, path string) bool {
	micros, ok := whole(v)
	if !ok {
		h.violate("timestamp_micros", path, valueInvalid, "must be a whole number of microseconds")
		return false
	}
	at := time.UnixMicro(micros)
	switch {
	case h.now.Sub(at) > googleBackdating:
		h.violate("too_old", path, outOfBounds, "is more than 72 hours ago")
		return false
	case at.Sub(h.now) > googleAheadOfTime:
		h.violate("future", path, outOfBounds, "is in the future")
		return false
	}
	return true
}

func (h *hit) consent(v any) {
	members, ok := v.(object)
	if !ok {
		h.breaks("consent", "consent", valueInvalid, "must be an object")
		return
	}
	for name, v := range members {
		if name != "ad_user_data" && name != "ad_personalization" {
			h.breaks("consent", "consent."+name, nameInvalid, "consent is of ad_user_data and ad_personalization")
		}
		if v != "GRANTED" && v != "DENIED" {
			h.breaks("consent", "consent."+name, valueInvalid, "must be GRANTED or DENIED")
		}
	}
}

func (h *hit) userProperties(v any) {
	members, ok := v.(object)
	if !ok {
		h.breaks("user_properties", "user_properties", valueInvalid, "must be an object")
		return
	}
	if len(members) > googleProperties {
		h.breaks("user_properties", "user_properties", tooMany, "at most 25 are taken")
	}
	for name, v := range members {
		path := "user_properties." + name
		if slices.Contains(reservedUserProperties, name) || hasReservedPrefix(name) || strings.HasPrefix(name, "_") {
			h.breaks("user_property_name", path, nameReserved, "is reserved")
		} else if !nameShape.MatchString(name) || len(name) > googlePropName {
			h.breaks("user_property_name", path, nameInvalid, "must be a letter, then letters, digits and _, at most 24")
		}
		property, ok := v.(object)
		value, has := property["value"]
		if !ok || !has {
			h.breaks("user_property_value", path, valueRequired, "must be an object with a value")
			continue
		}
		before := len(h.violations)
		h.scalar("user_property_value", path+".value", value, googlePropValue)
		h.broken = h.broken || len(h.violations) > before
	}
}

var nameShape = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

func hasReservedPrefix(name string) bool {
	return slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

func (h *hit) eventList() {
	list, ok := h.body["events"].([]any)
	h.sent = len(list)
	switch {
	case !ok || len(list) == 0:
		h.breaks("events", "events", valueRequired, "must be a list of events")
	case len(list) > googleEvents:
		h.breaks("events", "events", tooMany, "at most 25 are taken")
	}
	for i, v := range list {
		path, before := index("events", i), len(h.violations)
		event, ok := v.(object)
		if !ok {
			h.violate("event", path, valueInvalid, "must be an object")
			continue
		}
		h.event(path, event)
		if len(h.violations) == before {
			h.events = append(h.events, event)
		}
	}
}

func (h *hit) event(path string, event object) {
	for member := range event {
		if member != "name" && member != "params" && member != "timestamp_micros" {
			h.violate("unknown_member", path+"."+member, nameInvalid, "an event has no such member")
		}
	}
	name, _ := event["name"].(string)
	switch {
	case name == "":
		h.violate("event_name", path+".name", valueRequired, "is required")
	case isReserved(name, h.app) || hasReservedPrefix(name):
		h.violate("event_name", path+".name", nameReserved, "is reserved")
	case !nameShape.MatchString(name) || len(name) > googleName:
		h.violate("event_name", path+".name", nameInvalid, "must be a letter, then letters, digits and _, at most 40")
	}
	if v, ok := event["timestamp_micros"]; ok {
		h.recent(v, path+".timestamp_micros")
	}
	v, ok := event["params"]
	params, isObject := v.(object)
	if ok && !isObject {
		h.violate("params", path+".params", valueInvalid, "must be an object")
		return
	}
	h.params(path+".params", name, params)
}

func (h *hit) params(path, event string, params object) {
	if len(params) > googleParams {
		h.violate("params", path, tooMany, "at most 25 are taken")
	}
	for name, value := range params {
		at := path + "." + name
		switch {
		case hasReservedPrefix(name) || strings.HasPrefix(name, "_") || strings.HasPrefix(name, "gtag."):
			h.violate("param_name", at, nameReserved, "is reserved")
		case !nameShape.MatchString(name) || len(name) > googleName:
			h.violate("param_name", at, nameInvalid, "must be a letter, then letters, digits and _, at most 40")
		}
		switch name {
		case "items":
			h.items(at, value)
		case "session_id":
			if n, ok := whole(value); !ok || n <= 0 {
				h.violate("session_id", at, valueInvalid, "must be a whole number above 0")
			}
		case "engagement_time_msec":
			if n, ok := whole(value); !ok || n < 0 {
				h.violate("engagement_time_msec", at, valueInvalid, "must be a whole number of milliseconds")
			}
		case "value", "price", "tax", "shipping":
			if _, ok := number(value); !ok {
				h.violate("value", at, valueInvalid, "must be a number")
			}
		case "currency":
			if text, _ := value.(string); !currency.MatchString(text) {
				h.violate("currency", at, valueInvalid, "must be three capital letters of ISO 4217")
			}
		default:
			h.scalar("param_value", at, value, h.longest)
		}
	}
	if _, ok := params["value"]; ok && params["currency"] == nil {
		h.violate("currency", path+".currency", valueRequired, "is required with value")
	}
	if h.strict {
		h.recommended(path, event, params)
	}
}

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

// recommended are the parameters that ENFORCE_RECOMMENDATIONS asks for.
func (h *hit) recommended(path, event string, params object) {
	needs := map[string][]string{
		"purchase": {"transaction_id", "value", "currency"},
		"refund":   {"transaction_id", "value", "currency"},
	}
	for _, name := range append(needs[event], "session_id", "engagement_time_msec") {
		if params[name] == nil {
			h.violate("recommended", path+"."+name, valueRequired, "is recommended")
		}
	}
}

func (h *hit) items(path string, v any) {
	list, ok := v.([]any)
	if !ok || len(list) > googleItems {
		h.violate("items", path, valueInvalid, "must be a list of at most 200 items")
		return
	}
	for i, v := range list {
		item, _ := v.(object)
		if item["item_id"] == nil && item["item_name"] == nil {
			h.violate("items", index(path, i), valueRequired, "an item needs item_id or item_name")
		}
		custom := 0
		for name, value := range item {
			at := index(path, i) + "." + name
			if hasReservedPrefix(name) {
				h.violate("item_param", at, nameReserved, "is reserved")
			}
			if !slices.Contains(itemParams, name) {
				custom++
			}
			h.scalar("item_param", at, value, h.longest)
		}
		if custom > googleCustomItem {
			h.violate("items", index(path, i), tooMany, "an item has at most 10 parameters of one's own")
		}
	}
}

var itemParams = []string{
	"item_id", "item_name", "affiliation", "coupon", "discount", "index", "item_brand", "item_category", "item_category2",
	"item_category3", "item_category4", "item_category5", "item_list_id", "item_list_name", "item_variant", "location_id",
	"price", "quantity", "promotion_id", "promotion_name", "creative_name", "creative_slot", "currency",
}

// scalar checks that a value is text of at most so many characters, or a number.
func (h *hit) scalar(rule, path string, v any, longest int) {
	switch v := v.(type) {
	case string:
		if utf8.RuneCountInString(v) > longest {
			h.violate(rule, path, outOfBounds, "is too long")
		}
	case json.Number:
	default:
		h.violate(rule, path, valueInvalid, "must be text or a number")
	}
}
