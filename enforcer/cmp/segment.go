package cmp

// DecodeSegment decodes the category object of Segment-style SDKs, in an event
// context.consent.categoryPreferences: a JSON object of categories, each true
// or false. It is the user's choice as the site states it.
//
// As there, it is Exhaustive: of an empty object nothing is granted.
func (c *Choices) DecodeSegment(value string) error {
	c.reset(Segment)
	return c.done(c.segment(value))
}

func (c *Choices) segment(value string) Error {
	r := c.read(value)
	r.begin('{')
	for r.more('}') {
		category := r.key()
		granted := r.boolean()
		if r.failed == 0 {
			r.fail(c.add(category, granted))
		}
	}
	c.Exhaustive = true
	c.settle(true)
	return r.end()
}
