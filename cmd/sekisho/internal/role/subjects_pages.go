package role

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"sekisho/cmd/sekisho/internal/resetfile"
)

// maxIdentifiers is the most that one request may ask about. A file of many is
// for the command.
const maxIdentifiers = 1000

// Pages are what the admin listener serves of it: POST /export and POST /erase
// with {"by": "who asks", "identifiers": [{"kind": "visitor_id", "id": "…"}]}.
func (s *Subjects) Pages() []Page {
	return []Page{{"POST /export", http.HandlerFunc(s.serveExport)}, {"POST /erase", http.HandlerFunc(s.serveErase)}}
}

func (s *Subjects) serveExport(w http.ResponseWriter, r *http.Request) {
	actor, identifiers, err := readSubjects(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	answer := &counted{ResponseWriter: w}
	if err := s.Export(r.Context(), actor, identifiers, answer); err != nil {
		if answer.written {
			panic(http.ErrAbortHandler) // half an export must not look like a whole one
		}
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	}
}

func (s *Subjects) serveErase(w http.ResponseWriter, r *http.Request) {
	actor, identifiers, err := readSubjects(w, r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	ticket, _, err := s.Erase(r.Context(), actor, identifiers)
	if ticket == "" {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_ = json.NewEncoder(w).Encode(map[string]any{"status": "accepted", "identifiers": len(identifiers), "ticket": ticket}) // the client is gone, or it is not
}

// counted knows whether something was answered already.
type counted struct {
	http.ResponseWriter
	written bool
}

func (c *counted) Write(b []byte) (int, error) {
	c.written = true
	return c.ResponseWriter.Write(b)
}

var errSubjects = errors.New(`the body must be {"by": "who asks", "identifiers": [{"kind": "...", "id": "..."}]}`)

func readSubjects(w http.ResponseWriter, r *http.Request) (actor string, identifiers []resetfile.Identifier, err error) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	var body struct {
		By          string                      `json:"by"`
		Identifiers []struct{ Kind, ID string } `json:"identifiers"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&body) != nil || decoder.More() || len(body.Identifiers) == 0 {
		return "", nil, errSubjects
	}
	if body.By == "" {
		return "", nil, errNoActor
	}
	if len(body.Identifiers) > maxIdentifiers {
		return "", nil, fmt.Errorf("at most %d identifiers at a time", maxIdentifiers)
	}
	for i, one := range body.Identifiers {
		identifier, err := resetfile.Parse(one.Kind, one.ID)
		if err != nil {
			return "", nil, fmt.Errorf("identifiers[%d]: %w", i, err)
		}
		if identifier.Normal != "" {
			identifiers = append(identifiers, identifier)
		}
	}
	if len(identifiers) == 0 {
		return "", nil, errors.New("an advertising identifier of zeros is none")
	}
	return body.By, identifiers, nil
}
