package keyset

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func issuerAnswers(document, keys string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/tenant/.well-known/openid-configuration":
			serve(document)(w, r)
		case "/tenant/keys", "/tenant/moved":
			serve(keys)(w, r)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}
}

func TestDiscovery(t *testing.T) {
	for _, issuer := range []string{"http://localhost/tenant", "http://localhost/tenant/"} {
		synctest.Test(t, func(t *testing.T) {
			s := newSigner("k1")
			document := func(path string) string {
				return `{"issuer":"` + issuer + `","jwks_uri":"http://localhost/tenant/` + path + `","other":[1]}`
			}
			p, r := loadedFrom(t, issuerAnswers(document("keys"), set(s.jwk())), Options{Discover: issuer})
			if !verified(r, s.token(t, `{"iss":"`+issuer+`"}`)) {
				t.Fatalf("no key: %s", r.State().LastError)
			}
			// Bound to the issuer without being told so.
			if verified(r, s.token(t, `{"iss":"http://localhost"}`)) || verified(r, s.token(t, `{}`)) {
				t.Error("the key speaks for another issuer")
			}
			if state := r.State(); state.Issuer != issuer || state.Source != "discover "+issuer {
				t.Errorf("state is %+v", state)
			}
			if n := p.fetches.Load(); n != 2 {
				t.Errorf("%d requests, want two", n)
			}
			until(t, 5*time.Minute)
			if n := p.fetches.Load(); n != 3 {
				t.Errorf("%d requests after a refresh, want three: discovery holds an hour", n)
			}
			other := newSigner("k2")
			p.now(issuerAnswers(document("moved"), set(other.jwk())))
			until(t, time.Hour)
			if !verified(r, other.token(t, `{"iss":"`+issuer+`"}`)) {
				t.Error("the new jwks_uri was not followed")
			}
		})
	}
}

func TestDiscoveryRefuses(t *testing.T) {
	const issuer = "http://localhost/tenant"
	for document, want := range map[string]string{
		`{"issuer":"http://localhost/tenant/","jwks_uri":"http://localhost/tenant/keys"}`:                                   "discovery document names another issuer",
		`{"issuer":"https://evil.example","jwks_uri":"http://localhost/tenant/keys"}`:                                       "discovery document names another issuer",
		`{"issuer":["http://localhost/tenant"],"jwks_uri":"http://localhost/x"}`:                                            "names another issuer",
		`{"jwks_uri":"http://localhost/tenant/keys"}`:                                                                       "names another issuer",
		`{"issuer":"http://localhost/tenant"}`:                                                                              "has no jwks_uri",
		`{"issuer":"http://localhost/tenant","jwks_uri":5}`:                                                                 "has no jwks_uri",
		`{"issuer":"http://localhost/tenant","jwks_uri":""}`:                                                                "jwks_uri: is no URL",
		`{"issuer":"http://localhost/tenant","jwks_uri":"/tenant/keys"}`:                                                    "jwks_uri: is no URL",
		`{"issuer":"http://localhost/tenant","jwks_uri":"file:///etc/passwd"}`:                                              "jwks_uri: is no URL",
		`{"issuer":"http://localhost/tenant","jwks_uri":"gopher://localhost/x"}`:                                            "is not supported",
		`{"issuer":"http://localhost/tenant","jwks_uri":"http://issuer.example/keys"}`:                                      "can be replaced on the way",
		`{"issuer":"http://localhost/tenant","jwks_uri":"https://169.254.169.254/keys"}`:                                    "link-local",
		`{"issuer":"http://localhost/tenant","issuer":"http://localhost/tenant","jwks_uri":"http://localhost/tenant/keys"}`: "is no JSON object",
		`<html>`: "is no JSON object",
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newSigner("k1")
			_, r := loadedFrom(t, issuerAnswers(document, set(s.jwk())), Options{Discover: issuer})
			state := r.State()
			if state.Ready || !strings.Contains(state.LastError, want) || !strings.HasPrefix(state.LastError, "discovery document ") {
				t.Errorf("%s: %q, want %q", document, state.LastError, want)
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		_, r := loadedFrom(t, status(http.StatusNotFound), Options{Discover: issuer})
		if got := r.State().LastError; got != "discovery document answered with status 404" {
			t.Errorf("404: %q", got)
		}
	})
	if _, err := (Options{Discover: "https://issuer.example"}).readDiscovery(`{"issuer":"https://issuer.example","jwks_uri":"http://localhost/keys"}`); err == nil {
		t.Error("a jwks_uri may leave https")
	}
}
