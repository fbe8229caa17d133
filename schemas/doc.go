// Package schemas holds what every part of Sekisho agrees on: the event model
// and the data category of each of its fields, purposes, outcomes and their
// reasons, and the form in which an enforced event travels through Kafka.
//
// It imports nothing of the project. The model is declared once, in [Model];
// field constants and the published JSON Schema are generated from it.
package schemas

//go:generate go run ./internal/generate
//go:generate go run ./internal/publish
