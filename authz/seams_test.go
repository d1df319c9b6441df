package authz

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/policies"
)

func TestLimits(t *testing.T) {
	limited := standard(func(s *Spec) {
		s.Policies[0].Rate = &policies.Rate{Requests: 10, Per: time.Minute}
		s.Policies[0].Quota = &policies.Quota{Requests: 100, Per: time.Hour}
	})
	token := bearerOf(keys()["HS256"].sign(good()))
	tests := []struct {
		name   string
		say    Taken
		err    error
		want   Reason
		status int
	}{
		{name: "room", say: Taken{Limit: "10", Remaining: "9", Headers: []Header{{Name: "x-ratelimit-limit", Value: "10"}}}},
		{name: "rate", say: Taken{Reason: RateLimited, RetryAfter: 2 * time.Second, Headers: []Header{{Name: "x-ratelimit-remaining", Value: "0"}}}, want: RateLimited, status: 429},
		{name: "quota", say: Taken{Reason: QuotaExceeded, RetryAfter: time.Hour}, want: QuotaExceeded, status: 429},
		{name: "store", err: context.DeadlineExceeded, want: StoreUnavailable, status: 503},
		{name: "degraded", say: Taken{Degraded: "local_share"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := &limiter{say: tt.say, err: tt.err}
			e := engine(t, limited, Options{Limiter: l, CacheBytes: 1 << 20})
			got := decide(t, e, get("/orders", token))
			if got.Reason != tt.want || got.Status != tt.status {
				t.Fatalf("%q %d", got.Reason, got.Status)
			}
			if len(l.asked) != 3 || l.asked[0].Peek || l.asked[1].Peek || !l.asked[2].Peek {
				t.Fatalf("two decisions charge, explain looks: %+v", l.asked)
			}
			ask := l.asked[0]
			if ask.Session == "" || ask.Rate == nil || ask.Quota == nil || ask.API.ID != "orders" || !ask.Now.Equal(noon()) {
				t.Errorf("asked %+v", ask)
			}
			if tt.want == RateLimited && (header(got, "retry-after") != "2" || header(got, "x-ratelimit-remaining") != "0" || got.RetryAfter != 2*time.Second) {
				t.Errorf("headers %v", got.Headers)
			}
			if got.Outcome == Allow && len(tt.say.Headers) > 0 && header(got, "x-ratelimit-limit") != "10" {
				t.Errorf("headers %v", got.Headers)
			}
			if got.Metadata.Degraded != tt.say.Degraded || got.Metadata.Remaining != tt.say.Remaining {
				t.Errorf("metadata %+v", got.Metadata)
			}
		})
	}
	l := &limiter{}
	e := engine(t, limited, Options{Limiter: l})
	for _, req := range []*request{get("/orders"), get("/orders", token+"x"), get("/else", token)} {
		e.Decide(context.Background(), req)
	}
	if len(l.asked) != 0 {
		t.Error("a refused request is charged")
	}
}

func TestSplit(t *testing.T) {
	token := keys()["HS256"].sign(good())
	expired := keys()["HS256"].sign(good(claims{"exp": 1}))
	store := halves{"half": token, "old": expired}
	spec := func(mode SplitMode, change ...func(*Spec)) Spec {
		s := standard(change...)
		s.APIs[0].Split.Mode = mode
		return s
	}
	cookies := onAPI(func(a *APISpec) { a.Token = LocationSpec{Query: "t", Cookie: "t"} })
	tests := []struct {
		name string
		spec Spec
		req  *request
		want Reason
		edit Edit
	}{
		{name: "half", spec: spec(SplitAllowed), req: get("/orders", bearerOf("half")), edit: Edit{Name: "authorization", Value: "Bearer " + token}},
		{name: "whole", spec: spec(SplitAllowed), req: get("/orders", bearerOf(token))},
		{name: "whole refused", spec: spec(SplitRequired), req: get("/orders", bearerOf(token)), want: TokenMalformed},
		{name: "half where required", spec: spec(SplitRequired), req: get("/orders", bearerOf("half")), edit: Edit{Name: "authorization", Value: "Bearer " + token}},
		{name: "unknown half", spec: spec(SplitAllowed), req: get("/orders", bearerOf("hal")), want: TokenUnknown},
		{name: "what is restored is verified", spec: spec(SplitAllowed), req: get("/orders", bearerOf("old")), want: TokenExpired},
		{name: "store down", spec: spec(SplitAllowed), req: get("/orders", bearerOf("down")), want: StoreUnavailable},
		{name: "no split", spec: spec(SplitNone), req: get("/orders", bearerOf("half")), want: TokenMalformed},
		{name: "query", spec: spec(SplitAllowed, cookies), req: get("/orders?a=1&t=half&b"), edit: Edit{Name: ":path", Value: "/orders?a=1&t=" + token + "&b"}},
		{name: "cookie", spec: spec(SplitAllowed, cookies), req: get("/orders", "Cookie: a=1; t=half; b=2"), edit: Edit{Name: "cookie", Value: "a=1; t=" + token + "; b=2"}},
		{name: "stripped", spec: spec(SplitAllowed, onAPI(func(a *APISpec) { a.Token.Strip = true })), req: get("/orders", bearerOf("half")), edit: Edit{Name: "authorization", Remove: true}},
		{name: "headers only", spec: spec(SplitAllowed, onAPI(func(a *APISpec) { a.Split.Headers = true })), req: get("/orders", bearerOf("half")), edit: Edit{Name: "authorization", Remove: true}},
	}
	for _, tt := range tests {
		e := engine(t, tt.spec, Options{Restorer: store, CacheBytes: 1 << 20})
		got := decide(t, e, tt.req)
		if got.Reason != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got.Reason, tt.want)
		}
		if tt.edit.Name != "" && !slices.Contains(got.Edits, tt.edit) {
			t.Errorf("%s: edits %+v; want %+v", tt.name, got.Edits, tt.edit)
		}
	}
	observed := spec(SplitAllowed, onAPI(func(a *APISpec) { a.Observe = true }))
	got := decide(t, engine(t, observed, Options{Restorer: store}), get("/orders", bearerOf("half")))
	if !slices.Contains(got.Edits, Edit{Name: "authorization", Value: "Bearer " + token}) {
		t.Errorf("observed: the half is not replaced: %+v", got.Edits)
	}
}

func TestRevocations(t *testing.T) {
	token := keys()["HS256"].sign(good(claims{"jti": "t1", "client_id": "c"}))
	other := keys()["HS256"].sign(good(claims{"jti": "t2"}))
	news := &revocations{ended: map[string]bool{"t1": true}}
	e := engine(t, standard(), Options{Revocations: news, CacheBytes: 1 << 20})
	if got := decide(t, e, get("/orders", bearerOf(token))); got.Reason != TokenRevoked {
		t.Errorf("%q", got.Reason)
	}
	if got := decide(t, e, get("/orders", bearerOf(other))); got.Outcome != Allow {
		t.Errorf("%q", got.Reason)
	}
	news.ended["t2"] = true // while the token is cached
	if got := decide(t, e, get("/orders", bearerOf(other))); got.Reason != TokenRevoked {
		t.Errorf("revoked after caching: %q", got.Reason)
	}
	spec := standard(onAPI(func(a *APISpec) { a.Split.Mode = SplitAllowed }))
	e = engine(t, spec, Options{Revocations: news, Restorer: halves{"half": other}})
	got := decide(t, e, get("/orders", bearerOf("half")))
	if got.Reason != TokenRevoked || header(got, headerReason) != "token_unknown" {
		t.Errorf("a revoked half: %q, shown as %q", got.Reason, header(got, headerReason))
	}
}

func TestStaleRevocations(t *testing.T) {
	token := keys()["HS256"].sign(good())
	own := &signer{alg: "HS256", secret: []byte("the-secret-of-one-key-0123456789")}
	stored := credentials{"/k1": {ID: "k1", Keys: []*jws.Key{must(jws.NewSecret(own.secret))}, Policies: []string{"basic"}}}
	requests := map[CredentialKind]*request{
		KindToken: get("/orders", bearerOf(token)), KindSplit: get("/orders", bearerOf("half")),
		KindCredential: get("/orders", bearerOf(own.sign(good(), map[string]any{"kid": "k1"}))),
	}
	all := RevocationSpec{StaleAfter: time.Minute, SplitAllow: true, CredentialsAllow: true}
	tests := []struct {
		name  string
		spec  RevocationSpec
		stale time.Duration
		pass  map[CredentialKind]bool
	}{
		{name: "fresh enough", stale: 30 * time.Second, pass: map[CredentialKind]bool{KindToken: true, KindSplit: true, KindCredential: true}},
		{name: "stale", stale: 31 * time.Second, pass: map[CredentialKind]bool{KindToken: true}},
		{name: "plain denied", spec: RevocationSpec{PlainDeny: true}, stale: 31 * time.Second},
		{name: "all allowed", spec: all, stale: 2 * time.Minute, pass: map[CredentialKind]bool{KindToken: true, KindSplit: true, KindCredential: true}},
	}
	for _, tt := range tests {
		spec := standard(onAPI(func(a *APISpec) {
			a.Split.Mode = SplitAllowed
			a.Keys = append(a.Keys, KeySpec{Credentials: true})
		}), func(s *Spec) { s.Revocation = tt.spec })
		e := engine(t, spec, Options{
			Revocations: &revocations{stale: tt.stale}, Restorer: halves{"half": token}, Credentials: stored, CacheBytes: 1 << 20,
		})
		for kind, req := range requests {
			got := decide(t, e, req)
			if (got.Outcome == Allow) != tt.pass[kind] || (got.Outcome == Deny && (got.Reason != RevocationStale || got.Status != 503)) {
				t.Errorf("%s: %s: %q", tt.name, kind, got.Reason)
			}
			degraded := tt.stale > 30*time.Second && got.Outcome == Allow
			if (got.Metadata.Degraded == degradedRevocation) != degraded {
				t.Errorf("%s: %s: degraded %q", tt.name, kind, got.Metadata.Degraded)
			}
		}
	}
}

func TestCredentials(t *testing.T) {
	own := &signer{alg: "HS256", secret: []byte("the-secret-of-one-key-0123456789")}
	key := must(jws.NewSecret(own.secret))
	stored := credentials{
		"acme/k1":   {ID: "k1", Keys: []*jws.Key{key}, Policies: []string{"basic"}, Tags: []string{"vip"}},
		"acme/off":  {ID: "off", Keys: []*jws.Key{key}, Policies: []string{"basic"}, Inactive: true},
		"acme/old":  {ID: "old", Keys: []*jws.Key{key}, Policies: []string{"basic"}, Expires: noon()},
		"acme/none": {ID: "none", Policies: []string{"basic"}},
		"acme/bob":  {ID: "bob", Keys: []*jws.Key{key}, Policies: []string{"basic"}},
		"else/k2":   {ID: "k2", Keys: []*jws.Key{key}, Policies: []string{"basic"}},
	}
	spec := standard(inject("x-sub", "$claims.sub", "x-mail", "$claims.mail", "x-subject", "$subject", "x-issuer", "$issuer", "x-tags", "$tags"), func(s *Spec) {
		s.APIs[0].Org, s.APIs[0].Keys = "acme", []KeySpec{{Credentials: true}}
		s.APIs[0].Policies.Claims = []string{"pol"}
		s.Policies = append(s.Policies, policies.Spec{ID: "root", Access: []policies.AccessSpec{{API: "orders", All: true}}})
	})
	kid := func(id string) map[string]any { return map[string]any{"kid": id} }
	widening := good(claims{"pol": "root", "mail": "a@b", "sub": "someone"})
	tests := []struct {
		name  string
		token string
		want  Reason
	}{
		{"by kid", own.sign(widening, kid("k1")), ""},
		{"by identity", own.sign(good(claims{"sub": "bob"})), ""},
		{"of another org", own.sign(good(), kid("k2")), KeyUnknown},
		{"kid unknown, identity known", own.sign(good(claims{"sub": "bob"}), kid("x")), KeyUnknown},
		{"identity unknown", own.sign(good(claims{"sub": "eve"})), CredentialUnknown},
		{"another secret", keys()["HS256"].sign(good(), kid("k1")), SignatureInvalid},
		{"no secret", (&signer{alg: "HS256", secret: []byte{}}).sign(good(), kid("none")), SignatureInvalid},
		{"inactive", own.sign(good(), kid("off")), CredentialInactive},
		{"expired", own.sign(good(), kid("old")), CredentialExpired},
		{"expired token", own.sign(good(claims{"exp": 1}), kid("k1")), TokenExpired},
		{"store down", own.sign(good(), kid("down")), StoreUnavailable},
	}
	e := engine(t, spec, Options{Credentials: stored, CacheBytes: 1 << 20})
	for _, tt := range tests {
		if got := decide(t, e, get("/orders", bearerOf(tt.token))); got.Reason != tt.want {
			t.Errorf("%s: %q; want %q", tt.name, got.Reason, tt.want)
		}
	}
	got := decide(t, e, get("/orders", bearerOf(tests[0].token)))
	if got.Metadata.Policies != "basic" || got.Metadata.Session != sessionID("acme", KindCredential, "", "k1") {
		t.Errorf("the token widens its credential: %+v", got.Metadata)
	}
	headers := set(got)
	if headers["x-sub"] != "k1" || headers["x-subject"] != "k1" || headers["x-tags"] != "retail,vip" {
		t.Errorf("headers %v", headers)
	}
	if !removed(got)["x-mail"] || !removed(got)["x-issuer"] {
		t.Errorf("claims of the token show: %v", headers)
	}
	stored["acme/k1"].Inactive = true // while the token was verified before
	if got := decide(t, e, get("/orders", bearerOf(tests[0].token))); got.Reason != CredentialInactive {
		t.Errorf("switched off after use: %q", got.Reason)
	}
}
