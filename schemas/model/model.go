// Package model declares the event model. Nothing imports it: package schemas
// holds what is generated from it.
package model

// Model declares every field that an event may carry: its name (the `json`
// tag), its data category (the type parameter), its kind (the type), its
// limits and its meaning. It is never instantiated; everything about fields is
// derived from it by `go generate ./schemas`.
//
// Compatibility: fields are appended, never removed, renamed, reordered or
// given another category or kind; what an older event could say, a newer
// reader understands. A change that cannot keep to that raises the version.
//
// Tags: `max` is the longest text in bytes or the largest number; `anonymous`
// says what an anonymised event keeps of the field (nothing when absent):
// "keep" all of it, "address" the page address without what could single a
// user out, "origin" scheme and host, "family" the browser's family and major
// version, "primary" the language without region, "campaign" only when the
// policy's list of kept query parameters has the tag of that name.
type Model struct {
	ID   UUID[UsageHistory]      `json:"id" doc:"Event id, a UUID, best version 7; makes every retry harmless. The collector makes one where it is missing."`
	Type Type[UsageHistory]      `json:"type" anonymous:"keep" doc:"What happened."`
	Site Name[UsageHistory]      `json:"site" max:"64" anonymous:"keep" doc:"The site (service) as the handling policy names it."`
	Time Timestamp[UsageHistory] `json:"time" doc:"When it happened, RFC 3339 with a zone. Taken from a version 7 id, or else the time of receipt, where it is missing."`

	VisitorID     Identifier[TerminalIdentification]  `json:"visitor_id" max:"128" doc:"First-party visitor identifier, from the gateway's own cookie or an app."`
	UserID        Identifier[TerminalIdentification]  `json:"user_id" max:"128" doc:"The site's own account identifier. An e-mail address or a telephone number does not belong here; if one comes, only its pseudonym goes on."`
	SessionID     Identifier[TerminalIdentification]  `json:"session_id" max:"128" doc:"Session identifier."`
	AppInstanceID Identifier[TerminalIdentification]  `json:"app_instance_id" max:"64" doc:"App instance identifier of an app's analytics SDK."`
	GA            Identifier[TerminalIdentification]  `json:"ga" max:"64" doc:"Google's client id, the last two parts of the _ga cookie."`
	FBP           Identifier[TerminalIdentification]  `json:"fbp" max:"128" doc:"Meta's browser id, the _fbp cookie."`
	FBC           Identifier[AdvertisementIdentifier] `json:"fbc" max:"512" doc:"Meta's click id, the _fbc cookie."`
	IDFA          Identifier[AdvertisementIdentifier] `json:"idfa" max:"36" doc:"Apple's advertising identifier. All zero is none."`
	GAID          Identifier[AdvertisementIdentifier] `json:"gaid" max:"36" doc:"Android's advertising identifier. All zero is none."`
	PanelID       Identifier[ResearchPanel]           `json:"panel_id" max:"128" doc:"Research panel membership."`

	Name      Name[UsageHistory] `json:"name" max:"64" anonymous:"keep" doc:"Name of a custom event or conversion."`
	URL       URI[UsageHistory]  `json:"url" max:"4096" anonymous:"address" doc:"Page address."`
	Title     Text[UsageHistory] `json:"title" max:"512" doc:"Page title."`
	Referrer  URI[UsageHistory]  `json:"referrer" max:"4096" anonymous:"origin" doc:"Address of the page that led here."`
	UTMSource Text[UsageHistory] `json:"utm_source" max:"256" anonymous:"campaign" doc:"Campaign source."`
	UTMMedium Text[UsageHistory] `json:"utm_medium" max:"256" anonymous:"campaign" doc:"Campaign medium."`

	UTMCampaign Text[UsageHistory]    `json:"utm_campaign" max:"256" anonymous:"campaign" doc:"Campaign name."`
	UTMTerm     Text[UsageHistory]    `json:"utm_term" max:"256" anonymous:"campaign" doc:"Campaign term."`
	UTMContent  Text[UsageHistory]    `json:"utm_content" max:"256" anonymous:"campaign" doc:"Campaign content."`
	Engagement  Integer[UsageHistory] `json:"engagement_ms" max:"86400000" doc:"Time the page was in view, milliseconds."`
	Scroll      Integer[UsageHistory] `json:"scroll_percent" max:"100" doc:"How far the page was scrolled, percent."`
	OrderID     Text[UsageHistory]    `json:"order_id" max:"128" doc:"The site's own number of an order."`

	ScreenWidth    Integer[UsageEnvironment] `json:"screen_width" max:"65535" doc:"Screen width, CSS pixels."`
	ScreenHeight   Integer[UsageEnvironment] `json:"screen_height" max:"65535" doc:"Screen height, CSS pixels."`
	ViewportWidth  Integer[UsageEnvironment] `json:"viewport_width" max:"65535" doc:"Viewport width, CSS pixels."`
	ViewportHeight Integer[UsageEnvironment] `json:"viewport_height" max:"65535" doc:"Viewport height, CSS pixels."`
	Language       Name[UsageEnvironment]    `json:"language" max:"35" anonymous:"primary" doc:"Language, BCP 47."`
	Timezone       Text[UsageEnvironment]    `json:"timezone" max:"64" doc:"IANA time zone."`
	UserAgent      Text[UsageEnvironment]    `json:"user_agent" max:"1024" anonymous:"family" doc:"User agent; the request's own where it is missing."`
	AppVersion     Text[UsageEnvironment]    `json:"app_version" max:"64" doc:"Version of the app."`

	Country Name[Location] `json:"country" max:"2" doc:"Country, ISO 3166-1 alpha-2."`
	Region  Name[Location] `json:"region" max:"6" doc:"Region, ISO 3166-2 (US-CA)."`

	AgeBand Name[Attribute] `json:"age_band" max:"16" doc:"Age band, such as 30-39."`
	Gender  Name[Attribute] `json:"gender" max:"16" doc:"Gender as the user stated it."`

	AdNetwork   Text[AdvertisementInformation]      `json:"ad_network" max:"128" anonymous:"keep" doc:"Advertising network."`
	AdCampaign  Text[AdvertisementInformation]      `json:"ad_campaign" max:"256" anonymous:"keep" doc:"Advertising campaign."`
	AdCreative  Text[AdvertisementInformation]      `json:"ad_creative" max:"256" anonymous:"keep" doc:"Creative."`
	AdPlacement Text[AdvertisementInformation]      `json:"ad_placement" max:"256" anonymous:"keep" doc:"Placement."`
	AdClickID   Identifier[AdvertisementIdentifier] `json:"ad_click_id" max:"512" doc:"Click identifier, such as gclid."`
	Price       Decimal[AdvertisementInformation]   `json:"price" max:"1000000000000" doc:"Price paid for the advertisement, in currency."`
	Currency    Name[UsageHistory]                  `json:"currency" max:"3" anonymous:"keep" doc:"Currency, ISO 4217."`
	Value       Decimal[UsageHistory]               `json:"value" max:"1000000000000" doc:"Value of a conversion, in currency."`
}

// The kinds of field, each bearing its category.
type (
	// UUID is RFC 9562 text.
	UUID[C Categorised] struct{ _ C }
	// Type is the name of an event type.
	Type[C Categorised] struct{ _ C }
	// Timestamp is RFC 3339 text.
	Timestamp[C Categorised] struct{ _ C }
	// Identifier singles out a terminal or a user; it never leaves the
	// collector as it came, but as a pseudonym.
	Identifier[C Categorised] struct{ _ C }
	// Name is a short text of letters, digits and "_.-".
	Name[C Categorised] struct{ _ C }
	// URI is an absolute http or https address.
	URI[C Categorised] struct{ _ C }
	// Text is any text without control characters.
	Text[C Categorised] struct{ _ C }
	// Integer is a whole number, zero or more.
	Integer[C Categorised] struct{ _ C }
	// Decimal is a number, zero or more.
	Decimal[C Categorised] struct{ _ C }
)

// The categories as types: a field declares its own as a type parameter, so a
// field without one does not compile.
type (
	// UsageEnvironment is browser, screen, language and the like.
	UsageEnvironment struct{}
	// Attribute is what the user is like: age band, gender.
	Attribute struct{}
	// Location is where the terminal is, no finer than a region.
	Location struct{}
	// UsageHistory is what was visited and done.
	UsageHistory struct{}
	// TerminalIdentification is cookies and the like.
	TerminalIdentification struct{}
	// AdvertisementIdentifier is an identifier made for advertising.
	AdvertisementIdentifier struct{}
	// AdvertisementInformation is which advertisement was shown, at what price.
	AdvertisementInformation struct{}
	// ResearchPanel is what members of a research panel agreed to give.
	ResearchPanel struct{}
)

// Categorised is the constraint that a field's type parameter must meet.
type Categorised interface {
	UsageEnvironment | Attribute | Location | UsageHistory |
		TerminalIdentification | AdvertisementIdentifier |
		AdvertisementInformation | ResearchPanel
}
