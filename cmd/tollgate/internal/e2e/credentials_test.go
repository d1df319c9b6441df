package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestTokenIsStrippedWhereItStood(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		token := w.token(t, "alice", nil)
		tests := []struct {
			name, target string
			headers      []string
			wantTarget   string
			wantCookie   []string
		}{
			{"header", "/shop/7?a=1", []string{"authorization: Bearer " + token}, "/shop/7?a=1", nil},
			{"query", "/shop/7?b=2&access_token=" + token + "&a=1&&x=%2F&y=%zz&e", nil, "/shop/7?b=2&a=1&&x=%2F&y=%zz&e", nil},
			{"query alone", "/shop/7?access_token=" + token, nil, "/shop/7", nil},
			{"cookie", "/shop/7?a=1", []string{"cookie: a=1; session=" + token + `; b="2"; c=`}, "/shop/7?a=1", []string{`a=1; b="2"; c=`}},
			{"cookie alone", "/shop/7", []string{"cookie: session=" + token}, "/shop/7", nil},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				got := send(t, w.address, "GET "+test.target, test.headers...)
				if got.status != 200 {
					t.Fatalf("status %d, reason %s", got.status, got.reason())
				}
				up := w.upstream.one(t)
				if up.Target != test.wantTarget {
					t.Errorf("the target has %d bytes, expected %q", len(up.Target), test.wantTarget)
				}
				if diff := cmp.Diff(test.wantCookie, up.Header["Cookie"]); diff != "" {
					t.Errorf("cookie: %d lines, expected %q", len(up.Header["Cookie"]), test.wantCookie)
				}
				for name, values := range up.Header {
					if strings.Contains(strings.Join(values, ","), token) {
						t.Errorf("the token arrived in %s", name)
					}
				}
				if user := up.Header["X-User"]; !cmp.Equal(user, []string{"alice"}) {
					t.Errorf("x-user is %q", user)
				}
			})
		}
	})
}

func TestMoreThanOneCredentialIsRefused(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		one, two := w.token(t, "alice", nil), w.token(t, "bob", nil)
		tests := []struct {
			name, target string
			headers      []string
		}{
			{"authorization twice", "/orders/7", []string{"authorization: Bearer " + one, "authorization: Bearer " + two}},
			{"authorization twice, the same", "/orders/7", []string{"authorization: Bearer " + one, "authorization: Bearer " + one}},
			{"joined by a comma", "/orders/7", []string{"authorization: Bearer " + one + ",Bearer " + two}},
			{"header and query", "/shop/7?access_token=" + one, []string{"authorization: Bearer " + two}},
			{"header and cookie", "/shop/7", []string{"authorization: Bearer " + one, "cookie: session=" + two}},
			{"query twice", "/shop/7?access_token=" + one + "&access_token=" + two, nil},
			{"cookie twice", "/shop/7", []string{"cookie: session=" + one + "; session=" + two}},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				got := send(t, w.address, "GET "+test.target, test.headers...)
				if got.status != 400 || got.reason() != "request_malformed" {
					t.Errorf("status %d, reason %q, expected 400 request_malformed", got.status, got.reason())
				}
				w.upstream.none(t)
			})
		}
	})
}

// TestChangedTokenIsRefused: every part of a token counts, and only one spelling
// of it is taken.
func TestChangedTokenIsRefused(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		alice, bob := w.token(t, "alice", nil), w.token(t, "bob", nil)
		a, b := strings.Split(alice, "."), strings.Split(bob, ".")
		tests := map[string]string{
			"payload of another":   a[0] + "." + b[1] + "." + a[2],
			"signature of another": a[0] + "." + a[1] + "." + b[2],
			"no signature":         a[0] + "." + a[1] + ".",
			"two parts":            a[0] + "." + a[1],
			"padded":               alice + "=",
			"five parts":           alice + "..",
			"alg none":             "eyJhbGciOiJub25lIn0." + a[1] + ".",
		}
		// A good token first: what follows must not live off the cache.
		if got := send(t, w.address, "GET /orders/7", "authorization: Bearer "+alice); got.status != 200 {
			t.Fatalf("status %d, reason %s", got.status, got.reason())
		}
		w.upstream.one(t)
		for name, token := range tests {
			t.Run(name, func(t *testing.T) {
				got := send(t, w.address, "GET /orders/7", "authorization: Bearer "+token)
				if got.status != 401 || got.reason() != "token_invalid" {
					t.Errorf("status %d, reason %q, expected 401 token_invalid", got.status, got.reason())
				}
				w.upstream.none(t)
			})
		}
	})
}
