// Package webhook sends events to a receiver of one's own choice, as signed JSON
// (Standard Webhooks).
//
// A request has the headers webhook-id, webhook-timestamp (Unix seconds) and
// webhook-signature: for each secret "v1," and, in base64, HMAC-SHA-256 over
// "ID.TIMESTAMP.BODY". Receivers check one of the signatures in constant time,
// refuse timestamps far from now, and take a webhook-id that they know for done.
// Its body is
//
//	{"type":"sekisho.events","data":[{"id":"…","type":"pageview","site":"…","time":"…",…},…]}
//
// with the fields of the event model that the recipient may have, under their own
// names. Identifiers are pseudonyms made for this recipient, but those that the
// policy lets it have as they came. The flags ad_user_data, ad_personalization
// and limited_data_use are the verdict's.
//
// The webhook-id is made of the events: a request that is sent again has the same
// one. After a restart events may be cut into other requests; then the events' own
// ids tell which are known.
//
// A reset is passed on as {"type":"sekisho.reset","data":{"field":"visitor_id",
// "identifiers":["…"]}} where the configuration says that the receiver takes it:
// it is done when that is answered with 2xx, and partial where the policy lets the
// recipient have that identifier as it came, which nobody here keeps.
package webhook
