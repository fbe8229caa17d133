// Package cases is golden cases of handling policies: events with the verdicts
// that are expected of them, and what becomes of them under two policies.
package cases
