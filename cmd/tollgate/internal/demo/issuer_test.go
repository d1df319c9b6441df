package demo

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestIssuerSaysDemo(t *testing.T) {
	issuer, err := NewIssuer("http://127.0.0.1:1/")
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(issuer)
	defer site.Close()
	response, err := http.PostForm(site.URL+"/token", url.Values{
		"grant_type": {"client_credentials"}, "client_id": {"alice"}, "scope": {"orders:read"},
		"audience": {"billing"}, "expires_in": {"-60"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(answer.AccessToken, ".")
	if len(parts) != 3 || answer.TokenType != "Bearer" {
		t.Fatalf("%d parts, type %q", len(parts), answer.TokenType)
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Iss, Sub, Aud, Scope string
		Iat, Exp             int64
	}
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(claims.Iss, "DEMO") || claims.Sub != "alice" || claims.Aud != "billing" || claims.Scope != "orders:read" {
		t.Errorf("claims %+v", claims)
	}
	if claims.Exp >= claims.Iat {
		t.Errorf("exp %d is not before iat %d", claims.Exp, claims.Iat)
	}
}

func TestIssuerRefusesOtherGrants(t *testing.T) {
	issuer, err := NewIssuer("http://127.0.0.1:1")
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range []url.Values{{}, {"client_id": {"alice"}}, {"grant_type": {"password"}, "client_id": {"alice"}}} {
		request := httptest.NewRequest(http.MethodPost, "/token", strings.NewReader(form.Encode()))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		recorded := httptest.NewRecorder()
		issuer.ServeHTTP(recorded, request)
		if recorded.Code != http.StatusBadRequest {
			t.Errorf("%v: status %d", form, recorded.Code)
		}
	}
}
