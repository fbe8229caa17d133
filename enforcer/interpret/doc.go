// Package interpret tells people what a consent signal says: it names the kind
// of a value by its form and describes it. It uses the decoders that the
// enforcer decides with, so that it cannot tell anything else.
//
// It is for tools, not for the hot path. No error repeats what was given.
package interpret
