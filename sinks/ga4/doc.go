// Package ga4 forwards events to Google Analytics 4, through the Measurement
// Protocol, and asks Google to delete users who were reset, through the user
// deletion of the Admin API.
//
// # What becomes of an event
//
//	pageview       page_view on a web stream, screen_view on an app's
//	ad_impression  view_promotion (ad_impression is Google's own name)
//	ad_click       select_promotion
//	conversion     purchase, generate_lead, sign_up by its usual names, else its
//	               own name, made to fit Google's rules
//	custom         its own name, made to fit
//	consent        is not sent
//
// The configuration can give other names. Google drops in silence whatever does
// not keep to its rules, so nothing is sent that does not: names are made to fit,
// texts that are too long are shortened, parameters beyond the 25th are left
// out, and each such change is counted.
//
// Google's requests have flags for advertising, and none for analytics. So an
// event is sent only where analytics was granted, also a conversion whose own
// purpose is advertising; the others are counted as withheld.
//
// # Whose event it is
//
// client_id is the visitor's own _ga where the policy lets Google have it and the
// visitor consented, or else a pseudonym made for Google alone, in the shape of
// Google's ids. A user can be deleted by the pseudonym, since a reset leads to
// it; nothing leads back to a _ga, which nobody keeps. Where deletion is
// configured, events under a _ga therefore bear the pseudonym too, as user_id. It
// is the pseudonym of the _ga, since a browser's reset names its cookies; a reset of
// the visitor id or the account alone does not reach events under a _ga, and that
// it was asked does not say that Google had anything under it.
//
// # Doubles
//
// Google has no deduplication: a request that was taken, but whose answer was
// lost, is counted twice when it is sent again, and lost if not when it was not
// taken. It is sent again, since nobody can tell the two apart; the runner
// counts what may have arrived twice. The parameter event_id, the event's id with
// Google, tells doubles apart in an export to BigQuery.
//
// # What Google does not say
//
// It answers 204 to events that it drops, also for a secret or a measurement id
// that it does not know: nobody can notice from here that an API secret was
// revoked. Compare what was sent (sekisho_forward_events_total) with Google's own
// reports after every change of a secret.
package ga4
