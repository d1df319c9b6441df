package authz

import (
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/policies"
)

// TestTykHabits: what APIs with compat: tyk and errors: tyk do otherwise.
func TestTykHabits(t *testing.T) {
	key := keys()["HS256"]
	tykAPI := onAPI(func(a *APISpec) {
		a.Tyk, a.TykErrors = true, true
		a.Identity = []string{"uid"}
		a.Claims.Require = []string{}
	})
	scoped := onAPI(func(a *APISpec) { a.Policies.ScopeMap = map[string][]string{"read": {"basic"}} })
	tests := []struct {
		name   string
		spec   func(*Spec)
		req    *request
		reason Reason
		status int
		text   string
	}{
		{name: "raw token", req: get("/orders", "Authorization: "+key.sign(good()))},
		{name: "no token", req: get("/orders"), reason: TokenMissing, status: 400, text: "Authorization field missing"},
		{name: "another scheme", req: get("/orders", "Authorization: Basic eA=="), reason: TokenMalformed, status: 403, text: "Key not authorized"},
		{name: "scheme alone", req: get("/orders", "Authorization: Bearer"), reason: TokenMalformed, status: 403, text: "Key not authorized"},
		{name: "known alg of another family", req: get("/orders", bearerOf(keys()["RS256"].sign(good()))), reason: AlgRefused, status: 403, text: "Key not authorized: Unexpected signing method"},
		{name: "unheard of alg", req: get("/orders", bearerOf((&signer{alg: "HS256", secret: key.secret}).sign(good(), map[string]any{"alg": "XS256"}))), reason: AlgRefused, status: 403, text: "Key not authorized"},
		{name: "expired", req: get("/orders", bearerOf(key.sign(good(claims{"exp": 1})))), reason: TokenExpired, status: 401, text: "Key not authorized: token has expired"},
		{name: "the last date that fails", req: get("/orders", bearerOf(key.sign(good(claims{"exp": 1, "nbf": 9999999999})))), reason: TokenNotYetValid, status: 401, text: "Key not authorized: token is not valid yet"},
		{name: "ahead", req: get("/orders", bearerOf(key.sign(good(claims{"iat": 9999999999})))), reason: TokenIssuedInFuture, status: 401, text: "Key not authorized: token used before issued"},
		{name: "empty identity", req: get("/orders", bearerOf(key.sign(good(claims{"uid": ""})))), reason: IdentityMissing, status: 403, text: "found an empty user ID in predefined base claim, claim: uid"},
		{name: "empty sub", req: get("/orders", bearerOf(key.sign(good(claims{"sub": ""})))), reason: IdentityMissing, status: 403, text: "found an empty user ID in predefined base claim, claim: sub"},
		{name: "nobody", req: get("/orders", bearerOf(key.sign(good(claims{"sub": nil})))), reason: IdentityMissing, status: 403, text: "no suitable claims for user ID were found"},
		{name: "no policy", spec: onAPI(func(a *APISpec) { a.Policies.Default = nil }), req: get("/orders", bearerOf(key.sign(good()))), reason: PolicyMissing, status: 403, text: "key not authorized: no matching policy found"},
		{name: "scopes that map to nothing deny", spec: scoped, req: get("/orders", bearerOf(key.sign(good(claims{"scope": "write"})))), reason: PolicyMissing, status: 403, text: "key not authorized: no matching policy found in scope claim"},
		{name: "no scope: the default", spec: scoped, req: get("/orders", bearerOf(key.sign(good())))},
		{name: "unknown policy", spec: onAPI(func(a *APISpec) { a.Policies.Claims = []string{"pol"} }), req: get("/orders", bearerOf(key.sign(good(claims{"pol": "x"})))), reason: PolicyUnknown, status: 403, text: "key not authorized: no matching policy"},
		{name: "dangling default", spec: onAPI(func(a *APISpec) { a.Policies.Default = []string{"gone"} }), req: get("/orders", bearerOf(key.sign(good()))), reason: PolicyUnknown, status: 403, text: "key not authorized: no matching policy"},
		{name: "inactive policy", spec: func(s *Spec) { s.Policies[0].Inactive = true }, req: get("/orders", bearerOf(key.sign(good()))), reason: PolicyInactive, status: 403, text: "Key is inactive, please renew"},
		{name: "api not granted", spec: func(s *Spec) { s.Policies[0].Access = nil }, req: get("/orders", bearerOf(key.sign(good()))), reason: AccessRefused, status: 403, text: "Access to this API has been disallowed"},
		{name: "path not granted", spec: func(s *Spec) {
			s.Policies[0].Access[0] = policies.AccessSpec{API: "orders", Allow: []policies.AllowSpec{{Methods: []string{"GET"}, Path: "/orders/x"}}}
		}, req: get("/orders", bearerOf(key.sign(good()))), reason: AccessRefused, status: 403, text: "Access to this resource has been disallowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			spec := standard(tykAPI)
			if tt.spec != nil {
				tt.spec(&spec)
			}
			got := decide(t, engine(t, spec), tt.req)
			if got.Reason != tt.reason || got.Status != tt.status {
				t.Fatalf("%q %d; want %q %d", got.Reason, got.Status, tt.reason, tt.status)
			}
			want := ""
			if tt.text != "" {
				want = "{\n    \"error\": \"" + tt.text + "\"\n}"
			}
			if got.Body != want {
				t.Errorf("body %s; want %s", got.Body, want)
			}
		})
	}
	xml := decide(t, engine(t, standard(tykAPI)), get("/orders", "Content-Type: application/xml"))
	if !strings.HasPrefix(xml.Body, "<?xml") || header(xml, "content-type") != "application/xml" {
		t.Errorf("%s", xml.Body)
	}
}
