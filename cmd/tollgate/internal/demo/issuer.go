package demo

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

// issuerPath ends the toy issuer's name, so that nobody mistakes its tokens.
const issuerPath = "/DEMO-ISSUER"

// Issuer is a toy token issuer with a throw-away key: it signs for everybody.
type Issuer struct {
	url string // base URL, without a slash at its end
	key *tokens.Key
	now func() time.Time
}

// NewIssuer makes an issuer that will be reached at url.
func NewIssuer(url string) (*Issuer, error) {
	key, err := tokens.Generate("RS256", "demo-1")
	if err != nil {
		return nil, err
	}
	return &Issuer{url: strings.TrimSuffix(url, "/"), key: key, now: time.Now}, nil
}

// Name is the iss of its tokens; it contains DEMO.
func (i *Issuer) Name() string { return i.url + issuerPath }

// KeysURL is where its JWKS is.
func (i *Issuer) KeysURL() string { return i.url + "/keys" }

// TokenURL is its token endpoint.
func (i *Issuer) TokenURL() string { return i.url + "/token" }

// JWKS is its public key set.
func (i *Issuer) JWKS() ([]byte, error) { return tokens.JWKS(i.key) }

// Mint signs a token for subject. claims are added to, and win over, the usual
// ones: iss, sub, aud orders, jti, iat, exp in five minutes. No two are the same.
func (i *Issuer) Mint(subject string, claims map[string]any) (string, error) {
	now := i.now()
	all := map[string]any{
		"iss": i.Name(), "sub": subject, "aud": "orders", "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	}
	maps.Copy(all, claims)
	return i.key.Sign(nil, all)
}

// ServeHTTP serves the key set, the discovery document and the token endpoint.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "GET /keys":
		set, err := i.JWKS()
		i.answer(w, set, err)
	case "GET " + issuerPath + "/.well-known/openid-configuration":
		document, err := json.Marshal(map[string]any{
			"issuer": i.Name(), "jwks_uri": i.KeysURL(), "token_endpoint": i.TokenURL(),
			"response_types_supported": []string{"token"}, "subject_types_supported": []string{"public"},
			"id_token_signing_alg_values_supported": []string{i.key.Alg},
		})
		i.answer(w, document, err)
	case "POST /token":
		i.token(w, r)
	default:
		http.NotFound(w, r)
	}
}

// token answers a client_credentials request (RFC 6749 section 4.4): client_id
// becomes the subject, scope and audience are given as asked. expires_in may be
// negative, so that a stale token can be had.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	client, _, basic := r.BasicAuth()
	if !basic {
		client = r.PostFormValue("client_id")
	}
	if client == "" || r.PostFormValue("grant_type") != "client_credentials" {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintln(w, `{"error":"invalid_request","error_description":"give grant_type=client_credentials and client_id"}`)
		return
	}
	life := 300
	if asked, err := strconv.Atoi(r.PostFormValue("expires_in")); err == nil {
		life = max(-86400, min(asked, 86400))
	}
	claims := map[string]any{"exp": i.now().Add(time.Duration(life) * time.Second).Unix()}
	for parameter, claim := range map[string]string{"scope": "scope", "audience": "aud", "policy": "pol"} {
		if value := r.PostFormValue(parameter); value != "" {
			claims[claim] = value
		}
	}
	token, err := i.Mint(client, claims)
	if err != nil {
		i.answer(w, nil, err)
		return
	}
	body, err := json.Marshal(map[string]any{
		"access_token": token, "token_type": "Bearer", "expires_in": life, "scope": r.PostFormValue("scope"),
	})
	w.Header().Set("Cache-Control", "no-store")
	i.answer(w, body, err)
}

func (i *Issuer) answer(w http.ResponseWriter, body []byte, err error) {
	if err != nil {
		http.Error(w, "the toy issuer cannot sign", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body)
}
