// Package standin has servers that stand in for the third parties, where these
// cannot be reached or must not be: Google Analytics 4 (Measurement Protocol and
// the user deletion of its Admin API), Meta (Conversions API) and a webhook
// receiver (Standard Webhooks).
//
// A stand-in holds every request against the vendor's published rules and
// counts what breaks them, answers as the vendor does (Google drops in silence,
// Meta refuses a batch for one bad event), and can be told to misbehave; see
// [Fault]. It knows nothing of the forwarders: the rules are written down here
// a second time, from the vendors' documents, so that each checks the other.
//
// Besides the vendor's own paths each serves GET / (a page), GET /received
// (JSON) and PUT /script (a list of faults).
package standin
