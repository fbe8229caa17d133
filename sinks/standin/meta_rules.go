package standin

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// Meta's limits of the Conversions API.
const (
	metaEvents     = 1000
	metaAge        = 7 * 24 * time.Hour
	metaStoreAge   = 62 * 24 * time.Hour
	metaAhead      = time.Minute // own rule: a clock may be wrong by that much
	tooOldSubcode  = 2804003
	missingSubcode = 2804050
)

// metaCheck is a batch that is being checked.
type metaCheck struct {
	events     []object
	violations []Violation
	subcode    int
	now        time.Time
}

func (c *metaCheck) violate(rule, path, message string) {
	c.violations = append(c.violations, Violation{Rule: rule, Path: path, Message: message})
}

// checkMeta holds a request against the rules.
func checkMeta(request object, now time.Time) *metaCheck {
	c := &metaCheck{now: now}
	for name := range request {
		if !slices.Contains([]string{"data", "test_event_code", "partner_agent", "access_token", "namespace_id", "upload_id", "upload_tag", "upload_source"}, name) {
			c.violate("unknown_member", name, "the request has no such member")
		}
	}
	list, ok := request["data"].([]any)
	switch {
	case !ok || len(list) == 0:
		c.violate("data", "data", "must be a list of events")
	case len(list) > metaEvents:
		c.violate("too_many", "data", "at most 1000 are taken")
	}
	for i, v := range list {
		event, ok := v.(object)
		if !ok {
			c.violate("event", index("data", i), "must be an object")
			continue
		}
		c.events = append(c.events, event)
		c.event(index("data", i), event)
	}
	return c
}

var (
	actionSources = []string{
		"website", "app", "email", "phone_call", "chat", "physical_store", "system_generated", "business_messaging", "other",
	}
	metaMembers = []string{
		"event_name", "event_time", "action_source", "user_data", "event_source_url", "event_id", "custom_data", "opt_out",
		"data_processing_options", "data_processing_options_country", "data_processing_options_state", "referrer_url",
		"original_event_data", "attribution_data", "app_data", "advertiser_tracking_enabled", "customer_segmentation",
	}
)

func (c *metaCheck) event(path string, event object) {
	for name := range event {
		if !slices.Contains(metaMembers, name) {
			c.violate("unknown_member", path+"."+name, "an event has no such member")
		}
	}
	name, _ := event["event_name"].(string)
	if name == "" {
		c.violate("event_name", path+".event_name", "is required")
	}
	source, _ := event["action_source"].(string)
	if !slices.Contains(actionSources, source) {
		c.violate("action_source", path+".action_source", "is required, and one of Meta's list")
	}
	c.time(path+".event_time", event["event_time"], source)
	if id, ok := event["event_id"]; ok {
		if text, _ := id.(string); text == "" {
			c.violate("event_id", path+".event_id", "must be text")
		}
	}
	for _, member := range []string{"event_source_url", "referrer_url"} {
		if v, ok := event[member]; ok {
			text, _ := v.(string)
			if u, err := url.Parse(text); err != nil || u.Host == "" {
				c.violate(member, path+"."+member, "must be an address")
			}
		}
	}
	user, ok := event["user_data"].(object)
	if !ok {
		c.violate("user_data", path+".user_data", "is required")
	}
	if source == "website" {
		if event["event_source_url"] == nil {
			c.violate("event_source_url", path+".event_source_url", "is required for website")
		}
		if text, _ := user["client_user_agent"].(string); text == "" {
			c.violate("client_user_agent", path+".user_data.client_user_agent", "is required for website")
		}
	}
	if source == "app" {
		c.app(path+".app_data", event["app_data"])
	} else if user["madid"] != nil {
		c.violate("madid", path+".user_data.madid", "is for events of apps only")
	}
	c.user(path+".user_data", user)
	c.custom(path+".custom_data", name, event["custom_data"])
	c.limited(path, event)
	if v, ok := event["opt_out"]; ok {
		if _, isBool := v.(bool); !isBool {
			c.violate("opt_out", path+".opt_out", "must be true or false")
		}
	}
}

// app checks what is required of an app's event: two answers, and 16 texts of
// which the first is the kind of app and the fifth the version of the system.
func (c *metaCheck) app(path string, v any) {
	data, _ := v.(object)
	for _, name := range []string{"advertiser_tracking_enabled", "application_tracking_enabled"} {
		if n, ok := whole(data[name]); !ok || n != 0 && n != 1 {
			c.violate("app_data", path+"."+name, "must be 0 or 1")
		}
	}
	info, _ := data["extinfo"].([]any)
	if len(info) != 16 || len(texts(data["extinfo"])) != 16 {
		c.violate("app_data", path+".extinfo", "must be 16 texts")
		return
	}
	if info[0] != "a2" && info[0] != "i2" || info[4] == "" {
		c.violate("app_data", path+".extinfo", "must begin with a2 or i2 and have the version of the system")
	}
}

func (c *metaCheck) time(path string, v any, source string) {
	n, ok := number(v)
	seconds := int64(n)
	if !ok || float64(seconds) != n || seconds > 100_000_000_000 {
		c.violate("event_time", path, "must be unix time in whole seconds")
		return
	}
	age, limit := c.now.Sub(time.Unix(seconds, 0)), metaAge
	if source == "physical_store" {
		limit = metaStoreAge
	}
	switch {
	case age > limit:
		c.violate("too_old", path, "is older than Meta takes")
		c.subcode = tooOldSubcode
	case -age > metaAhead:
		c.violate("future", path, "is in the future")
	}
}

var (
	hashed     = regexp.MustCompile(`^[0-9a-f]{64}$`)
	metaCookie = regexp.MustCompile(`^fb\.[0-2]\.\d{10,13}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]{1,16})?$`)
	advertiser = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`)

	hashedMembers = []string{"em", "ph", "ge", "fn", "ln", "db", "ct", "st", "zp", "country", "external_id", "f5first", "f5last", "fi", "dobd", "dobm", "doby"}
	plainMembers  = []string{
		"client_ip_address", "client_user_agent", "fbc", "fbp", "subscription_id", "fb_login_id", "lead_id", "madid", "anon_id",
		"app_user_id", "page_id", "ctwa_clid", "page_scoped_user_id", "ig_account_id", "ig_sid",
	}
)

// user checks that what must be hashed is, and that what must not is not.
// external_id may be sent in the clear; here it must be hashed, as Meta advises.
func (c *metaCheck) user(path string, user object) {
	identified := false
	for name, v := range user {
		at := path + "." + name
		switch {
		case slices.Contains(hashedMembers, name):
			list := texts(v)
			if len(list) == 0 || slices.ContainsFunc(list, func(text string) bool { return !hashed.MatchString(text) }) {
				c.violate("unhashed", at, "must be SHA-256, 64 lower-case hexadecimal digits")
			}
		case !slices.Contains(plainMembers, name):
			c.violate("unknown_member", at, "user_data has no such member")
		default:
			c.plain(at, name, v)
		}
		identified = identified || name != "client_user_agent" && name != "country" && name != "client_ip_address"
	}
	if user != nil && !identified {
		c.violate("user_data", path, "nothing in it can be matched")
		c.subcode = missingSubcode
	}
}

func (c *metaCheck) plain(path, name string, v any) {
	text, ok := v.(string)
	if !ok || text == "" {
		c.violate(name, path, "must be text")
		return
	}
	switch name {
	case "fbp", "fbc":
		if !metaCookie.MatchString(text) {
			c.violate(name, path, "must be fb.<index>.<milliseconds>.<value>")
		}
	case "madid":
		if !advertiser.MatchString(text) || text == "00000000-0000-0000-0000-000000000000" {
			c.violate(name, path, "must be a lower-case UUID other than zero")
		}
	case "client_user_agent", "client_ip_address":
	default:
		if hashed.MatchString(text) {
			c.violate(name, path, "must not be hashed")
		}
	}
}

func (c *metaCheck) custom(path, event string, v any) {
	custom, ok := v.(object)
	if v != nil && !ok {
		c.violate("custom_data", path, "must be an object")
		return
	}
	if value, ok := custom["value"]; ok {
		if n, isNumber := number(value); !isNumber || n < 0 {
			c.violate("value", path+".value", "must be a number, zero or more")
		}
	}
	if code, ok := custom["currency"]; ok {
		if text, _ := code.(string); !currency.MatchString(text) {
			c.violate("currency", path+".currency", "must be three capital letters of ISO 4217")
		}
	}
	if event == "Purchase" && (custom["value"] == nil || custom["currency"] == nil) {
		c.violate("purchase", path, "a Purchase needs value and currency")
		c.subcode = missingSubcode
	}
	contents, _ := custom["contents"].([]any)
	for i, v := range contents {
		if item, _ := v.(object); item["id"] == nil || item["quantity"] == nil {
			c.violate("contents", index(path+".contents", i), "needs id and quantity")
		}
	}
}

// limited checks limited data use: the options are [] or ["LDU"], country and
// state come together, and a state of California is in the United States.
func (c *metaCheck) limited(path string, event object) {
	v, has := event["data_processing_options"]
	list, ok := v.([]any)
	if has && (!ok || len(list) > 1 || len(list) == 1 && list[0] != "LDU") {
		c.violate("data_processing_options", path+".data_processing_options", `must be [] or ["LDU"]`)
	}
	country, hasCountry := event["data_processing_options_country"]
	state, hasState := event["data_processing_options_state"]
	if !hasCountry && !hasState {
		user, _ := event["user_data"].(object)
		if len(list) == 1 && user["client_ip_address"] == nil {
			c.violate("data_processing_options", path, "without country and state Meta needs the client's address to locate it")
		}
		return
	}
	cn, okCountry := whole(country)
	sn, okState := whole(state)
	switch {
	case !has || hasCountry != hasState:
		c.violate("data_processing_options", path, "options, country and state come together")
	case !okCountry || cn != 0 && cn != 1:
		c.violate("data_processing_options", path+".data_processing_options_country", "must be 0 or 1")
	case !okState || sn != 0 && sn < 1000:
		c.violate("data_processing_options", path+".data_processing_options_state", "must be 0 or the number of a state")
	case (cn == 0) != (sn == 0):
		c.violate("data_processing_options", path, "country "+strconv.FormatInt(cn, 10)+" and this state do not go together")
	}
}
