package authz

import (
	"strings"
	"testing"
)

// Context variables of a definition of Tyk: those of the token are the session's,
// those of the request are made for each, cached token or not.
func TestTykContextVariables(t *testing.T) {
	spec := standard(onAPI(defined), onAPI(func(a *APISpec) {
		a.Definition.Context = true
		a.InjectSet = true
		for header, text := range map[string]string{
			"x-path": "$tyk_context.path", "x-parts": "$tyk_context.path_parts", "x-peer": "$tyk_context.remote_addr", "x-id": "$tyk_context.request_id",
			"x-agent": "$tyk_context.headers_User_Agent", "x-cookie": "$tyk_context.cookies_theme", "x-dashed": "$tyk_context.cookies_my_lang",
			"x-none": "$tyk_context.headers_X_Absent", "x-mixed": "$tyk_context.jwt_claims_sub on $tyk_context.path by $tyk_meta.plan",
			"x-ours": "$tyk_context.headers_x_tollgate_subject", "x-own": "$tyk_context.headers_X_Path", "x-sub": "$tyk_context.jwt_claims_sub",
		} {
			a.Inject = append(a.Inject, InjectSpec{Header: header, Template: text})
		}
	}))
	e, key := engine(t, spec), keys()["HS256"]
	token := bearerOf(key.sign(good()))
	for i, path := range []string{"/orders/7", "/orders/8"} { // the second from the cache
		req := get(path+"?q=1", token, "User-Agent: curl", "Cookie: theme=dark; my-lang=de", "X-Path: /forged", "X-Tollgate-Subject: root", "X-None: forged")
		req.line.SourceAddress = "203.0.113.7"
		got := decide(t, e, req)
		if got.Outcome != Allow {
			t.Fatal(got.Reason)
		}
		want := map[string]string{
			"x-path": path, "x-parts": strings.ReplaceAll(path, "/", ","), "x-peer": "203.0.113.7", "x-id": got.ID, "x-agent": "curl", "x-cookie": "dark",
			"x-dashed": "de", "x-mixed": "alice on " + path + " by basic", "x-sub": "alice",
		}
		for name, value := range want {
			if set(got)[name] != value {
				t.Errorf("request %d: %s is %q, want %q", i, name, set(got)[name], value)
			}
		}
		for _, name := range []string{"x-none", "x-ours", "x-own"} {
			if value, ok := set(got)[name]; ok || !removed(got)[name] {
				t.Errorf("request %d: %s is %q, and removed: %v", i, name, value, removed(got)[name])
			}
		}
	}
	if n := len(e.sessions.byID); n != 1 {
		t.Errorf("%d sessions", n)
	}
	// What cannot stand in a header, and what is too much, is left out.
	odd := get("/orders/7", token, "User-Agent: "+strings.Repeat("x", maxHeadersTotal), "Cookie: theme=a; theme=b")
	if got := decide(t, e, odd); !removed(got)["x-agent"] || !removed(got)["x-cookie"] {
		t.Errorf("%v", set(got))
	}
}

func TestTykContextVariablesThatAreNotKept(t *testing.T) {
	for text, why := range map[string]string{
		"$tyk_context.request_data": "body", "$tyk_context.": "nameless", "$tyk_context.geo": "unknown", "$tyk_context.headers_": "nameless",
		"a $tyk_context.jwt_claims_": "nameless",
	} {
		spec := standard(onAPI(defined), onAPI(func(a *APISpec) {
			a.Definition.Context, a.InjectSet = true, true
			a.Inject = []InjectSpec{{Header: "x-a", Template: text}}
		}))
		e := New(Options{})
		if list := e.Check(spec); len(list) == 0 {
			t.Errorf("%s (%s) is taken", text, why)
		}
		e.Close()
	}
	if KnownVariable("request_data.a") || !KnownVariable("headers_User_Agent") || !KnownVariable("token") || !KnownVariable("jwt_claims_sub") {
		t.Error("KnownVariable and compiling disagree")
	}
}
