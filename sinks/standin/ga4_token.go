package standin

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// token gives the bearer token to the service account, which proves with a
// signed assertion that it is the one (RFC 7523, as Google's servers want it).
func (g *google) token(r *http.Request, body []byte) answer {
	form, err := url.ParseQuery(string(body))
	refuse := func(problem string) answer {
		g.violate(Violation{Rule: "assertion", Message: problem})
		return answer{status: http.StatusBadRequest, body: map[string]string{"error": "invalid_grant"}}
	}
	if err != nil || r.Method != http.MethodPost || form.Get("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer" {
		return refuse("must be a form with the grant type of JWT assertions")
	}
	parts := strings.Split(form.Get("assertion"), ".")
	if len(parts) != 3 || g.AccountKey == nil {
		return refuse("the assertion must have three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		if decoded[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return refuse("the assertion's parts must be base64url")
		}
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	var header struct{ Alg string }
	var claims struct {
		Iss, Scope, Aud string
		Iat, Exp        int64
	}
	now := g.now().Unix()
	switch {
	case json.Unmarshal(decoded[0], &header) != nil || header.Alg != "RS256" || json.Unmarshal(decoded[1], &claims) != nil:
		return refuse("the assertion must be a JWT with RS256")
	case rsa.VerifyPKCS1v15(g.AccountKey, crypto.SHA256, sum[:], decoded[2]) != nil || claims.Iss != g.Account:
		return refuse("the signature or the account is wrong")
	case claims.Aud != "http://"+r.Host+r.URL.Path && claims.Aud != "https://"+r.Host+r.URL.Path:
		return refuse("it is meant for another")
	case claims.Exp-claims.Iat > int64(time.Hour/time.Second) || claims.Exp <= now || claims.Iat > now+60:
		return refuse("it must be of now, and last an hour at most")
	case !strings.Contains(claims.Scope, "auth/analytics.edit"):
		return refuse("the scope does not allow to delete users")
	}
	return answer{status: http.StatusOK, body: map[string]any{"access_token": g.Token, "expires_in": 3600, "token_type": "Bearer"}}
}
