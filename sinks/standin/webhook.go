package standin

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Webhook is what the stand-in of a webhook receiver knows.
type Webhook struct {
	// Secrets with which requests may be signed: one, or two while one replaces
	// the other. Base64, with or without the prefix "whsec_".
	Secrets []string
	// Tolerance of the timestamp; 5 minutes when 0.
	Tolerance time.Duration
}

// StartWebhook starts a receiver of signed webhooks (Standard Webhooks) at any
// path. Events are the members of the list "data" of a JSON object. An object of
// a type that ends in ".reset" asks to delete the users of its data: "field" and
// "identifiers".
func StartWebhook(o Options, w Webhook) (*Server, error) {
	v := &webhook{recorder: newRecorder("webhook", &o), tolerance: w.Tolerance}
	if v.tolerance == 0 {
		v.tolerance = 5 * time.Minute
	}
	for _, secret := range w.Secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
		if err != nil || len(key) < 24 {
			return nil, errors.New("cannot start the stand-in of a webhook receiver: a secret must be base64 of at least 24 bytes")
		}
		v.keys = append(v.keys, key)
	}
	return start(o, v, v.recorder)
}

type webhook struct {
	*recorder
	keys      [][]byte
	tolerance time.Duration
}

func (*webhook) name() string { return "webhook" }

// take verifies the signature before anything else. A webhook-id that was
// handled already is answered as if it were new, and changes nothing.
func (w *webhook) take(r *http.Request, body []byte, f Fault) answer {
	if r.Method != http.MethodPost {
		w.violate(Violation{Rule: "method", Message: "must be POST"})
		return answer{status: http.StatusMethodNotAllowed}
	}
	if f.Kind == Revoke {
		return answer{status: http.StatusUnauthorized}
	}
	id := r.Header.Get("webhook-id")
	if v := w.verify(r.Header, id, body); v != nil {
		w.violate(*v)
		return answer{status: http.StatusUnauthorized}
	}
	message, v := messageOf(body)
	if v != nil {
		w.violate(*v)
		return answer{status: http.StatusBadRequest}
	}
	events, _ := message["data"].([]any)
	if f.Kind == Half {
		w.keep(events[:len(events)/2])
		return answer{status: http.StatusInternalServerError} // the id is not done
	}
	if w.again("message\x00"+id, 0) {
		w.count(func(r *Received) { r.Deduplicated += uint64(len(events)) })
		return answer{status: http.StatusNoContent}
	}
	if data, ok := message["data"].(object); ok {
		w.forget(data)
	}
	w.keep(events)
	return answer{status: http.StatusNoContent}
}

// verify checks what Standard Webhooks lays down.
func (w *webhook) verify(h http.Header, id string, body []byte) *Violation {
	if id == "" || strings.Contains(id, ".") {
		return &Violation{Rule: "webhook-id", Message: "is required, without a dot"}
	}
	stamp := h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if age := w.now().Sub(time.Unix(seconds, 0)); err != nil || age > w.tolerance || -age > w.tolerance {
		return &Violation{Rule: "webhook-timestamp", Message: "must be unix time in seconds, of now"}
	}
	for signature := range strings.FieldsSeq(h.Get("webhook-signature")) {
		text, ok := strings.CutPrefix(signature, "v1,")
		given, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil {
			continue
		}
		for _, key := range w.keys {
			mac := hmac.New(sha256.New, key)
			fmt.Fprintf(mac, "%s.%s.", id, stamp)
			mac.Write(body)
			if hmac.Equal(mac.Sum(nil), given) {
				return nil
			}
		}
	}
	return &Violation{Rule: "webhook-signature", Message: "none is right"}
}

// messageOf reads a message: events, or a reset.
func messageOf(body []byte) (object, *Violation) {
	value, doubled, err := parse(body)
	message, ok := value.(object)
	if err != nil || len(doubled) > 0 || !ok {
		return nil, &Violation{Rule: "json", Message: "the body must be one JSON object without doubled names"}
	}
	kind, _ := message["type"].(string)
	switch data := message["data"].(type) {
	case []any:
		if kind != "" {
			return message, nil
		}
	case object:
		if _, ok := data["identifiers"].([]any); ok && strings.HasSuffix(kind, ".reset") {
			return message, nil
		}
	}
	return nil, &Violation{Rule: "message", Message: "must have a type, and as data a list of events or what is reset"}
}

// forget deletes the users of a reset.
func (w *webhook) forget(data object) {
	kind, _ := data["field"].(string)
	for _, id := range texts(data["identifiers"]) {
		w.deletion(kind, id)
	}
}

// keep handles events, each once: by its own id.
func (w *webhook) keep(events []any) {
	for _, v := range events {
		event, ok := v.(object)
		if !ok {
			w.violate(Violation{Rule: "event", Message: "an event must be an object"})
			continue
		}
		name, _ := event["type"].(string)
		gone := false
		for kind, v := range event {
			if id, ok := v.(string); ok && (isIdentifier(kind)) {
				gone = w.identifier(kind, id) || gone
			}
		}
		if id, ok := event["id"].(string); ok && w.again("event\x00"+id, 0) {
			w.count(func(r *Received) { r.Deduplicated++ })
			continue
		}
		w.event(name)
		if gone {
			w.count(func(r *Received) { r.AfterDeletion++ })
		}
	}
}

// isIdentifier reports whether a member of an event names somebody or something.
func isIdentifier(name string) bool {
	switch name {
	case "id", "ga", "fbp", "fbc", "idfa", "gaid":
		return true
	}
	return strings.HasSuffix(name, "_id")
}
