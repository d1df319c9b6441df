package authz

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/policies"
)

// TestProblems: what is wrong with a specification, and where. "?" in front marks
// a warning.
func TestProblems(t *testing.T) {
	rsa := keys()["RS256"].key()
	jwks := KeySpec{JWKS: "https://issuer.example/keys"}
	tests := []struct {
		name string
		spec func(*Spec)
		want []string
	}{
		{name: "nothing", spec: func(*Spec) {}},
		{name: "no id", spec: onAPI(func(a *APISpec) { a.ID = "" }), want: []string{"/policies/0/access/orders", "/apis/0/id"}},
		{name: "an id that cannot stand in a list", spec: func(s *Spec) { s.APIs[0].ID, s.Policies[0].Access[0].API = "a,b", "a,b" }, want: []string{"/apis/0/id"}},
		{name: "two of one id", spec: func(s *Spec) {
			second := s.APIs[0]
			second.Match = nil
			s.APIs = append(s.APIs, second)
		}, want: []string{"/apis/1/id"}},
		{name: "two of one match", spec: func(s *Spec) {
			second := s.APIs[0]
			second.ID, second.Match = "second", []MatchSpec{{Host: "API.example.com", Path: "/orders/"}}
			s.APIs = append(s.APIs, second)
		}, want: []string{"/apis/1/match/0"}},
		{name: "unmatched", spec: func(s *Spec) { s.Unmatched = "maybe" }, want: []string{"/insecure_unmatched"}},
		{name: "token size", spec: func(s *Spec) { s.Token.MaxBytes = -1 }, want: []string{"/token/max_bytes"}},
		{name: "realm", spec: func(s *Spec) { s.Answers.Realm = "a\r\nb" }, want: []string{"/answers/realm"}},
		{name: "metadata", spec: func(s *Spec) { s.Answers.ResourceMetadata = "/x" }, want: []string{"/answers/resource_metadata"}},

		{name: "no keys", spec: onAPI(func(a *APISpec) { a.Keys = nil }), want: []string{"/apis/0/keys"}},
		{name: "no keys of an inactive API", spec: onAPI(func(a *APISpec) { a.Keys, a.Inactive = nil, true })},
		{name: "no kind of key", spec: onAPI(func(a *APISpec) { a.Keys = []KeySpec{{Issuer: "x"}} }), want: []string{"/apis/0/keys/0"}},
		{name: "two kinds of key", spec: onAPI(func(a *APISpec) { a.Keys[0].PEM = rsa.PEM }), want: []string{"/apis/0/keys/0"}},
		{name: "empty secret", spec: onAPI(func(a *APISpec) { a.Keys = []KeySpec{{Secret: Secret{}, InsecureShortSecret: true}} }), want: []string{"/apis/0/keys/0/secret"}},
		{name: "short secret", spec: onAPI(func(a *APISpec) { a.Keys = []KeySpec{{Secret: Secret("0123456789abcdef0123456789abcde")}} }), want: []string{"/apis/0/keys/0/secret"}},
		{name: "short secret said so", spec: onAPI(func(a *APISpec) { a.Keys = []KeySpec{{Secret: Secret("short"), InsecureShortSecret: true}} })},
		{name: "short secret in tyk", spec: onAPI(func(a *APISpec) { a.Tyk, a.Keys = true, []KeySpec{{Secret: Secret("short")}} }), want: []string{"?/apis/0/keys/0/secret"}},
		{name: "public key as secret", spec: onAPI(func(a *APISpec) { a.Keys = []KeySpec{{Secret: rsa.PEM}} }), want: []string{"/apis/0/keys/0/secret"}},
		{name: "public key as secret, in tyk", spec: onAPI(func(a *APISpec) { a.Tyk, a.Keys = true, []KeySpec{{Secret: rsa.PEM}} }), want: []string{"/apis/0/keys/0/secret"}},
		{name: "no pem", spec: onAPI(func(a *APISpec) { a.Keys = []KeySpec{{PEM: []byte("x")}} }), want: []string{"/apis/0/keys/0/pem"}},
		{name: "no jwk", spec: onAPI(func(a *APISpec) { a.Keys = []KeySpec{{JWK: []byte("{}")}} }), want: []string{"/apis/0/keys/0/jwk"}},

		{name: "unknown alg", spec: onAPI(func(a *APISpec) { a.Algorithms = []string{"hs256", "none", "HS256"} }), want: []string{"/apis/0/algorithms/0", "/apis/0/algorithms/1"}},
		{name: "alg of no key", spec: onAPI(func(a *APISpec) { a.Algorithms = []string{"HS256", "RS256"} }), want: []string{"/apis/0/algorithms/1"}},
		{name: "key of no alg", spec: onAPI(func(a *APISpec) { a.Keys, a.Algorithms = append(a.Keys, rsa), []string{"HS256"} }), want: []string{"/apis/0/keys/1"}},
		{name: "HS of a provider", spec: onAPI(func(a *APISpec) {
			a.Keys, a.Algorithms, a.Claims.Audiences = []KeySpec{jwks}, []string{"RS256", "HS256"}, []string{"orders"}
		}), want: []string{"/apis/0/algorithms/1"}},

		{name: "unbound beside bound", spec: onAPI(func(a *APISpec) {
			a.Keys[0].Issuer = "https://a"
			a.Keys = append(a.Keys, rsa)
		}), want: []string{"/apis/0/keys/1"}},
		{name: "any beside bound", spec: onAPI(func(a *APISpec) {
			any := rsa
			any.Issuer = IssuerAny
			a.Keys[0].Issuer = "https://a"
			a.Keys = append(a.Keys, any)
		})},
		{name: "unbound beside discover", spec: onAPI(func(a *APISpec) {
			a.Claims.Audiences = []string{"orders"}
			a.Keys = append(a.Keys, KeySpec{Discover: "https://issuer.example/"})
		}), want: []string{"/apis/0/keys/0"}},
		{name: "discover of another issuer", spec: onAPI(func(a *APISpec) {
			a.Claims.Audiences = []string{"orders"}
			a.Keys = []KeySpec{{Discover: "https://issuer.example/", Issuer: "https://else.example/"}}
		}), want: []string{"/apis/0/keys/0/issuer"}},
		{name: "no audience", spec: onAPI(func(a *APISpec) { a.Keys = []KeySpec{jwks} }), want: []string{"/apis/0/claims/audiences"}},
		{name: "no audience in tyk", spec: onAPI(func(a *APISpec) { a.Tyk, a.Keys = true, []KeySpec{jwks} }), want: []string{"?/apis/0/claims/audiences"}},
		{name: "any audience", spec: onAPI(func(a *APISpec) { a.Keys, a.Claims.InsecureAnyAudience = []KeySpec{jwks}, true })},
		{name: "any audience for nothing", spec: onAPI(func(a *APISpec) { a.Claims = ClaimsSpec{Audiences: []string{"a"}, InsecureAnyAudience: true} }), want: []string{"?/apis/0/claims/insecure_any_audience"}},

		{name: "empty names", spec: onAPI(func(a *APISpec) {
			a.Claims = ClaimsSpec{Issuers: []string{""}, Audiences: []string{"a", ""}, Subjects: []string{""}, Require: []string{""}, Typ: []string{"", "a b"}}
		}), want: []string{"/apis/0/claims/issuers/0", "/apis/0/claims/audiences/1", "/apis/0/claims/subjects/0", "/apis/0/claims/require/0", "/apis/0/claims/typ/0", "/apis/0/claims/typ/1"}},
		{name: "skews", spec: onAPI(func(a *APISpec) {
			a.Claims.Skew = SkewSpec{Exp: -1, Nbf: 11 * time.Minute, Iat: 10 * time.Minute}
		}), want: []string{"/apis/0/claims/skew/exp", "/apis/0/claims/skew/nbf"}},
		{name: "skews in tyk", spec: onAPI(func(a *APISpec) {
			a.Tyk, a.Claims.Skew = true, SkewSpec{Exp: 25 * time.Hour, Nbf: 11 * time.Minute}
		}), want: []string{"/apis/0/claims/skew/exp", "?/apis/0/claims/skew/nbf"}},
		{name: "skip", spec: onAPI(func(a *APISpec) { a.Claims.InsecureSkip = []string{"exp", "iss"} }), want: []string{"/apis/0/claims/insecure_skip/1"}},
		{name: "rules", spec: onAPI(func(a *APISpec) {
			a.Claims.Rules = []RuleSpec{{}, {Claim: "a", Equals: []any{[]any{"x"}}}, {Claim: "a", Contains: []any{}}}
		}), want: []string{"/apis/0/claims/rules/0/claim", "/apis/0/claims/rules/1/equals/0", "/apis/0/claims/rules/2"}},
		{name: "identity", spec: onAPI(func(a *APISpec) { a.Identity = []string{"", "a", "a"} }), want: []string{"/apis/0/identity/0", "?/apis/0/identity/2"}},

		{name: "places", spec: onAPI(func(a *APISpec) { a.Token = LocationSpec{Header: "Host", Query: "a&b", Cookie: "a b"} }), want: []string{"/apis/0/token/header", "/apis/0/token/query", "/apis/0/token/cookie"}},
		{name: "no place", spec: onAPI(func(a *APISpec) { a.Token.HeaderOff = true }), want: []string{"/apis/0/token"}},
		{name: "no place in tyk", spec: onAPI(func(a *APISpec) { a.Token.HeaderOff, a.Tyk = true, true }), want: []string{"?/apis/0/token"}},

		{name: "headers", spec: inject("x", "$claims.", ":path", "a", "Host", "a", "x-envoy-y", "a", "te", "a", "a b", "a", "x-~/", "a\nb", "x-u", "$nothing", "ok", "$subject", "O_K", "a", "o-k", "b"), want: []string{
			"/apis/0/inject/x", "/apis/0/inject/:path", "/apis/0/inject/Host", "/apis/0/inject/x-envoy-y", "/apis/0/inject/te",
			"/apis/0/inject/a b", "/apis/0/inject/x-~0~1", "/apis/0/inject/x-~0~1", "/apis/0/inject/x-u", "/apis/0/inject/o-k",
		}},
		{name: "public", spec: onAPI(func(a *APISpec) { a.Public = []RouteSpec{{Path: "x", Methods: []string{"GET"}}} }), want: []string{"/apis/0/public/0/path"}},
		{name: "dangling policies", spec: onAPI(func(a *APISpec) {
			a.Policies = policies.SelectorSpec{Default: []string{"bsic"}, ScopeMap: map[string][]string{"a": {"none"}}}
		}), want: []string{"/apis/0/policies/default/0", "/apis/0/policies/scopes/map/a/0"}},
		{name: "dangling policies in tyk", spec: onAPI(func(a *APISpec) {
			a.Tyk, a.Policies = true, policies.SelectorSpec{Default: []string{"bsic"}}
		}), want: []string{"?/apis/0/policies/default/0"}},

		{name: "split", spec: onAPI(func(a *APISpec) { a.Split.Mode = "maybe" }), want: []string{"/apis/0/split", "/apis/0/split"}},

		{name: "parts that are absent", spec: func(s *Spec) {
			s.APIs[0].Split.Mode = SplitAllowed
			s.APIs[0].Limits.Rate = &policies.Rate{Requests: 1, Per: time.Second}
			s.APIs[0].Keys = append(s.APIs[0].Keys, KeySpec{Credentials: true})
			s.Revocation.PlainDeny = true
			s.Policies[0].Rate = &policies.Rate{Requests: 1, Per: time.Second}
			s.Policies[0].Quota = &policies.Quota{Requests: 1, Per: time.Second}
			s.Policies[0].Access[0] = policies.AccessSpec{API: "orders", Allow: []policies.AllowSpec{{Methods: []string{"GET"}, Path: "/", Rate: &policies.Rate{Requests: 1, Per: time.Second}}}}
		}, want: []string{
			"/apis/0/split", "/apis/0/limits", "/apis/0/keys/1/credentials", "/revocation", "/policies/0/rate",
			"/policies/0/quota", "/policies/0/access/orders/allow/0/rate",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := New(Options{Now: noon})
			defer e.Close()
			spec := standard(tt.spec)
			var got []string
			broken := false
			for _, p := range e.Check(spec) {
				mark := ""
				if p.Warning {
					mark = "?"
				}
				broken = broken || !p.Warning
				got = append(got, mark+p.At)
				if p.What == "" || strings.HasSuffix(p.What, ".") || strings.Contains(p.What, "0123456789abcdef") {
					t.Errorf("%s: %q", p.At, p.What)
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("problems:\n%s\n%v", diff, texts(e.Check(spec)))
			}
			if !broken {
				return
			}
			if snap, _ := e.Compile(context.Background(), spec); snap != nil {
				t.Error("a snapshot comes of a broken specification")
			}
		})
	}
}

// TestThirtyMistakes: they are reported all at once.
func TestThirtyMistakes(t *testing.T) {
	spec := standard()
	for range 29 {
		spec.APIs = append(spec.APIs, APISpec{ID: "", Match: []MatchSpec{{Host: "a b", Path: "x"}}, Algorithms: []string{"none"}})
	}
	e := New(Options{})
	defer e.Close()
	if got := e.Check(spec); len(got) < 29*4 {
		t.Errorf("%d problems", len(got))
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	spec := standard(onAPI(func(a *APISpec) { a.Keys = []KeySpec{{Secret: Secret("canary-canary"), Kid: "k"}} }))
	e := New(Options{})
	defer e.Close()
	if text := dump(spec) + dump(e.Check(spec)); strings.Contains(text, "canary") {
		t.Error(text)
	}
}
