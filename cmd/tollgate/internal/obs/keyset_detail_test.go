package obs

import (
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

func TestKeySetDetail(t *testing.T) {
	now := time.Unix(1800000000, 0)
	for _, test := range []struct {
		set  authz.KeySetState
		want string
	}{
		{authz.KeySetState{Source: "jwks https://a.example/keys"}, "jwks https://a.example/keys, never fetched"},
		{
			authz.KeySetState{
				Source: "discover https://a.example/", LastSuccess: now.Add(-3 * time.Second), NextRefresh: now.Add(290 * time.Second),
				Keys: []authz.KeyState{
					{ID: "0e-znrRy-p0nHhjEDL7NIgW9uNY8qYgN7wlQpJthM-0", Type: "RSA 2048", Alg: "RS256", Usable: true},
					{ID: "enc", Type: "RSA 2048", Why: "use is enc"},
					{Usable: true, Type: "P-256"},
				},
				LastError: "answered with status 503",
			},
			"discover https://a.example/, fetched 3s ago, next in 4m50s; kid 0e-znrRy-p0nHhjEDL7NIgW9uNY8qYgN7wlQpJthM-0 (RSA 2048, RS256); " +
				"kid enc (RSA 2048) unusable: use is enc; no kid (P-256); last fetch: answered with status 503",
		},
		{
			// A kid cannot end its line, pass as another key or fill the page.
			authz.KeySetState{Source: "jwks x", NextRefresh: now.Add(-time.Second), Keys: []authz.KeyState{
				{ID: "a\n[+] ready", Usable: true}, {ID: "b; kid c", Usable: true}, {ID: strings.Repeat("d", 200), Usable: true},
			}},
			`jwks x, never fetched, next in 0s; kid "a\n[+] ready"; kid "b; kid c"; kid "` + strings.Repeat("d", 80) + `\u2026"`,
		},
	} {
		if got := KeySetDetail(&test.set, now); got != test.want {
			t.Errorf("got  %s\nwant %s", got, test.want)
		}
	}
}

// TestProbesShowKids: what is scrubbed from a line leaves the names of keys.
func TestProbesShowKids(t *testing.T) {
	r := newRig(t)
	detail := KeyDetail(&authz.KeyState{ID: "0e-znrRy-p0nHhjEDL7NIgW9uNY8qYgN7wlQpJthM-0", Type: "RSA 2048", Usable: true})
	if _, body := r.get(t, "/readyz?verbose", Condition{Name: "keys of orders", OK: true, Detail: detail}); !strings.Contains(body, "kid 0e-znrRy-p0nHhjEDL7NIgW9uNY8qYgN7wlQpJthM-0 (RSA 2048)") {
		t.Errorf("%s", body)
	}
}
