package authz

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/policies"
)

// set reads the injected headers of an answer, removed those that are taken out.
func set(a Answer) map[string]string {
	out := map[string]string{}
	for _, e := range a.Edits {
		if !e.Remove {
			out[e.Name] = e.Value
		}
	}
	return out
}

func removed(a Answer) map[string]bool {
	out := map[string]bool{}
	for _, e := range a.Edits {
		if e.Remove {
			out[e.Name] = true
		}
	}
	return out
}

func TestDefaultHeaders(t *testing.T) {
	spec := standard(func(s *Spec) {
		s.APIs[0].Policies.Claims = []string{"pol"}
		s.Policies = append(s.Policies, policies.Spec{ID: "more", Tags: []string{"eu"}, Access: []policies.AccessSpec{{API: "orders", All: true}}})
	})
	e := engine(t, spec)
	got := decide(t, e, get("/orders", bearerOf(keys()["HS256"].sign(good(claims{"pol": []string{"more", "basic"}, "scope": "write read"})))))
	want := map[string]string{
		"x-tollgate-api": "orders", "x-tollgate-issuer": "https://issuer.example/", "x-tollgate-policies": "basic,more",
		"x-tollgate-scopes": "read,write", "x-tollgate-session": sessionID("", KindToken, "https://issuer.example/", "alice"),
		"x-tollgate-subject": "alice", "x-tollgate-tags": "eu,retail",
	}
	if diff := cmp.Diff(want, set(got)); diff != "" {
		t.Error(diff)
	}
	if len(removed(got)) != 0 {
		t.Errorf("removed %v", removed(got))
	}
	bare := decide(t, e, get("/orders", bearerOf(keys()["HS256"].sign(good(claims{"pol": "basic", "iss": nil})))))
	if diff := cmp.Diff(map[string]bool{"x-tollgate-issuer": true, "x-tollgate-scopes": true}, removed(bare)); diff != "" {
		t.Errorf("absent values are removed:\n%s", diff)
	}
}

func inject(pairs ...string) func(*Spec) {
	return onAPI(func(a *APISpec) {
		a.InjectSet = true
		for i := 0; i < len(pairs); i += 2 {
			a.Inject = append(a.Inject, InjectSpec{Header: pairs[i], Template: pairs[i+1]})
		}
	})
}

// TestHeaderValues: what a claim becomes, or "" where the header is removed.
func TestHeaderValues(t *testing.T) {
	tests := []struct{ name, value, want string }{
		{"text", `"alice"`, "alice"},
		{"latin", `"Zo\u00eb"`, "Zoë"},
		{"number as written", `1e+06`, "1e+06"},
		{"long number", `12345678901234567890`, "12345678901234567890"},
		{"negative", `-7`, "-7"},
		{"fraction", `1.50`, "1.50"},
		{"boolean", `true`, "true"},
		{"null", `null`, ""},
		{"object", `{"a":1}`, ""},
		{"list", `["a",7,true,"b"]`, "a,7,true,b"},
		{"empty list", `[]`, ""},
		{"list with an object", `["a",{}]`, ""},
		{"list with null", `["a",null]`, ""},
		{"nested list", `["a",["b"]]`, ""},
		{"element with a comma", `["a,b"]`, ""},
		{"empty element", `["a",""]`, ""},
		{"text with a comma", `"a,b"`, "a,b"},
		{"empty", `""`, ""},
		{"new line", `"a\r\nx-admin: true"`, ""},
		{"trailing new line", `"x\r\n"`, ""},
		{"nul", `"a\u0000"`, ""},
		{"c1", `"a\u0085b"`, ""},
		{"line separator", `"a\u2028b"`, ""},
		{"blank in front", `" a"`, ""},
		{"longer than the budget", `"` + strings.Repeat("x", maxHeadersTotal) + `"`, ""},
	}
	e := engine(t, standard(inject("X-Claim", "$claims.v", "X-Nested", "$claims.o.v"), func(s *Spec) { s.Token.MaxBytes = 1 << 16 }))
	for _, tt := range tests {
		payload := `{"sub":"alice","exp":4102444800,"V":"upper","v":` + tt.value + `,"o":{"v":` + tt.value + `}}`
		got := decide(t, e, get("/orders", bearerOf(keys()["HS256"].sign(payload)), "X-Claim: spoofed", "X-Nested: spoofed"))
		for _, name := range []string{"x-claim", "x-nested"} {
			e, ok := edit(got, name)
			if !ok || e.Value != tt.want || e.Remove != (tt.want == "") {
				t.Errorf("%s: %s is %.60q, removed %v; want %.60q", tt.name, name, e.Value, e.Remove, tt.want)
			}
		}
	}
}

// TestBudget: the headers that do not fit together any more are removed, in order.
func TestBudget(t *testing.T) {
	e := engine(t, standard(inject("a", "$claims.big", "b", "$claims.big", "c", "$claims.big", "d", "$subject")))
	payload := `{"sub":"alice","exp":4102444800,"big":"` + strings.Repeat("x", 3000) + `"}`
	got := decide(t, e, get("/orders", bearerOf(keys()["HS256"].sign(payload))))
	total := 0
	for name, value := range set(got) {
		total += len(name) + len(value)
	}
	if len(set(got)) != 3 || !removed(got)["c"] || total > maxHeadersTotal {
		t.Errorf("%d bytes in %d headers, removed %v", total, len(set(got)), removed(got))
	}
}

func TestInjectSources(t *testing.T) {
	e := engine(t, standard(inject("x-plan", "$meta.plan", "x-none", "$meta.none", "x-lit", "shop one", "x-s", "$session.id", "x-sub", "$subject", "Authorization", "$claims.sub"), onAPI(func(a *APISpec) {
		a.Token.Strip = true
	})))
	got := decide(t, e, get("/orders", bearerOf(keys()["HS256"].sign(good()))))
	want := map[string]string{
		"x-plan": "basic", "x-lit": "shop one", "x-s": got.Metadata.Session, "x-sub": "alice", "authorization": "alice",
	}
	if diff := cmp.Diff(want, set(got)); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"x-none", "x-tollgate-subject", "x-tollgate-session"} {
		if !removed(got)[name] {
			t.Errorf("%s is not removed", name)
		}
	}
}

// TestManagedHeaders: on every way through, nothing that this service manages
// reaches the upstream as the client sent it, in whatever spelling.
func TestManagedHeaders(t *testing.T) {
	spec := standard(inject("x-user", "$claims.sub", "x_raw", "$claims.sub"), func(s *Spec) {
		s.Unmatched = UnmatchedAllow
		s.APIs[0].Public = []RouteSpec{{Methods: []string{"GET"}, Path: "/orders/health"}}
		s.APIs[0].PreflightAllow = true
		second := s.APIs[0]
		second.ID, second.Match, second.Inject = "second", []MatchSpec{{Host: "api.example.com", Path: "/second"}}, []InjectSpec{{Header: "x-other", Template: "$subject"}}
		second.Public = nil
		watched := second
		watched.ID, watched.Match, watched.Observe = "watched", []MatchSpec{{Host: "api.example.com", Path: "/watched"}}, true
		s.APIs = append(s.APIs, second, watched)
		s.Policies[0].Access = append(s.Policies[0].Access, policies.AccessSpec{API: "second", All: true})
	})
	e := engine(t, spec)
	token := bearerOf(keys()["HS256"].sign(good()))
	spoofs := []string{
		"X-User: root", "x_user: root", "X-Raw: root", "x_raw: root", "x-other: root", "x_other: root",
		"x-tollgate-subject: root", "X_Tollgate_Subject: root", "x-tollgate_session: root", "x-tollgate-anything: root",
		"x-tollgate-subject: twice", "x.tollgate.subject: root", "X-Tollgate.Anything: root", "x.user: root", "x~raw: root",
	}
	ways := map[string]*request{
		"enforced": get("/orders", token), "another api": get("/second", token), "public": get("/orders/health"),
		"preflight": preflight("OPTIONS", "Origin: a", "Access-Control-Request-Method: GET"),
		"unmatched": get("/else"), "observed": get("/watched", token), "observed refusal": get("/watched"),
	}
	for name, req := range ways {
		req.with(spoofs...).with("X-Mine: kept", "x_mine: kept", "x.users: kept")
		got := decide(t, e, req)
		if got.Outcome == Deny {
			t.Fatalf("%s: %s", name, got.Reason)
		}
		edits := map[string]int{}
		for _, e := range got.Edits {
			edits[e.Name]++
			if e.Value == "" && !e.Remove || strings.Contains(e.Value, "root") {
				t.Errorf("%s: %+v", name, e)
			}
		}
		for _, spoof := range spoofs {
			header, _, _ := strings.Cut(strings.ToLower(spoof), ": ")
			if edits[header] != 1 {
				t.Errorf("%s: %d edits of %s", name, edits[header], header)
			}
		}
		if edits["x-mine"]+edits["x_mine"]+edits["x.users"]+edits["authorization"] > 0 {
			t.Errorf("%s: edits of what is not ours: %v", name, edits)
		}
	}
	// Also where the front hides them.
	hidden := removed(decide(t, e, get("/else")))
	for _, name := range []string{"x-user", "x_raw", "x-raw", "x-other", "x-tollgate-subject"} {
		if !hidden[name] {
			t.Errorf("%s is not removed unseen", name)
		}
	}
}

func TestStrip(t *testing.T) {
	spec := standard(onAPI(func(a *APISpec) {
		a.Token = LocationSpec{Header: "Authorization", Query: "token", Cookie: "token", Strip: true}
	}))
	token := keys()["HS256"].sign(good())
	tests := []struct {
		name string
		req  *request
		want map[string]Edit
	}{
		{"header", get("/orders?a=1&b", bearerOf(token), "Cookie: a=1"), map[string]Edit{"authorization": {Name: "authorization", Remove: true}}},
		{"query", get("/orders?z=%20+&token=" + token + "&a=1"), map[string]Edit{":path": {Name: ":path", Value: "/orders?z=%20+&a=1"}}},
		{"query alone", get("/orders?token=" + token), map[string]Edit{":path": {Name: ":path", Value: "/orders"}}},
		{"cookie", get("/orders", "Cookie: a=1; token="+token+"; b=2"), map[string]Edit{"cookie": {Name: "cookie", Value: "a=1; b=2"}}},
		{"cookie alone", get("/orders", "Cookie: token="+token), map[string]Edit{"cookie": {Name: "cookie", Remove: true}}},
	}
	e := engine(t, spec)
	for _, tt := range tests {
		got := decide(t, e, tt.req)
		if got.Outcome != Allow {
			t.Fatalf("%s: %s", tt.name, got.Reason)
		}
		found := map[string]Edit{}
		for _, e := range got.Edits {
			if !strings.HasPrefix(e.Name, reservedPrefix) {
				found[e.Name] = e
			}
		}
		if diff := cmp.Diff(tt.want, found); diff != "" {
			t.Errorf("%s:\n%s", tt.name, diff)
		}
	}
	kept := engine(t, standard(onAPI(func(a *APISpec) { a.Token = LocationSpec{Query: "token"} })))
	if _, ok := edit(decide(t, kept, get("/orders?token="+token)), ":path"); ok {
		t.Error("stripped without strip")
	}
	tyk := engine(t, standard(onAPI(func(a *APISpec) { a.Tyk, a.Token = true, spec.APIs[0].Token })))
	got := decide(t, tyk, get("/orders?token="+token, bearerOf("old"), "Cookie: token="+token))
	if got.Outcome != Allow || !removed(got)["authorization"] || !removed(got)["cookie"] || set(got)[":path"] != "/orders" {
		t.Errorf("tyk takes the cookie and strips all three: %s %+v", got.Reason, got.Edits)
	}
}
