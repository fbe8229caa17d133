package role

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"

	"sekisho/ingest"
)

// maxQuestion is the longest body of POST /explain, in bytes.
const maxQuestion = 4 << 20

// explainHandler serves POST /explain: {"event": {…}, "headers": {"Cookie":
// "…"}, "place": "US-CA"}; a header of several lines has a list of texts. It answers what the collector would decide, as JSON
// or, where text/plain is accepted first, as text. Nothing of the question is
// kept or logged.
func explainHandler(x *ingest.Explainer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		q, ok := readQuestion(w, r)
		if !ok {
			http.Error(w, `the body must be {"event": {...}, "headers": {"NAME": "VALUE"}, "place": "..."}, of which the last two may be left out; a header of several lines has a list of values`, http.StatusBadRequest)
			return
		}
		explanation, err := x.Explain(q)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		var answer bytes.Buffer
		kind := "application/json"
		if strings.HasPrefix(r.Header.Get("Accept"), "text/plain") {
			kind = "text/plain; charset=utf-8"
			err = explanation.WriteText(&answer)
		} else {
			err = json.NewEncoder(&answer).Encode(explanation)
		}
		if err != nil {
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(answer.Bytes()) // the client is gone, or it is not
	})
}

func readQuestion(w http.ResponseWriter, r *http.Request) (q ingest.Question, ok bool) {
	var body struct {
		Event   json.RawMessage  `json:"event"`
		Headers map[string]lines `json:"headers"`
		Place   string           `json:"place"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuestion))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&body) != nil || decoder.More() || body.Event == nil {
		return q, false
	}
	q = ingest.Question{Event: body.Event, Headers: http.Header{}, Place: body.Place}
	for name, values := range body.Headers {
		for _, value := range values {
			q.Headers.Add(name, value)
		}
	}
	return q, true
}

// lines are those of a header: a text, or a list of them where it has several.
type lines []string

func (l *lines) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*l = lines{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}
