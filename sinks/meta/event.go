package meta

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// appendEvent appends one event of a request's list. It is false when nothing in
// the event could be matched to a user, for which Meta would refuse it.
func (k *Kind) appendEvent(b []byte, e *forward.Event) ([]byte, bool) {
	u := userOf(e)
	if !u.identified {
		return b, false
	}
	currency := strings.ToUpper(e.Get(schemas.Currency))
	if !isCurrency(currency) {
		currency = ""
	}
	at := e.Time
	if now := k.now(); at.After(now) {
		at = now // a client's clock that is fast
	}
	b = forward.AppendText(append(b, '{'), "event_name", k.eventName(e, currency))
	b = forward.AppendRaw(b, "event_time", strconv.FormatInt(at.Unix(), 10))
	b = forward.AppendText(b, "event_id", e.ID)
	address := e.Get(schemas.URL)
	if !isAddress(address) {
		address = ""
	}
	b = forward.AppendText(b, "action_source", source(address, u))
	if address != "" {
		b = forward.AppendText(b, "event_source_url", address)
	}
	if referrer := e.Get(schemas.Referrer); isAddress(referrer) {
		b = forward.AppendText(b, "referrer_url", referrer)
	}
	if u.app.version != "" {
		b = u.app.append(append(b, `,"app_data":`...), e)
	}
	b = u.append(append(b, `,"user_data":{`...))
	b = k.custom(append(b, `},"custom_data":{`...), e, currency)
	return append(limited(append(b, '}'), e), '}'), true
}

// source says where the event happened. Of a website Meta wants both the page
// and the browser, of an app what it runs on.
func source(address string, u user) string {
	switch {
	case u.app.version != "":
		return "app"
	case address != "" && u.agent != "":
		return "website"
	}
	return "other"
}

// limited says whether the event is for limited data use, and by which state's law
// where the jurisdiction is of a state whose number is known. Country and state 0
// leave it to Meta where that holds, which never widens it.
func limited(b []byte, e *forward.Event) []byte {
	switch {
	case !e.Flags.Has(schemas.LimitedDataUse):
		return append(b, `,"data_processing_options":[]`...)
	case e.Place == "US-CA":
		return append(b, `,"data_processing_options":["LDU"],"data_processing_options_country":1,"data_processing_options_state":1000`...)
	}
	return append(b, `,"data_processing_options":["LDU"],"data_processing_options_country":0,"data_processing_options_state":0`...)
}

// isAddress reports whether Meta would take it for an address.
func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && u.Host != ""
}

func isCurrency(code string) bool {
	for i := 0; i < len(code); i++ {
		if code[i] < 'A' || code[i] > 'Z' {
			return false
		}
	}
	return len(code) == 3
}

// usual are the standard events by what sites usually call them.
var usual = map[string]string{
	"order":              "Purchase",
	"purchase":           "Purchase",
	"lead":               "Lead",
	"generate_lead":      "Lead",
	"signup":             "CompleteRegistration",
	"sign_up":            "CompleteRegistration",
	"registration":       "CompleteRegistration",
	"view_item":          "ViewContent",
	"view_content":       "ViewContent",
	"add_to_cart":        "AddToCart",
	"add_to_wishlist":    "AddToWishlist",
	"checkout":           "InitiateCheckout",
	"begin_checkout":     "InitiateCheckout",
	"add_payment_info":   "AddPaymentInfo",
	"search":             "Search",
	"subscribe":          "Subscribe",
	"start_trial":        "StartTrial",
	"contact":            "Contact",
	"schedule":           "Schedule",
	"donate":             "Donate",
	"find_location":      "FindLocation",
	"submit_application": "SubmitApplication",
	"customize_product":  "CustomizeProduct",
}

// eventName returns Meta's name of the event.
func (k *Kind) eventName(e *forward.Event, currency string) string {
	switch e.Type {
	case schemas.Pageview:
		return "PageView"
	case schemas.AdImpression:
		return "AdImpression"
	case schemas.AdClick:
		return "AdClick"
	}
	own := e.Get(schemas.Name)
	name := k.config.Events[own]
	if name == "" {
		name = usual[own]
	}
	if name == "" {
		name = own
	}
	switch {
	case name == "":
		return "Conversion"
	case name == "Purchase" && (currency == "" || e.Get(schemas.Value) == ""):
		k.count("purchase_without_value")
		name = strings.ToLower(own)
	}
	if len(name) > maxName { // which is of ASCII
		k.count("renamed")
		name = name[:maxName]
	}
	return name
}

// reserved are the members of custom_data that Meta reads; a site's own property
// of such a name would be taken for them.
var reserved = map[string]bool{
	"value": true, "currency": true, "order_id": true, "content_name": true, "content_category": true, "content_ids": true,
	"contents": true, "content_type": true, "num_items": true, "predicted_ltv": true, "search_string": true, "status": true,
	"delivery_category": true, "custom_properties": true, "item_number": true,
}

// custom writes the members of custom_data.
func (k *Kind) custom(b []byte, e *forward.Event, currency string) []byte {
	value := e.Get(schemas.Value)
	if currency != "" && value != "" {
		b = forward.AppendText(b, "currency", currency)
		b = forward.AppendRaw(b, "value", value)
	} else if value != "" {
		k.count("parameter_left_out") // a value of unknown currency
	}
	if price := e.Get(schemas.Price); price != "" { // paid for the advertisement: no worth of the event
		b = forward.AppendRaw(b, "ad_price", price)
	}
	if id, ok := e.Own(schemas.OrderID); ok {
		b = forward.AppendText(b, "order_id", id)
	} else if order, ok := e.Pseudonym(schemas.OrderID); ok {
		b = forward.AppendText(b, "order_id", order.Hex())
	}
	for _, m := range [...]struct {
		name  string
		field schemas.Field
	}{
		{"content_name", schemas.Title}, {"ad_network", schemas.AdNetwork}, {"ad_campaign", schemas.AdCampaign},
		{"ad_creative", schemas.AdCreative}, {"ad_placement", schemas.AdPlacement},
		{"utm_source", schemas.UTMSource}, {"utm_medium", schemas.UTMMedium}, {"utm_campaign", schemas.UTMCampaign},
		{"utm_term", schemas.UTMTerm}, {"utm_content", schemas.UTMContent},
	} {
		if text := e.Get(m.field); text != "" {
			b = forward.AppendText(b, m.name, text)
		}
	}
	return k.properties(b, e)
}

// properties writes the site's own, each once.
func (k *Kind) properties(b []byte, e *forward.Event) []byte {
	var names [schemas.MaxProperties]string
	written := names[:0]
	for i := range e.Properties {
		p := &e.Properties[i]
		name := p.Name
		if reserved[name] || strings.HasPrefix(name, "utm_") || strings.HasPrefix(name, "ad_") {
			name = "site_" + name
			k.count("renamed")
		}
		if slices.Contains(written, name) {
			k.count("parameter_left_out")
			continue
		}
		written = append(written, name)
		if p.Kind == schemas.PropertyText {
			b = forward.AppendText(b, name, p.Text)
		} else {
			b = forward.AppendRaw(b, name, p.Text)
		}
	}
	return b
}
