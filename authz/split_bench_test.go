package authz

import (
	"context"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// spent is the CPU time of this process, whatever else the machine does.
func spent(tb testing.TB) time.Duration {
	tb.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func middle(values []float64) float64 {
	slices.Sort(values)
	return values[len(values)/2]
}

// usual is a token of about 1,300 characters, as identity providers issue them.
func usual(s *signer) string {
	all := claims{
		"scope": "openid profile email orders:read orders:write", "jti": "f2f7d2f0-7c58-4a4b-9f7e-0d6a0c0e6b4a",
		"sub": "6c1a8a52-5d3e-4f7d-9a44-3e5d5f1f2b3c", "azp": "shop-frontend", "sid": "9f1c22d4-0d7a-4b60-8f3b-5b6f5e6a7c8d",
		"name": "Alice Example", "email": "alice@example.com", "preferred_username": "alice", "email_verified": true,
		"realm_access": map[string]any{"roles": []string{"offline_access", "buyer", "seller", "uma_authorization"}},
		"groups":       []string{},
	}
	if short := 1300 - len(s.sign(good(all))); short > 0 { // as many groups as bring it to its length
		all["groups"] = []string{strings.Repeat("g", short*3/4)}
	}
	return s.sign(good(all))
}

// BenchmarkWarmSplit measures one decision on a half beside one on its whole token,
// on one engine, in turns: CPU of each, their ratio (median of the turns), and the
// allocations.
func BenchmarkWarmSplit(b *testing.B) {
	for _, alg := range []string{"RS256", "ES256", "HS256"} {
		b.Run(alg, func(b *testing.B) {
			k, s := newKeeper(b), keys()[alg]
			spec := benchSpec(s)
			spec.APIs[0].Split.Mode = SplitAllowed
			e := k.replica(b, spec)
			token := usual(s)
			half := halve(b, e, token)
			asks := []*request{
				get("/orders/7", append(browser(), bearerOf(token))...),
				get("/orders/7", append(browser(), bearerOf(half.Text))...),
			}
			const turns = 41
			calls := max(b.N/(2*turns), 1)
			var took, allocated [2][]float64
			var ratios []float64
			for turn := range turns {
				var ns [2]float64
				for i := range asks {
					i = (i + turn) % 2
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					at := spent(b)
					for range calls {
						if got := e.Decide(context.Background(), asks[i]); got.Outcome != Allow {
							b.Fatal(got.Reason)
						}
					}
					ns[i] = float64(spent(b)-at) / float64(calls)
					runtime.ReadMemStats(&after)
					took[i] = append(took[i], ns[i])
					allocated[i] = append(allocated[i], float64(after.Mallocs-before.Mallocs)/float64(calls))
				}
				ratios = append(ratios, ns[1]/ns[0])
			}
			b.ReportMetric(float64(len(token)), "token-chars")
			b.ReportMetric(middle(took[0]), "jwt-ns")
			b.ReportMetric(middle(took[1]), "split-ns")
			b.ReportMetric(middle(ratios), "split/jwt")
			b.ReportMetric(middle(allocated[0]), "jwt-allocs")
			b.ReportMetric(middle(allocated[1]), "split-allocs")
			b.ReportMetric(0, "ns/op") // of both together: says nothing
		})
	}
}

// TestWarmSplitAllocations: a half costs one allocation more than its whole token,
// the list of edits with the token in it.
func TestWarmSplitAllocations(t *testing.T) {
	k, s := newKeeper(t), keys()["RS256"]
	spec := benchSpec(s)
	spec.APIs[0].Split.Mode = SplitAllowed
	e := k.replica(t, spec)
	token := usual(s)
	count := func(credential string) float64 {
		req := get("/orders/7", append(browser(), bearerOf(credential))...)
		return testing.AllocsPerRun(200, func() { e.Decide(context.Background(), req) })
	}
	half := halve(t, e, token)
	if whole, split := count(token), count(half.Text); split > whole+1 {
		t.Errorf("%v allocations for a half, %v for its whole token", split, whole)
	}
}
