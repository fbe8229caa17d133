// Package strict reads the configuration and the handling policy, both YAML,
// into Go structs, and refuses whatever it does not fully understand: an
// unknown key, a wrong type, a duplicate, an alias, an empty value. A typo in a
// consent policy must stop the start, never change what is enforced.
//
// A struct says what is allowed by its fields:
//
//	type Kafka struct {
//		Brokers []string        `yaml:"brokers" required:"true" doc:"Addresses of the brokers, host:port."`
//		Linger  time.Duration   `yaml:"linger" doc:"How long a batch may wait to fill."`
//		Batch   strict.Size     `yaml:"batch"`
//		TLS     *TLS            `yaml:"tls" doc:"Off when left out."`
//	}
//
// Every exported field bears a snake_case name, or yaml:"-" to be left alone.
// Its type is a bool, an integer, a float64, a string, a [time.Duration], a
// [Secret], anything that implements [encoding.TextUnmarshaler] ([Size], [Date]
// and enumerations), a slice, a map whose keys are texts, a struct, or a pointer
// to one of these, nil meaning that the key was left out. A type outside this
// list, or one that contains itself, is a programmer's mistake and panics.
//
// What the struct holds beforehand are the defaults. Sections are merged into
// them key by key; a list or a map in the document replaces its default whole.
//
// A type may say more about itself:
//
//   - SetDefaults() fills a section that is made anew: an element of a list or
//     a map, or what a pointer points to.
//   - Validate(*Check) reports what the types alone cannot say.
//   - Allowed() []string lists the values of an enumeration, Pattern() string
//     gives a regular expression for its text; both are for messages and for
//     [JSONSchema], and agree with UnmarshalText.
package strict
