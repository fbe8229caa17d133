// Package parts runs the programs that benchmarks are made of as processes of
// their own.
package parts
