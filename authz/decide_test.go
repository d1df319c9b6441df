package authz

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/policies"
)

// TestDecide holds the walk's refusals and allows together. Every request is
// decided cold, cached and explained.
func TestDecide(t *testing.T) {
	key := keys()["HS256"]
	other := &signer{alg: "HS256", secret: []byte(strings.Repeat("other-secret-", 4))}
	token := key.sign(good())
	scoped := func(s *Spec) {
		s.Policies[0].Access[0] = policies.AccessSpec{API: "orders", Allow: []policies.AllowSpec{
			{Methods: []string{"GET"}, Path: "/orders/**"},
			{Methods: []string{"POST"}, Path: "/orders", RequireScopes: []string{"orders:write"}},
		}}
	}
	tests := []struct {
		name string
		spec func(*Spec)
		req  *request
		want Reason // "" is an allow
	}{
		{name: "allowed", req: get("/orders/7", bearerOf(token))},
		{name: "no token", req: get("/orders"), want: TokenMissing},
		{name: "basic", req: get("/orders", "Authorization: Basic eA=="), want: TokenMissing},
		{name: "scheme alone", req: get("/orders", "Authorization: Bearer"), want: TokenMalformed},
		{name: "no token at all", req: get("/orders", "Authorization: Bearer x"), want: TokenMalformed},
		{name: "two tokens", req: get("/orders", bearerOf(token)+","+token), want: RequestMalformed},
		{name: "too long", req: get("/orders", bearerOf(token+strings.Repeat("A", 20000))), want: TokenMalformed},
		{name: "a megabyte", req: get("/orders", bearerOf(strings.Repeat("A", 1<<20))), want: TokenMalformed},
		{name: "a million dots", req: get("/orders", bearerOf(strings.Repeat(".", 1<<20))), want: TokenMalformed},
		{name: "smaller cap", spec: func(s *Spec) { s.Token.MaxBytes = 100 }, req: get("/orders", bearerOf(token)), want: TokenMalformed},
		{name: "10,000 arrays", req: get("/orders", bearerOf(key.sign(`{"exp":4102444800,"sub":"a","x":`+strings.Repeat("[", 5000)+strings.Repeat("]", 5000)+`}`))), want: TokenMalformed},
		{name: "alg none", req: get("/orders", bearerOf(b64([]byte(`{"alg":"none"}`))+"."+strings.Split(token, ".")[1]+".")), want: AlgRefused},
		{name: "alg not on the list", spec: onAPI(func(a *APISpec) { a.Algorithms = []string{"HS512"} }), req: get("/orders", bearerOf(token)), want: AlgRefused},
		{name: "alg of no key", req: get("/orders", bearerOf(keys()["RS256"].sign(good()))), want: AlgRefused},
		{name: "bad signature", req: get("/orders", bearerOf(other.sign(good()))), want: SignatureInvalid},
		{name: "kid wanted", spec: onAPI(func(a *APISpec) { a.KidRequired = true }), req: get("/orders", bearerOf(token)), want: KeyUnknown},
		{name: "kid unknown", spec: onAPI(func(a *APISpec) { a.Keys[0].Kid = "k1" }), req: get("/orders", bearerOf(key.sign(good(), map[string]any{"kid": "k11"}))), want: KeyUnknown},
		{name: "kid known", spec: onAPI(func(a *APISpec) { a.Keys[0].Kid = "k1" }), req: get("/orders", bearerOf(key.sign(good(), map[string]any{"kid": "k1"})))},
		{name: "issuer of no key", spec: onAPI(func(a *APISpec) { a.Keys[0].Issuer = "https://else.example" }), req: get("/orders", bearerOf(token)), want: IssuerRefused},
		{name: "issuer of a key", spec: onAPI(func(a *APISpec) { a.Keys[0].Issuer = "https://issuer.example/" }), req: get("/orders", bearerOf(token))},
		{name: "issuer any", spec: onAPI(func(a *APISpec) { a.Keys[0].Issuer = IssuerAny }), req: get("/orders", bearerOf(token))},
		{name: "expired", req: get("/orders", bearerOf(key.sign(good(claims{"exp": noon().Unix()})))), want: TokenExpired},
		{name: "not yet", req: get("/orders", bearerOf(key.sign(good(claims{"nbf": noon().Unix() + 1})))), want: TokenNotYetValid},
		{name: "issued ahead", req: get("/orders", bearerOf(key.sign(good(claims{"iat": noon().Unix() + 1})))), want: TokenIssuedInFuture},
		{name: "no exp", req: get("/orders", bearerOf(key.sign(good(claims{"exp": nil})))), want: ClaimMissing},
		{name: "wrong audience", spec: onAPI(func(a *APISpec) { a.Claims.Audiences = []string{"billing"} }), req: get("/orders", bearerOf(token)), want: AudienceRefused},
		{name: "wrong issuer", spec: onAPI(func(a *APISpec) { a.Claims.Issuers = []string{"x"} }), req: get("/orders", bearerOf(token)), want: IssuerRefused},
		{name: "logout token", req: get("/orders", bearerOf(key.sign(good(), map[string]any{"typ": "logout+jwt"}))), want: ClaimRefused},
		{name: "nobody", req: get("/orders", bearerOf(key.sign(good(claims{"sub": nil})))), want: IdentityMissing},
		{name: "no policy", spec: onAPI(func(a *APISpec) { a.Policies.Default = nil }), req: get("/orders", bearerOf(token)), want: PolicyMissing},
		{name: "unknown policy", spec: onAPI(func(a *APISpec) { a.Policies.Claims = []string{"pol"} }), req: get("/orders", bearerOf(key.sign(good(claims{"pol": "gold"})))), want: PolicyUnknown},
		{name: "odd policy claim", spec: onAPI(func(a *APISpec) { a.Policies.Claims = []string{"pol"} }), req: get("/orders", bearerOf(key.sign(good(claims{"pol": 7})))), want: PolicyUnknown},
		{name: "named policy", spec: onAPI(func(a *APISpec) { a.Policies.Claims = []string{"pol"} }), req: get("/orders", bearerOf(key.sign(good(claims{"pol": []string{"basic"}}))))},
		{name: "inactive policy", spec: func(s *Spec) { s.Policies[0].Inactive = true }, req: get("/orders", bearerOf(token)), want: PolicyInactive},
		{name: "nothing granted", spec: func(s *Spec) { s.Policies[0].Access = nil }, req: get("/orders", bearerOf(token)), want: AccessRefused},
		{name: "granted path", spec: scoped, req: get("/orders/7", bearerOf(token))},
		{name: "method not granted", spec: scoped, req: &request{line: Line{Method: "DELETE", Host: "api.example.com", Target: "/orders/7"}, headers: [][2]string{{"authorization", "Bearer " + token}}}, want: AccessRefused},
		{name: "scope lacks", spec: scoped, req: &request{line: Line{Method: "POST", Host: "api.example.com", Target: "/orders"}, headers: [][2]string{{"authorization", "Bearer " + token}}}, want: ScopeInsufficient},
		{name: "route scope lacks", req: &request{line: Line{Method: "GET", Host: "api.example.com", Target: "/orders", RequireScopes: "a b"}, headers: [][2]string{{"authorization", "Bearer " + key.sign(good(claims{"scope": "a"}))}}}, want: ScopeInsufficient},
		{name: "route scope is there", req: &request{line: Line{Method: "GET", Host: "api.example.com", Target: "/orders", RequireScopes: "a b"}, headers: [][2]string{{"authorization", "Bearer " + key.sign(good(claims{"scope": "b c a"}))}}}},

		{name: "another host", req: &request{line: Line{Method: "GET", Host: "example.com", Target: "/orders"}}, want: APIUnknown},
		{name: "another path", req: get("/orders2", bearerOf(token)), want: APIUnknown},
		{name: "host with port and dot", req: &request{line: Line{Method: "GET", Host: "API.example.com.:443", Target: "/orders"}, headers: [][2]string{{"authorization", "Bearer " + token}}}},
		{name: "joined hosts", req: &request{line: Line{Method: "GET", Host: "api.example.com,evil", Target: "/orders"}, headers: [][2]string{{"authorization", "Bearer " + token}}}, want: RequestMalformed},
		{name: "user in host", req: &request{line: Line{Method: "GET", Host: "x@api.example.com", Target: "/orders"}, headers: [][2]string{{"authorization", "Bearer " + token}}}, want: RequestMalformed},
		{name: "double slash", req: get("//orders", bearerOf(token)), want: RequestMalformed},
		{name: "dot segment", req: get("/orders/%2e%2e/admin", bearerOf(token)), want: RequestMalformed},
		{name: "encoded slash", req: get("/orders%2fadmin", bearerOf(token)), want: RequestMalformed},
		{name: "connect", req: &request{line: Line{Method: "CONNECT", Host: "api.example.com"}}, want: RequestMalformed},
		{name: "star", req: &request{line: Line{Method: "OPTIONS", Host: "api.example.com", Target: "*"}}, want: RequestMalformed},
		{name: "absolute form", req: get("http://api.example.com/orders", bearerOf(token)), want: RequestMalformed},
		{name: "long target", req: get("/orders/"+strings.Repeat("a", 9000), bearerOf(token)), want: RequestMalformed},
		{name: "front's message lacks something", req: &request{line: Line{Method: "GET", Host: "api.example.com", Target: "/orders", Malformed: true}, headers: [][2]string{{"authorization", "Bearer " + token}}}, want: RequestMalformed},
		{name: "nothing at all", req: &request{}, want: RequestMalformed},
		{name: "hint", req: &request{line: Line{Method: "GET", Host: "else", Target: "/x", API: "orders", HasAPI: true}, headers: [][2]string{{"authorization", "Bearer " + token}}}},
		{name: "unknown hint", req: &request{line: Line{Method: "GET", Host: "api.example.com", Target: "/orders", API: "../x", HasAPI: true}}, want: APIUnknown},
		{name: "empty hint", req: &request{line: Line{Method: "GET", Host: "api.example.com", Target: "/orders", HasAPI: true}}, want: APIUnknown},
		{name: "unknown hint, unmatched pass", spec: func(s *Spec) { s.Unmatched = UnmatchedAllow }, req: &request{line: Line{Method: "GET", Host: "api.example.com", Target: "/orders", API: "x", HasAPI: true}}, want: APIUnknown},
		{name: "inactive", spec: onAPI(func(a *APISpec) { a.Inactive = true }), req: get("/orders", bearerOf(token)), want: APIUnknown},
		{name: "inactive, unmatched pass", spec: func(s *Spec) { s.Unmatched, s.APIs[0].Inactive = UnmatchedAllow, true }, req: get("/orders"), want: APIUnknown},
		{name: "unmatched pass", spec: func(s *Spec) { s.Unmatched = UnmatchedAllow }, req: get("/else")},
		{name: "unmatched pass, malformed", spec: func(s *Spec) { s.Unmatched = UnmatchedAllow }, req: get("//else"), want: RequestMalformed},
		{name: "public", spec: onAPI(func(a *APISpec) { a.Public = []RouteSpec{{Methods: []string{"GET"}, Path: "/orders/health"}} }), req: get("/orders/health")},
		{name: "public, other method", spec: onAPI(func(a *APISpec) { a.Public = []RouteSpec{{Methods: []string{"POST"}, Path: "/orders/health"}} }), req: get("/orders/health"), want: TokenMissing},
		{name: "preflight is checked", req: preflight("OPTIONS", "Origin: https://a", "Access-Control-Request-Method: GET"), want: TokenMissing},
		{name: "preflight", spec: onAPI(allowPreflight), req: preflight("OPTIONS", "Origin: https://a", "Access-Control-Request-Method: GET")},
		{name: "no preflight: no origin", spec: onAPI(allowPreflight), req: preflight("OPTIONS", "Access-Control-Request-Method: GET"), want: TokenMissing},
		{name: "no preflight: no method", spec: onAPI(allowPreflight), req: preflight("OPTIONS", "Origin: https://a"), want: TokenMissing},
		{name: "no preflight: GET", spec: onAPI(allowPreflight), req: preflight("GET", "Origin: https://a", "Access-Control-Request-Method: GET"), want: TokenMissing},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec := standard()
			if tt.spec != nil {
				tt.spec(&spec)
			}
			got := decide(t, engine(t, spec), tt.req)
			if got.Reason != tt.want || (got.Outcome == Allow) != (tt.want == "") {
				t.Fatalf("%s %q; want %q", got.Outcome, got.Reason, tt.want)
			}
			if got.Outcome == Deny && (got.Status < 400 || got.Body == "" || len(got.Edits) > 0) {
				t.Errorf("a denial of status %d, body %q, edits %v", got.Status, got.Body, got.Edits)
			}
			if header(got, headerDecision) != got.ID || got.ID == "" {
				t.Errorf("decision %q in %v", got.ID, got.Headers)
			}
		})
	}
}

func allowPreflight(a *APISpec) { a.PreflightAllow = true }

func preflight(method string, headers ...string) *request {
	r := get("/orders", headers...)
	r.line.Method = method
	return r
}

// TestEveryAlgorithm: each verifies under a key of its own, and none under the
// list of another.
func TestEveryAlgorithm(t *testing.T) {
	for alg, key := range keys() {
		t.Run(alg, func(t *testing.T) {
			spec := standard(onAPI(func(a *APISpec) { a.Keys, a.Algorithms = []KeySpec{key.key()}, []string{alg} }))
			e := engine(t, spec)
			if got := decide(t, e, get("/orders", bearerOf(key.sign(good())))); got.Outcome != Allow {
				t.Errorf("%s", got.Reason)
			}
			for other, foreign := range keys() {
				got := decide(t, e, get("/orders", bearerOf(foreign.sign(good()))))
				if other != alg && got.Reason != AlgRefused {
					t.Errorf("%s under %s: %q", other, alg, got.Reason)
				}
			}
		})
	}
}

// TestExplainWalk keeps doc.go true: a full explain has exactly its steps.
func TestExplainWalk(t *testing.T) {
	spec := standard(onAPI(func(a *APISpec) { a.Split.Mode = SplitAllowed }))
	e := engine(t, spec, Options{Restorer: halves{}})
	_, trace := e.Explain(context.Background(), get("/orders", bearerOf(keys()["HS256"].sign(good()))), time.Time{})
	var names []string
	for _, step := range trace.Steps() {
		if !step.OK || step.Reason != "" {
			t.Errorf("%+v", step)
		}
		names = append(names, step.Name)
	}
	if diff := cmp.Diff(walkOfDoc(t), names); diff != "" {
		t.Errorf("doc.go (-) and the steps of a decision (+):\n%s", diff)
	}
}

func TestExplainSaysWhere(t *testing.T) {
	e := engine(t, standard())
	_, trace := e.Explain(context.Background(), get("/orders", bearerOf(keys()["HS256"].sign(good()))), noon().Add(2*time.Hour))
	last := trace.Steps()[len(trace.Steps())-1]
	if last.Name != "claims" || last.OK || last.Reason != TokenExpired {
		t.Errorf("%+v", last)
	}
	var none *Trace
	if none.Steps() != nil {
		t.Error("a nil trace has no steps")
	}
}

// TestNoTokenInTrace: explain, metadata and the observer's view never hold a token.
func TestNoTokenInTrace(t *testing.T) {
	seen := &observer{}
	e := engine(t, standard(), Options{Observer: seen})
	token := keys()["HS256"].sign(good())
	for _, req := range []*request{
		get("/orders?secret=canary", bearerOf(token), "Cookie: canary=1"),
		get("/orders?secret=canary", bearerOf(token+"x"), "Cookie: canary=1"),
		get("/canary?secret=canary\x01", bearerOf(token)),
	} {
		answer, trace := e.Explain(context.Background(), req, time.Time{})
		e.Decide(context.Background(), req)
		text := shape(answer) + dump(trace.Steps()) + dump(seen.last)
		for _, part := range append(strings.Split(token, "."), "canary") {
			if strings.Contains(text, part) {
				t.Errorf("%.30s… shows in %s", part, text)
			}
		}
	}
}

func TestNotReady(t *testing.T) {
	e := New(Options{})
	got := e.Decide(context.Background(), get("/orders"))
	if got.Outcome != Deny || got.Reason != Internal || got.Status != 503 {
		t.Errorf("before the first swap: %+v", got)
	}
	load(t, e, standard())
	e.Close()
	if got := e.Decide(context.Background(), get("/orders")); got.Reason != Internal {
		t.Errorf("after Close: %+v", got)
	}
}

// panicking is a Request that fails inside the decision.
type panicking struct{ request }

func (panicking) Header(string, int) (string, bool) { panic("boom") }

func TestPanicIsADenial(t *testing.T) {
	seen := &observer{}
	e := engine(t, standard(onAPI(func(a *APISpec) { a.Observe = true })), Options{Observer: seen})
	got := e.Decide(context.Background(), &panicking{*get("/orders")})
	if got.Outcome != Deny || got.Reason != Internal || got.Status != 503 {
		t.Fatalf("%+v", got)
	}
	var cause *PanicError
	if !errors.As(seen.last.Err, &cause) || cause.Value != "boom" || len(cause.Stack) == 0 {
		t.Errorf("the observer saw %v", seen.last.Err)
	}
	if got := e.Decide(context.Background(), get("/orders")); got.Reason != TokenMissing {
		t.Errorf("the next request: %+v", got)
	}
}

// TestContextEnds: S-007. An answer that nobody waits for is no allow.
func TestContextEnds(t *testing.T) {
	e := engine(t, standard())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	got := e.Decide(ctx, get("/orders", bearerOf(keys()["HS256"].sign(good()))))
	if got.Outcome != Deny || got.Reason != Internal {
		t.Errorf("%+v", got)
	}
}

func TestObserve(t *testing.T) {
	e := engine(t, standard(onAPI(func(a *APISpec) { a.Observe, a.Token.Strip = true, true })))
	key := keys()["HS256"]
	tests := []struct {
		name string
		req  *request
		want Reason
	}{
		{"would be allowed", get("/orders", bearerOf(key.sign(good())), "X-Tollgate-Subject: root"), ""},
		{"would be refused", get("/orders", bearerOf(key.sign(good(claims{"exp": 1})))), TokenExpired},
		{"no token", get("/orders"), TokenMissing},
		{"malformed, chosen by hint", &request{line: Line{Method: "GET", Target: "//", API: "orders", HasAPI: true}}, RequestMalformed},
	}
	for _, tt := range tests {
		got := decide(t, e, tt.req)
		if got.Outcome != Observed || got.Reason != tt.want || got.Metadata.Reason != string(tt.want) || got.Metadata.Outcome != "observed" {
			t.Errorf("%s: %s %q; want %q", tt.name, got.Outcome, got.Reason, tt.want)
		}
		for _, edit := range got.Edits {
			if !edit.Remove || edit.Name == authorization {
				t.Errorf("%s: edit %+v", tt.name, edit)
			}
		}
		if removed, ok := edit(got, "x-tollgate-subject"); !ok || !removed.Remove {
			t.Errorf("%s: x-tollgate-subject stays", tt.name)
		}
	}
	if got := decide(t, e, &request{line: Line{Method: "GET", Host: "api.example.com", Target: "//orders"}}); got.Outcome != Deny {
		t.Errorf("malformed and of no API: %s", got.Outcome)
	}
}

func TestMetadata(t *testing.T) {
	e := engine(t, standard())
	got := decide(t, e, get("/orders", bearerOf(keys()["HS256"].sign(good()))))
	want := Metadata{
		Decision: got.ID, Outcome: "allow", API: "orders", Subject: "alice",
		Session: sessionID("", KindToken, "https://issuer.example/", "alice"), Policies: "basic", Config: "1",
	}
	if diff := cmp.Diff(want, got.Metadata); diff != "" {
		t.Error(diff)
	}
	got = decide(t, e, get("/orders", bearerOf("x")))
	want = Metadata{Decision: got.ID, Outcome: "deny", Reason: "token_malformed", API: "orders", Config: "1"}
	if diff := cmp.Diff(want, got.Metadata); diff != "" {
		t.Error(diff)
	}
	if header(got, headerReason) != "token_invalid" {
		t.Error("the client sees the exact code")
	}
	odd := decide(t, e, get("/orders", bearerOf(keys()["HS256"].sign(good(claims{"sub": "a\u2028b"})))))
	if odd.Outcome != Allow || odd.Metadata.Subject != "" {
		t.Errorf("an identity that cannot stand: %+v", odd.Metadata)
	}
	if !slices.IsSortedFunc(got.Edits, func(a, b Edit) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("edits have no order")
	}
}

func TestDecisionIDs(t *testing.T) {
	e := engine(t, standard(), Options{Replica: "pod-1 \r\n/ü"})
	seen := map[string]bool{}
	for range 1000 {
		id := e.Decide(context.Background(), get("/orders")).ID
		if seen[id] || !strings.HasPrefix(id, "pod-1-") || !canStand(id) {
			t.Fatalf("id %q", id)
		}
		seen[id] = true
	}
}
