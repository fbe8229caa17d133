// Package speed measures what Sekisho costs: it runs the real program and what
// it needs as processes of their own, drives them over loopback, and compares
// with what the same machine does without, in the same run.
//
// What depends on the machine's mood is compared within a run only: subjects
// take turns, repetition by repetition, and ratios are of medians.
package speed
