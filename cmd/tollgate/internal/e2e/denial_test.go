package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDenialsSayWhy(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		scoped := func(scope string) []string {
			return []string{"authorization: Bearer " + w.token(t, "alice", map[string]any{"scope": scope})}
		}
		tests := []struct {
			name, line string
			headers    []string
			status     int
			code, text string
			challenge  string // "" for none
		}{
			{"no token", "GET /orders/7", nil, 401, "token_missing", "Authorization field missing", `Bearer realm="tollgate"`},
			{
				"expired", "GET /orders/7",
				[]string{"authorization: Bearer " + w.token(t, "alice", map[string]any{"exp": 1577836800})},
				401, "token_expired", "Token has expired", `Bearer realm="tollgate", error="invalid_token"`,
			},
			{
				"garbage", "GET /orders/7",
				[]string{"authorization: Bearer garbage"},
				401, "token_invalid", "Key not authorized", `Bearer realm="tollgate", error="invalid_token"`,
			},
			{"missing scope", "POST /orders", scoped("orders:read"), 403, "scope_insufficient", "Insufficient scope", `Bearer realm="tollgate", error="insufficient_scope", scope="orders:write"`},
			{"path not granted", "DELETE /orders/7", scoped("x"), 403, "access_refused", "Access to this resource has been disallowed", ""},
			{"no such API", "GET /nowhere", scoped("x"), 404, "api_unknown", "No API matches this request", ""},
		}
		for _, test := range tests {
			t.Run(test.name, func(t *testing.T) {
				got := send(t, w.address, test.line, test.headers...)
				w.upstream.none(t)
				if got.status != test.status || got.reason() != test.code {
					t.Fatalf("status %d, reason %q, expected %d %s", got.status, got.reason(), test.status, test.code)
				}
				decision := got.header.Get("x-tollgate-decision")
				want := denial{Error: test.text, Code: test.code, Decision: decision}
				if diff := cmp.Diff(want, got.denial(t)); diff != "" || decision == "" {
					t.Errorf("body (-want +got):\n%s", diff)
				}
				if kind := got.header.Values("content-type"); !cmp.Equal(kind, []string{"application/json"}) {
					t.Errorf("content-type is %q", kind)
				}
				if challenge := strings.Join(got.header.Values("www-authenticate"), " | "); !strings.HasPrefix(challenge, test.challenge) || (test.challenge == "") != (challenge == "") {
					t.Errorf("www-authenticate is %q, expected %q", challenge, test.challenge)
				}
			})
		}
	})
}

// TestHeadIsAnsweredWithoutBody: the headers of the denial, and nothing after
// them on the wire (a body would be read as the next answer).
func TestHeadIsAnsweredWithoutBody(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		got := send(t, w.address, "HEAD /orders/7")
		if got.status != 401 || got.reason() != "token_missing" || got.body != "" {
			t.Errorf("status %d, reason %q, %d bytes of body", got.status, got.reason(), len(got.body))
		}
		if length := got.header.Get("content-length"); length == "" || length == "0" {
			t.Errorf("content-length is %q, expected that of the body a GET would have", length)
		}
		w.upstream.none(t)
		if got := send(t, w.address, "HEAD /orders/7", w.bearer(t, "alice")); got.status != 200 {
			t.Errorf("with a token: status %d, reason %q", got.status, got.reason())
		}
	})
}

// TestObserveLetsThrough: mode observe lets everything pass and hands on no
// identity that was not proved.
func TestObserveLetsThrough(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		got := send(t, w.address, "GET /look/7", "authorization: Bearer garbage")
		if got.status != 200 {
			t.Fatalf("status %d, reason %q", got.status, got.reason())
		}
		if told := identity(w.upstream.one(t)); len(told) != 0 {
			t.Errorf("the upstream was told %v", told)
		}
	})
}
