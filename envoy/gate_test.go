package envoy

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/policies"
)

// noon is the time of the gates in these tests.
func noon() time.Time { return time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC) }

const secret = "canary-5f2b8e-0123456789abcdef0123456789abcdef"

// claims of a token.
type claims map[string]any

// token signs for alice, an hour from noon; claims win over the usual
// ones, nil leaves one out.
func token(tb testing.TB, with claims) string {
	tb.Helper()
	all := claims{"iss": "https://issuer.example/", "sub": "alice", "exp": noon().Add(time.Hour).Unix(), "scope": "orders:read"}
	maps.Copy(all, with)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	payload, err := json.Marshal(all)
	if err != nil {
		tb.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	signed := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode(payload)
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(signed))
	return signed + "." + encode(mac.Sum(nil))
}

// bearer is the header with a token.
func bearer(tb testing.TB, with claims) Field {
	tb.Helper()
	return Field{"authorization", "Bearer " + token(tb, with)}
}

// spec is the configuration of these tests: one API a habit, each under a path
// of its own.
func spec() authz.Spec {
	keys := []authz.KeySpec{{Secret: authz.Secret(secret), Issuer: authz.IssuerAny}}
	api := func(id string, change func(*authz.APISpec)) authz.APISpec {
		a := authz.APISpec{
			ID: id, Match: []authz.MatchSpec{{Host: "api.example.com", Path: "/" + id}}, Keys: keys,
			Policies: policies.SelectorSpec{Default: []string{"basic"}},
		}
		if change != nil {
			change(&a)
		}
		return a
	}
	access := func(id string) policies.AccessSpec {
		return policies.AccessSpec{API: id, Allow: []policies.AllowSpec{
			{Methods: []string{"GET"}, Path: "/" + id + "/**"}, {Methods: []string{"GET"}, Path: "/" + id}, {Methods: []string{"OPTIONS"}, Path: "/" + id},
		}}
	}
	return authz.Spec{
		APIs: []authz.APISpec{
			api("orders", nil),
			api("places", func(a *authz.APISpec) {
				a.Token = authz.LocationSpec{Header: "Authorization", Query: "token", Cookie: "session"}
			}),
			api("strip", func(a *authz.APISpec) {
				a.Token = authz.LocationSpec{Header: "Authorization", Query: "token", Cookie: "session", Strip: true}
			}),
			api("named", func(a *authz.APISpec) { a.Token = authz.LocationSpec{Header: "X-Token", Strip: true} }),
			api("inject", func(a *authz.APISpec) {
				a.InjectSet = true
				a.Inject = []authz.InjectSpec{
					{Header: "x-user", Template: "$claims.sub"}, {Header: "x-plan", Template: "$claims.plan"}, {Header: "x-expires", Template: "$claims.exp"},
				}
			}),
			api("cors", func(a *authz.APISpec) { a.PreflightAllow = true }),
			api("watched", func(a *authz.APISpec) { a.Observe = true }),
			api("public", func(a *authz.APISpec) { a.Public = []authz.RouteSpec{{Methods: []string{"GET"}, Path: "/public/open"}} }),
			api("lost", func(a *authz.APISpec) { a.Policies = policies.SelectorSpec{Claims: []string{"pol"}} }),
			api("anyhost", func(a *authz.APISpec) { a.Match = []authz.MatchSpec{{Host: "[2001:db8::1]", Path: "/"}} }),
		},
		Policies: []policies.Spec{{ID: "basic", Access: []policies.AccessSpec{
			access("orders"), access("places"), access("strip"), access("named"), access("inject"), access("cors"),
			access("watched"), access("public"), access("lost"),
			{API: "anyhost", All: true},
		}, Tags: []string{"retail"}}},
	}
}

// engine compiles a specification and makes it live.
func engine(tb testing.TB, s authz.Spec) *authz.Engine {
	tb.Helper()
	e := authz.New(authz.Options{Now: noon, CacheBytes: 1 << 20, Replica: "r1"})
	tb.Cleanup(e.Close)
	swap(tb, e, s)
	return e
}

func swap(tb testing.TB, e *authz.Engine, s authz.Spec) {
	tb.Helper()
	snapshot, problems := e.Compile(tb.Context(), s)
	if snapshot == nil {
		tb.Fatalf("problems: %+v", problems)
	}
	e.Swap(snapshot)
}

// gate is a real engine behind a real server, and behind a twin of it that answers
// by generated messages: what is asked of one is asked of both.
func gate(tb testing.TB) *rig {
	tb.Helper()
	e := engine(tb, spec())
	r := serve(tb, e)
	r.twin = serveConfig(tb, e, Config{Listeners: []Listener{{Address: "127.0.0.1:0"}}, generated: true})
	r.twin.server.Ready()
	return r
}

// on asks GET for a target of the usual host.
func on(target string, headers ...Field) *HTTP {
	return &HTTP{Method: "GET", Scheme: "https", Host: "api.example.com", Target: target, Headers: headers}
}

// reason is the exact code that an answer gives.
func (v *Verdict) reason() string { return v.Metadata["reason"] }

// set gives the value that a header is overwritten with.
func (v *Verdict) set(name string) string {
	for _, f := range v.Set {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// shown is a request's target without the query, where a token can be.
func shown(h *HTTP) string {
	path, _, _ := strings.Cut(h.Target, "?")
	return h.Host + path
}

// both asks in both header forms and wants the same verdict but for the id.
func (r *rig) both(t *testing.T, h *HTTP) *Verdict {
	t.Helper()
	joined, raw := *h, *h
	joined.Raw, raw.Raw = false, true
	a, b := r.ask(t, &joined), r.ask(t, &raw)
	if a.Allowed != b.Allowed || a.Status != b.Status || a.reason() != b.reason() {
		t.Errorf("%s %s: the forms disagree: %v %d %s, %v %d %s", h.Method, shown(h),
			a.Allowed, a.Status, a.reason(), b.Allowed, b.Status, b.reason())
	}
	return b
}
