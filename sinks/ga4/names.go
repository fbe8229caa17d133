package ga4

import (
	"slices"
	"strings"

	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// Longest names, in characters.
const (
	maxName  = 40
	maxText  = 100
	longText = 500 // of Analytics 360
)

// usual are the names that Google gives to what sites usually call so.
var usual = map[string]string{
	"order":        "purchase",
	"lead":         "generate_lead",
	"signup":       "sign_up",
	"registration": "sign_up",
}

// eventName returns Google's name of the event, "" when Google has no use for it.
func (k *Kind) eventName(e *forward.Event, app bool) string {
	own := e.Get(schemas.Name)
	switch e.Type {
	case schemas.Pageview:
		if app {
			return "screen_view"
		}
		return "page_view"
	case schemas.AdImpression:
		return "view_promotion"
	case schemas.AdClick:
		return "select_promotion"
	case schemas.Conversion, schemas.Custom:
		if name, ok := k.config.Events[own]; ok {
			return name
		}
		if name, ok := usual[own]; ok && e.Type == schemas.Conversion {
			return name
		}
		if own == "" {
			own = e.Type.String()
		}
		name := fit(own)
		if !isEventName(name, app) {
			name = fit("site_" + name)
		}
		if name != own {
			k.count("renamed")
		}
		return name
	}
	return ""
}

// fit makes a name of letters, digits and _, with a letter first.
func fit(name string) string {
	b := make([]byte, 0, maxName)
	for i := 0; i < len(name) && len(b) < maxName; i++ {
		c := name[i]
		if !isLetter(c) && (c < '0' || c > '9') {
			c = '_'
		}
		if len(b) == 0 && !isLetter(c) {
			b = append(b, "e_"...)
		}
		b = append(b, c)
	}
	if len(b) > maxName {
		b = b[:maxName]
	}
	return string(b)
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// isEventName reports whether Google takes an event of that name from outside.
func isEventName(name string, app bool) bool {
	return isName(name) && !slices.Contains(reserved, name) &&
		!(app && (slices.Contains(reservedApp, name) || hasPrefix(name, "dynamic_link_", "firebase_in_app_message_", "notification_")))
}

// isName reports whether it is a name that Google takes of anything.
func isName(name string) bool {
	if name == "" || len(name) > maxName || !isLetter(name[0]) || hasPrefix(name, "ga_", "google_", "firebase_") {
		return false
	}
	for i := 0; i < len(name); i++ {
		if c := name[i]; !isLetter(c) && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

func hasPrefix(name string, prefixes ...string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

// Google's own names of events.
var (
	reserved = []string{
		"ad_impression", "app_remove", "app_store_refund", "app_store_subscription_cancel", "app_store_subscription_renew",
		"error", "first_open", "first_visit", "in_app_purchase", "session_start", "user_engagement",
	}
	reservedApp = []string{
		"ad_activeview", "ad_click", "ad_exposure", "ad_query", "ad_reward", "adunit_exposure", "app_clear_data",
		"app_exception", "app_install", "app_update", "app_upgrade", "firebase_campaign", "os_update",
	}
)
