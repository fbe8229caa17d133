// Package traffic makes believable traffic for `sekisho demo`: visitors of
// several sites who accept, decline, change their mind, ask to be forgotten,
// and clients that send nonsense. It keeps a ledger of what the collector
// answered and holds it against ClickHouse.
package traffic
