package authz

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/policies"
)

// manyAPIs gives n APIs, by path under one host, by host and by wildcard in turn,
// and as many policies, which grant one each.
func manyAPIs(key *signer, n int) Spec {
	return standard(func(s *Spec) {
		s.APIs, s.Policies = nil, nil
		for i := range n {
			id := fmt.Sprintf("api-%d", i)
			match := []MatchSpec{
				{Host: "api.example.com", Path: fmt.Sprintf("/v1/%s", id)}, {Host: id + ".example.com", Path: "/"}, {Host: "*." + id + ".example.org", Path: "/v1"},
			}[i%3]
			s.APIs = append(s.APIs, APISpec{
				ID: id, Match: []MatchSpec{match}, Keys: []KeySpec{key.key()}, Claims: ClaimsSpec{Audiences: []string{"orders"}},
				Policies: policies.SelectorSpec{Claims: []string{"pol"}},
			})
			s.Policies = append(s.Policies, policies.Spec{ID: "policy-" + id, Access: []policies.AccessSpec{{API: id, All: true}}})
		}
	})
}

// BenchmarkChoose measures warm decisions among 10 to 100,000 APIs and policies:
// choosing does not grow with their number.
func BenchmarkChoose(b *testing.B) {
	key := keys()["HS256"]
	for _, n := range []int{10, 1000, 100_000} {
		e := engine(b, manyAPIs(key, n), Options{CacheBytes: 1 << 20})
		for i, by := range []string{"path", "host", "wildcard"} {
			id := fmt.Sprintf("api-%d", n/2/3*3+i)
			req := get("/v1/"+id+"/7", append(browser(), bearerOf(key.sign(good(claims{"pol": "policy-" + id}))))...)
			switch by {
			case "host":
				req.line.Host = id + ".example.com"
			case "wildcard":
				req.line.Host = strings.Join([]string{"shop", id, "example", "org"}, ".")
			}
			b.Run(fmt.Sprintf("apis=%d/%s", n, by), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if got := e.Decide(context.Background(), req); got.Outcome != Allow || got.Metadata.API != id {
						b.Fatal(got.Reason, got.Metadata.API)
					}
				}
			})
		}
	}
}
