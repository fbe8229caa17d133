// Package meta forwards events to Meta's Conversions API.
//
// # What becomes of an event
//
//	pageview       PageView
//	ad_impression  AdImpression, a custom event
//	ad_click       AdClick, a custom event
//	conversion     Purchase, Lead, AddToCart … by their usual names, else its own
//	custom         likewise
//	consent        is not sent
//
// The configuration can give other names. A Purchase needs a value and a
// currency; one without them goes under its own name.
//
// # Deduplication
//
// Meta takes two events of one name and event_id within 48 hours for one, also
// when the other came from its pixel. event_id is the event's id where the policy
// lets Meta have it (identifiers: [id]), which a page can give to the pixel as
// eventID; or else an id made for Meta alone, by which it still recognises what is
// sent a second time.
//
// # Whose event it is
//
// external_id is a pseudonym made for Meta alone, hashed as Meta wants it; _fbp,
// _fbc and an app's advertising identifier are sent where the policy lets Meta
// have them. Events have no e-mail addresses, telephone numbers or names, nor
// addresses of the network, so none is sent. Meta cannot be asked to forget
// one user: resets are unsupported.
//
// # One bad event
//
// Meta refuses a whole request for one bad event. What it would refuse is not
// sent; what it refuses all the same, the runner finds by halves.
package meta
