package authz

import (
	"context"
	"fmt"
	"testing"

	"github.com/tollgate-authz/tollgate/policies"
)

// browser are the headers of an ordinary request through a front.
func browser() []string {
	var out []string
	for i := range 17 {
		out = append(out, fmt.Sprintf("x-browser-header-%d: some value of a usual length", i))
	}
	return out
}

func benchSpec(key *signer) Spec {
	return standard(func(s *Spec) {
		s.APIs[0].Keys = []KeySpec{key.key()}
		s.APIs[0].Claims.Audiences = []string{"orders"}
		s.APIs[0].Policies = policies.SelectorSpec{ScopeMap: map[string][]string{"orders:read": {"basic"}}}
		s.Policies[0].Access = []policies.AccessSpec{{API: "orders", Allow: []policies.AllowSpec{
			{Methods: []string{"GET"}, Path: "/orders/**"}, {Methods: []string{"POST"}, Path: "/orders"},
		}}}
	})
}

// BenchmarkDecide measures one decision by algorithm: cold verifies every time,
// warm finds the token in the cache.
func BenchmarkDecide(b *testing.B) {
	for _, alg := range []string{"HS256", "RS256", "PS256", "ES256", "ES384", "EdDSA"} {
		key := keys()[alg]
		req := get("/orders/7", append(browser(), bearerOf(key.sign(good(claims{"scope": "orders:read profile"}))))...)
		for _, mode := range []struct {
			name  string
			bytes int64
		}{{"cold", 0}, {"warm", 1 << 20}} {
			b.Run(alg+"/"+mode.name, func(b *testing.B) {
				e := engine(b, benchSpec(key), Options{CacheBytes: mode.bytes})
				b.ReportAllocs()
				for b.Loop() {
					if got := e.Decide(context.Background(), req); got.Outcome != Allow {
						b.Fatal(got.Reason)
					}
				}
			})
		}
	}
}

// BenchmarkRefuse measures refusals that need no cryptography, and a bad
// signature that was seen before.
func BenchmarkRefuse(b *testing.B) {
	key := keys()["RS256"]
	token := key.sign(good(claims{"scope": "orders:read"}))
	bad := token[:len(token)-8] + "AAAAAAAA"
	for name, req := range map[string]*request{
		"no token": get("/orders/7", browser()...), "malformed": get("/orders/7", append(browser(), bearerOf(token+"x"))...),
		"unknown api": get("/else", append(browser(), bearerOf(token))...), "seen bad signature": get("/orders/7", append(browser(), bearerOf(bad))...),
	} {
		b.Run(name, func(b *testing.B) {
			e := engine(b, benchSpec(key), Options{CacheBytes: 1 << 20})
			b.ReportAllocs()
			for b.Loop() {
				if got := e.Decide(context.Background(), req); got.Outcome != Deny {
					b.Fatal("allowed")
				}
			}
		})
	}
}

// TestWarmAllocations holds the warm path to its budget: at most 20 allocations
// of our own a check (issue 3, item 8).
func TestWarmAllocations(t *testing.T) {
	key := keys()["RS256"]
	e := engine(t, benchSpec(key), Options{CacheBytes: 1 << 20})
	req := get("/orders/7", append(browser(), bearerOf(key.sign(good(claims{"scope": "orders:read"}))))...)
	allocations := testing.AllocsPerRun(200, func() { e.Decide(context.Background(), req) })
	if allocations > 20 {
		t.Errorf("%v allocations", allocations)
	}
}
