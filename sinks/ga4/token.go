package ga4

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"sekisho/sinks/forward"
)

// scope is what the user deletion asks for.
const scope = "https://www.googleapis.com/auth/analytics.edit"

// tokens has the access token of a service account until shortly before it
// expires. The zero value has none.
type tokens struct {
	mu    sync.Mutex
	key   [sha256.Size]byte // of which it was made
	token string
	until time.Time
}

// forget drops the token: Google does not take it.
func (t *tokens) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token = ""
}

// bearer returns the token that may delete users: the configured one, or one
// that is fetched for the service account (RFC 7523).
func (k *Kind) bearer(ctx context.Context, send forward.Sender) (string, error) {
	d := &k.config.Deletion
	if !d.ServiceAccount.IsSet() {
		return d.Token.Reveal(), nil
	}
	text := d.ServiceAccount.Reveal() // as it is now: it may have been replaced
	t := &k.tokens
	t.mu.Lock()
	defer t.mu.Unlock()
	key := sha256.Sum256([]byte(text))
	if t.token != "" && t.key == key && k.now().Before(t.until) {
		return t.token, nil
	}
	token, lasts, err := k.fetch(ctx, send, text)
	if err != nil {
		return "", err
	}
	t.key, t.token, t.until = key, token, k.now().Add(lasts-time.Minute)
	return token, nil
}

// account is the key of a service account as Google's console gives it.
type account struct {
	Email    string `json:"client_email"`
	KeyID    string `json:"private_key_id"`
	Key      string `json:"private_key"`
	TokenURI string `json:"token_uri"`
}

func parseAccount(text string) (a account, err error) {
	if json.Unmarshal([]byte(text), &a) != nil || a.Email == "" || a.TokenURI == "" {
		return a, errAccount
	}
	_, err = a.key()
	return a, err
}

func isAccount(text string) error {
	_, err := parseAccount(text)
	return err
}

func (k *Kind) fetch(ctx context.Context, send forward.Sender, text string) (token string, lasts time.Duration, err error) {
	a, err := parseAccount(text)
	if err != nil {
		return "", 0, err
	}
	assertion, err := a.sign(k.now())
	if err != nil {
		return "", 0, err
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:jwt-bearer"}, "assertion": {assertion}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.TokenURI, strings.NewReader(form.Encode()))
	if err != nil {
		return "", 0, errAccount
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r, err := send(request)
	switch {
	case err != nil:
		return "", 0, fmt.Errorf("cannot fetch an access token of Google: %w", err)
	case r.Status == http.StatusTooManyRequests || r.Status >= 500:
		return "", 0, fmt.Errorf("cannot fetch an access token of Google: it answers %d", r.Status)
	}
	var answer struct {
		Token   string `json:"access_token"`
		Seconds int    `json:"expires_in"`
	}
	if r.Status != http.StatusOK || json.Unmarshal(r.Body, &answer) != nil || answer.Token == "" {
		return "", 0, fmt.Errorf("cannot fetch an access token of Google: it answers %d; is the key of deletion.service_account still valid? %w", r.Status, forward.ErrPaused)
	}
	return answer.Token, time.Duration(answer.Seconds) * time.Second, nil
}

var errAccount = fmt.Errorf("deletion.service_account is not the JSON key that Google's console gives: %w", forward.ErrPaused)

// sign makes the assertion that the account is who asks (RFC 7515, RS256).
func (a *account) sign(now time.Time) (string, error) {
	key, err := a.key()
	if err != nil {
		return "", err
	}
	header, err := json.Marshal(map[string]string{"alg": "RS256", "typ": "JWT", "kid": a.KeyID})
	if err != nil {
		return "", errAccount
	}
	claims, err := json.Marshal(map[string]any{
		"iss": a.Email, "scope": scope, "aud": a.TokenURI, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	if err != nil {
		return "", errAccount
	}
	text := base64.RawURLEncoding.EncodeToString(header) + "." + base64.RawURLEncoding.EncodeToString(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", errors.Join(errAccount, errors.New("its key is too short"))
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature), nil
}

func (a *account) key() (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(a.Key))
	if block == nil {
		return nil, errAccount
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*rsa.PrivateKey)
	if err != nil || !ok {
		return nil, errAccount
	}
	return key, nil
}
