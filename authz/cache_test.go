package authz

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/policies"
)

func TestCacheHits(t *testing.T) {
	seen := &observer{}
	now := noon()
	e := engine(t, standard(func(s *Spec) {
		s.Policies[0].Access[0] = policies.AccessSpec{API: "orders", Allow: []policies.AllowSpec{{Methods: []string{"GET"}, Path: "/orders"}}}
	}), Options{Observer: seen, CacheBytes: 1 << 20, Now: func() time.Time { return now }})
	key := keys()["HS256"]
	token := key.sign(good(claims{"nbf": noon().Unix() - 10, "exp": noon().Unix() + 10}))
	ask := func(req *request) (Reason, bool) {
		return e.Decide(context.Background(), req).Reason, seen.last.Cached
	}
	steps := []struct {
		name   string
		req    *request
		at     time.Duration
		want   Reason
		cached bool
	}{
		{name: "cold", req: get("/orders", bearerOf(token))},
		{name: "hit", req: get("/orders", bearerOf(token)), cached: true},
		{name: "rights are judged on a hit", req: get("/orders/7", bearerOf(token)), want: AccessRefused, cached: true},
		{name: "exp is judged on a hit", req: get("/orders", bearerOf(token)), at: 10 * time.Second, want: TokenExpired, cached: true},
		{name: "nbf is judged when the clock steps back", req: get("/orders", bearerOf(token)), at: -11 * time.Second, want: TokenNotYetValid, cached: true},
		{name: "good again", req: get("/orders", bearerOf(token)), cached: true},
		{name: "bad signature", req: get("/orders", bearerOf(token[:len(token)-3]+"AAA")), want: SignatureInvalid},
		{name: "seen before", req: get("/orders", bearerOf(token[:len(token)-3]+"AAA")), want: SignatureInvalid, cached: true},
		{name: "malformed", req: get("/orders", bearerOf(token+"=")), want: TokenMalformed},
		{name: "malformed is not cached", req: get("/orders", bearerOf(token+"=")), want: TokenMalformed},
		{name: "expired is not cached", req: get("/orders", bearerOf(key.sign(good(claims{"exp": 1})))), want: TokenExpired},
		{name: "expired again", req: get("/orders", bearerOf(key.sign(good(claims{"exp": 1})))), want: TokenExpired},
	}
	for _, step := range steps {
		now = noon().Add(step.at)
		if reason, cached := ask(step.req); reason != step.want || cached != step.cached {
			t.Errorf("%s: %q, cached %v; want %q, %v", step.name, reason, cached, step.want, step.cached)
		}
	}
}

// TestCacheKnowsItsSnapshot: what a reload changes takes effect at once, in both
// directions.
func TestCacheKnowsItsSnapshot(t *testing.T) {
	key := keys()["HS256"]
	alice, bob := bearerOf(key.sign(good())), bearerOf(key.sign(good(claims{"sub": "bob"})))
	only := func(subject string) Spec {
		return standard(onAPI(func(a *APISpec) { a.Claims.Subjects = []string{subject} }))
	}
	e := engine(t, only("alice"))
	for round := range 10 {
		who, a, b := "alice", Reason(""), SubjectRefused
		if round%2 == 1 {
			who, a, b = "bob", SubjectRefused, ""
		}
		snap := load(t, e, only(who))
		first, second := decide(t, e, get("/orders", alice)), decide(t, e, get("/orders", bob))
		if first.Reason != a || second.Reason != b {
			t.Fatalf("%s: %q and %q", who, first.Reason, second.Reason)
		}
		if want := fmt.Sprint(snap.Generation()); first.Metadata.Config != want {
			t.Errorf("generation %s; want %s", first.Metadata.Config, want)
		}
	}
	other := standard(onAPI(func(a *APISpec) { a.Keys[0].Secret = []byte("another secret of 32 bytes or so") }))
	load(t, e, other)
	if got := decide(t, e, get("/orders", alice)); got.Reason != SignatureInvalid {
		t.Errorf("a key that is gone still verifies: %q", got.Reason)
	}
}

// TestAPIsShareNoVerdict: S-129. One token on APIs with other rules.
func TestAPIsShareNoVerdict(t *testing.T) {
	spec := standard(func(s *Spec) {
		base := s.APIs[0]
		s.APIs = nil
		add := func(id string, change func(*APISpec)) {
			a := base
			a.ID, a.Match = id, []MatchSpec{{Host: "api.example.com", Path: "/" + id}}
			change(&a)
			s.APIs = append(s.APIs, a)
			s.Policies[0].Access = append(s.Policies[0].Access, policies.AccessSpec{API: id, All: true})
		}
		add("open", func(*APISpec) {})
		add("audience", func(a *APISpec) { a.Claims.Audiences = []string{"billing"} })
		add("algorithm", func(a *APISpec) { a.Algorithms = []string{"HS512"} })
		add("key", func(a *APISpec) {
			a.Keys = []KeySpec{{Secret: []byte("another secret of 32 bytes or so")}}
			a.Algorithms = []string{"HS256"}
		})
		add("policy", func(a *APISpec) { a.Policies.Default = nil })
		s.Policies[0].Access = s.Policies[0].Access[1:]
	})
	e := engine(t, spec)
	token := bearerOf(keys()["HS256"].sign(good()))
	want := map[string]Reason{"open": "", "audience": AudienceRefused, "algorithm": AlgRefused, "key": SignatureInvalid, "policy": PolicyMissing}
	for range 3 {
		for id, reason := range want {
			if got := decide(t, e, get("/"+id, token)); got.Reason != reason {
				t.Errorf("%s: %q; want %q", id, got.Reason, reason)
			}
		}
	}
}

// TestCacheIsBounded: S-130. Distinct bad tokens do not grow it without end.
func TestCacheIsBounded(t *testing.T) {
	const room = 64 << 10
	e := engine(t, standard(), Options{CacheBytes: room})
	token := keys()["HS256"].sign(good())
	for i := range 5000 {
		e.Decide(context.Background(), get("/orders", bearerOf(fmt.Sprintf("%s%04d", token[:len(token)-8], i)+"AAAA")))
	}
	e.cache.cache.CleanUp()
	if got := e.cache.cache.WeightedSize(); got > room {
		t.Errorf("%d bytes; want at most %d", got, room)
	}
}

func TestNoCache(t *testing.T) {
	seen := &observer{}
	e := engine(t, standard(), Options{Observer: seen})
	token := bearerOf(keys()["HS256"].sign(good()))
	if got := decide(t, e, get("/orders", token)); got.Outcome != Allow || seen.last.Cached {
		t.Errorf("%q, cached %v", got.Reason, seen.last.Cached)
	}
	if seen.count != 2 || seen.last.Path != "/orders" || seen.last.Subject != "alice" || seen.last.Generation != 1 {
		t.Errorf("explain tells nobody; the observer saw %d, %+v", seen.count, seen.last)
	}
}
