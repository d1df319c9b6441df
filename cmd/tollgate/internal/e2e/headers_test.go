package e2e

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// identity picks what the upstream was told of the caller: every header whose
// name begins like ours or is injected, in any spelling.
func identity(got received) map[string][]string {
	told := map[string][]string{}
	for name, values := range got.Header {
		plain := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		if strings.HasPrefix(plain, "x-tollgate-") || plain == "x-user" || plain == "x-plan" {
			told[strings.ToLower(name)] = values
		}
	}
	return told
}

// forged is what a client sends to pass as somebody else.
var forged = []string{
	"x-tollgate-subject: mallory",
	"X-Tollgate-Subject: mallory-again",
	"x-tollgate-org: mallory",
	"x-tollgate-policies: admin",
	"x-user: mallory",
	"X-User: mallory-again",
	"x-plan: platinum",
}

func TestForgedIdentityNeverArrives(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		t.Run("default headers", func(t *testing.T) {
			got := send(t, w.address, "GET /orders/7", append(forged, w.bearer(t, "alice"))...)
			if got.status != 200 {
				t.Fatalf("status %d, %s", got.status, got.body)
			}
			told := identity(w.upstream.one(t))
			if len(told["x-tollgate-session"]) != 1 || len(told["x-tollgate-session"][0]) != 64 {
				t.Errorf("x-tollgate-session is %q, expected one SHA-256", told["x-tollgate-session"])
			}
			delete(told, "x-tollgate-session")
			want := map[string][]string{
				"x-tollgate-subject":  {"alice"},
				"x-tollgate-issuer":   {issuer},
				"x-tollgate-api":      {"orders"},
				"x-tollgate-policies": {"reader"},
				"x-tollgate-tags":     {"retail"},
			}
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("what the upstream was told (-want +got):\n%s", diff)
			}
		})
		t.Run("injected headers", func(t *testing.T) {
			send(t, w.address, "GET /shop/7", append(forged, w.bearer(t, "alice"))...)
			want := map[string][]string{"x-user": {"alice"}, "x-plan": {"gold"}}
			if diff := cmp.Diff(want, identity(w.upstream.one(t))); diff != "" {
				t.Errorf("what the upstream was told (-want +got):\n%s", diff)
			}
		})
		for _, line := range []string{"GET /orders/health", "GET /look/7"} {
			t.Run(line, func(t *testing.T) {
				if got := send(t, w.address, line, forged...); got.status != 200 {
					t.Fatalf("status %d, %s", got.status, got.body)
				}
				if told := identity(w.upstream.one(t)); len(told) != 0 {
					t.Errorf("nobody was authenticated, and the upstream was told %v", told)
				}
			})
		}
	})
}

// TestUnderscoreTwins: upstreams that turn headers into variables cannot tell
// x_user from x-user. An edge refuses such names; behind any other front the gate
// removes them.
func TestUnderscoreTwins(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		got := send(t, w.address, "GET /orders/7", "x_tollgate_subject: mallory", "x_tollgate-org: mallory", "x_user: mallory", w.bearer(t, "alice"))
		if got.status == 400 {
			w.upstream.none(t)
			return
		}
		if got.status != 200 {
			t.Fatalf("status %d, %s", got.status, got.body)
		}
		for name := range identity(w.upstream.one(t)) {
			if strings.Contains(name, "_") {
				t.Errorf("%s arrived", name)
			}
		}
	})
}

// TestHopByHopCannotRemoveIdentity: a client that names our header in Connection
// asks the proxy to drop it on the way.
func TestHopByHopCannotRemoveIdentity(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		got := send(t, w.address, "GET /orders/7", "connection: x-tollgate-subject", w.bearer(t, "alice"))
		if got.status != 200 {
			t.Fatalf("status %d, %s", got.status, got.body)
		}
		if told := identity(w.upstream.one(t)); !cmp.Equal(told["x-tollgate-subject"], []string{"alice"}) {
			t.Errorf("x-tollgate-subject is %q", told["x-tollgate-subject"])
		}
	})
}

func TestRestOfTheRequestArrivesUnchanged(t *testing.T) {
	inEveryShape(t, func(t *testing.T, w *world) {
		const target = "/orders/7?b=2&a=1&&x=%2F&y=%zz&e&d[]=1"
		got := send(t, w.address, "GET "+target, w.bearer(t, "alice"), "accept: text/plain", "cookie: a=1; b=\"2\"; c", "x-own: kept", "x-own: twice")
		if got.status != 200 {
			t.Fatalf("status %d, %s", got.status, got.body)
		}
		up := w.upstream.one(t)
		if up.Target != target {
			t.Errorf("target %q, sent %q", up.Target, target)
		}
		for name, want := range map[string][]string{
			"Accept": {"text/plain"}, "Cookie": {`a=1; b="2"; c`}, "X-Own": {"kept", "twice"},
		} {
			if diff := cmp.Diff(want, up.Header[name]); diff != "" {
				t.Errorf("%s (-sent +arrived):\n%s", name, diff)
			}
		}
		if len(up.Header["Authorization"]) != 1 {
			t.Errorf("the token is not stripped here, and arrived %d times", len(up.Header["Authorization"]))
		}
	})
}
