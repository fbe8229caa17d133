package cmp

import (
	"strings"

	"sekisho/schemas"
)

// DecodeUsercentrics decodes what a page or app forwards of Usercentrics, which
// keeps its consent out of the server's sight. It takes JSON of these forms:
//
//   - uc_settings of the local storage, an object with a list of services;
//   - the SDK's list of services: UC_UI.getServicesBaseInfo, or the consents of
//     the mobile SDKs;
//   - an object of services by id, with consent.given: the details of version 3.
//
// Categories are the services' ids, and the slugs of their categories, which
// are granted only if every service of theirs is. A service is granted by the
// user's own choice where its type, or that of the last entry of its history,
// is explicit. Otherwise a grant is the default: silence.
func (c *Choices) DecodeUsercentrics(value string) error {
	c.reset(Usercentrics)
	return c.done(c.usercentrics(value))
}

func (c *Choices) usercentrics(value string) Error {
	r := c.read(value)
	if r.peek() == '[' {
		c.services(&r)
		return r.end()
	}
	seen := false
	r.begin('{')
	for r.more('}') {
		if r.key() != "services" {
			r.skip()
			continue
		}
		if seen {
			r.fail(ErrDuplicate)
		}
		seen = true
		c.services(&r)
	}
	if e := r.end(); e != 0 || seen {
		return e
	}
	return ErrIncomplete
}

// services reads services, in a list or by their ids.
func (c *Choices) services(r *reader) {
	if r.peek() == '{' {
		r.begin('{')
		for r.more('}') {
			s := service{id: r.key()}
			s.read(r)
			c.service(r, &s)
		}
		return
	}
	r.begin('[')
	for r.more(']') {
		var s service
		s.read(r)
		c.service(r, &s)
	}
}

// service takes what was read of a service.
func (c *Choices) service(r *reader, s *service) {
	switch {
	case r.failed != 0:
		return
	case s.id == "" || !s.said:
		r.fail(ErrIncomplete)
		return
	case c.find(s.id) != nil:
		r.fail(ErrDuplicate)
		return
	}
	answer := schemas.Silent
	switch {
	case s.refused:
		answer = schemas.Refused
	case s.explicit && !s.implicit:
		answer = schemas.Granted
	}
	c.Explicit = c.Explicit || s.explicit && !s.implicit
	r.fail(c.put(s.id, answer))
	if s.category != "" {
		r.fail(c.merge(s.category, answer))
	}
}

// merge takes one of several answers for a category: the most restrictive.
func (c *Choices) merge(category string, answer schemas.Answer) Error {
	found := c.find(category)
	switch {
	case found == nil:
		return c.put(category, answer)
	case answer == schemas.Refused, answer == schemas.Silent && found.answer == schemas.Granted:
		found.answer = answer
	}
	return 0
}

// service is what the members of a service say.
type service struct {
	id, category       string
	said, refused      bool // a status was there; one was false
	explicit, implicit bool
}

// read reads a service, or its consent, or an entry of its history: they share
// their members' names.
func (s *service) read(r *reader) {
	r.begin('{')
	for r.more('}') {
		switch r.key() {
		case "id", "templateId":
			s.name(r, &s.id)
		case "categorySlug":
			s.name(r, &s.category)
		case "status", "given":
			s.refused = !r.boolean() || s.refused
			s.said = true
		case "type":
			s.kind(r)
		case "consent":
			s.read(r)
		case "history":
			s.history(r)
		default:
			r.skip()
		}
	}
}

// name reads a name, which may be there twice if it is the same.
func (s *service) name(r *reader, name *string) {
	text := r.text()
	if *name != "" && *name != text {
		r.fail(ErrDuplicate)
	}
	*name = text
}

// kind reads how consent was given; Usercentrics writes it in either case.
func (s *service) kind(r *reader) {
	if r.peek() != '"' {
		r.skip()
		return
	}
	if strings.EqualFold(r.text(), "explicit") {
		s.explicit = true
	} else {
		s.implicit = true
	}
}

// history reads the history, of which the last entry is in force.
func (s *service) history(r *reader) {
	var last service
	r.begin('[')
	for r.more(']') {
		last = service{}
		last.read(r)
	}
	s.refused = s.refused || last.refused
	s.explicit = s.explicit || last.explicit
	s.implicit = s.implicit || last.implicit
}
