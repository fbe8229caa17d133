package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"sekisho/schemas"
	"sekisho/sinks/forward"
)

// Kind is a webhook as a recipient. See [forward.Kind].
type Kind struct {
	config Config
	now    func() time.Time
}

// New makes the kind of a configuration that was validated and whose secrets are
// resolved. Secrets of another shape are not taken later either.
func New(c Config) (*Kind, error) {
	for _, secret := range c.Secrets {
		if err := secret.Require(isSecret); err != nil {
			return nil, err
		}
	}
	return &Kind{config: c, now: time.Now}, nil
}

// maxAge is how long an event may wait for a receiver that is down.
const maxAge = 72 * time.Hour

// Limits are our own: a request of ordinary events is about 100 kB.
func (k *Kind) Limits() forward.Limits {
	return forward.Limits{
		Events: k.config.MaxEvents, Bytes: 1 << 20, MaxAge: maxAge,
		Timeout: 15 * time.Second, Concurrency: 4, Deduplicates: true,
	}
}

// Request makes a signed request of a batch.
func (k *Kind) Request(ctx context.Context, batch *forward.Batch) (*http.Request, error) {
	body := make([]byte, 0, 64+len(batch.Bodies)*512)
	body = append(body, `{"type":"sekisho.events","data":[`...)
	body = append(body, bytes.Join(batch.Bodies, []byte{','})...)
	return k.request(ctx, append(body, "]}"...))
}

var errRequest = errors.New("cannot make a request of the webhook's address")

func (k *Kind) request(ctx context.Context, body []byte) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, k.config.URL, bytes.NewReader(body))
	if err != nil {
		return nil, errRequest
	}
	id, at := messageID(body), strconv.FormatInt(k.now().Unix(), 10)
	signatures, err := k.sign(id, at, body)
	if err != nil {
		return nil, err
	}
	h := request.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", "Sekisho")
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", at)
	h.Set("webhook-signature", signatures)
	return request, nil
}

// messageID is the same whenever the same events are sent.
func messageID(body []byte) string {
	sum := sha256.Sum256(body)
	return "msg_" + hex.EncodeToString(sum[:16])
}

// sign returns the signatures with each secret, in their order.
func (k *Kind) sign(id, at string, body []byte) (string, error) {
	var out []byte
	for _, secret := range k.config.Secrets {
		key, err := keyOf(secret.Reveal())
		if err != nil {
			return "", err
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + at + "."))
		mac.Write(body)
		if len(out) > 0 {
			out = append(out, ' ')
		}
		out = base64.StdEncoding.AppendEncode(append(out, "v1,"...), mac.Sum(nil))
	}
	return string(out), nil
}

// Classify goes by the status.
func (k *Kind) Classify(_ *forward.Batch, r *forward.Response) forward.Answer {
	return forward.ByStatus(r)
}

// Forget tells the receiver of a reset, if it wants to know, by the pseudonyms that it
// was given. An identifier that it has as it came nobody here knows any more, so of one
// that the policy lets it have so the reset reaches a part at most.
func (k *Kind) Forget(ctx context.Context, send forward.Sender, id *forward.Identity) (schemas.ProgressState, error) {
	if !k.config.Resets {
		return schemas.Unsupported, nil
	}
	body := forward.AppendText([]byte(`{"type":"sekisho.reset","data":{`), "field", id.Field.String())
	body = append(body, `,"identifiers":[`...)
	for i, p := range id.Pseudonyms {
		if i > 0 {
			body = append(body, ',')
		}
		body = schemas.AppendString(body, p.Hex())
	}
	request, err := k.request(ctx, append(body, "]}}"...))
	if err != nil {
		return 0, err
	}
	answer, err := send(request)
	if err != nil {
		return 0, err
	}
	switch forward.ByStatus(answer).Verdict {
	case forward.Done:
		if id.Own.Has(id.Field) {
			return schemas.Partial, nil
		}
		return schemas.Done, nil
	case forward.Permanent:
		return schemas.Failed, nil
	case forward.Pause:
		return 0, forward.ErrPaused
	}
	return 0, errNotNow
}

var errNotNow = errors.New("the receiver could not be told of a reset")
