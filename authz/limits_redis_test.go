package authz

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/policies"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// onRedis opens a store on a server.
func onRedis(t *testing.T, url string, timeout time.Duration) *redis.Store {
	t.Helper()
	a, err := store.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	s, err := redis.Open(redis.Options{Address: a, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// engineOn is an engine on the wall clock that counts in a shared store.
func engineOn(t *testing.T, spec Spec, at store.Backend) *Engine {
	t.Helper()
	l := NewLimits(LimitsOptions{})
	l.Use(at, true)
	return engine(t, spec, Options{Now: time.Now, Limiter: l, CacheBytes: 1 << 20})
}

// long says whether full counts are asked for.
func long() bool { return os.Getenv("TOLLGATE_LONG") == "1" }

// patientBudget is for tests of what is answered, not of when.
const patientBudget = 10 * time.Second

// current is a token that is good on the wall clock.
func current(change claims) string {
	return bearerOf(keys()["HS256"].sign(good(claims{"iat": nil, "exp": time.Now().Add(time.Hour).Unix()}, change)))
}

// TestFramedIdentities: identities that look like one another when they are joined
// without care never share a counter, and strange ones are whole ones.
func TestFramedIdentities(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	at := onRedis(t, r.URL(), patientBudget)
	spec := limited(nil, perDay(1), twoAPIs)
	spec.APIs[0].Keys[0].Issuer, spec.APIs[1].Keys[0].Issuer = IssuerAny, IssuerAny
	other := spec.APIs[0]
	other.ID, other.Org, other.Match = "tenant", "acme", []MatchSpec{{Host: "acme.example.com", Path: "/orders"}}
	spec.APIs = append(spec.APIs, other)
	spec.Policies[0].Access = append(spec.Policies[0].Access, policies.AccessSpec{API: "tenant", All: true})
	e := engineOn(t, spec, at)
	identities := []claims{
		{"iss": "a", "sub": "b:c"},
		{"iss": "a:b", "sub": "c"},
		{"iss": "a", "sub": "b", "aud": "c"},
		{"iss": "a:b:c", "sub": "x"},
		{"iss": "", "sub": "a"},
		{"sub": "{a}"},
		{"sub": "}a{"},
		{"sub": "a "},
		{"sub": "ä"},
		{"sub": "a\u0308"},
		{"sub": "%00"},
		{"sub": strings.Repeat("x", maxIdentity)},
		{"sub": strings.Repeat("x", maxIdentity-1)},
	}
	for round, want := range []Outcome{Allow, Deny} {
		for i, who := range identities {
			if got := e.Decide(t.Context(), get("/orders", current(who))); got.Outcome != want {
				t.Errorf("round %d, identity %d: %s", round, i, got.Reason)
			}
		}
	}
	for _, who := range []claims{{"sub": "a\r\nb"}, {"sub": "a\x00b"}, {"sub": strings.Repeat("x", 64<<10)}} {
		if got := e.Decide(t.Context(), get("/orders", current(who))); got.Reason != IdentityMissing && got.Reason != TokenMalformed {
			t.Errorf("%s", got.Reason)
		}
	}
	// The same identity in another org is somebody else.
	acme := get("/orders", current(identities[0]))
	acme.line.Host = "acme.example.com"
	if got := e.Decide(t.Context(), acme); got.Outcome != Allow {
		t.Errorf("another org: %s", got.Reason)
	}
	keys, _ := r.Do(t, "KEYS", "tollgate:lim:*").([]any)
	if len(keys) != len(identities)+1 {
		t.Errorf("%d counters for %d identities", len(keys), len(identities)+1)
	}
	for _, key := range keys {
		name := fmt.Sprint(key)
		_, id, _ := strings.Cut(strings.TrimSuffix(name, "}"), "{")
		if raw, err := base64.RawURLEncoding.DecodeString(id); err != nil || len(raw) != recordSize {
			t.Errorf("a key of another shape: %q", name)
		}
	}
}

// TestEnginesShareARedis: eight engines on one Redis admit together exactly what a
// quota has, also when its period is renewed under them.
func TestEnginesShareARedis(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	sizes, periods := []int64{1, 7, 100}, 3
	if long() {
		sizes, periods = []int64{1, 7, 100, 1000}, 50
	}
	for _, n := range sizes {
		spec := limited(nil, perDay(n))
		var engines [8]*Engine
		for i := range engines {
			engines[i] = engineOn(t, spec, onRedis(t, r.URL(), patientBudget))
		}
		for period := range periods {
			request := get("/orders", current(claims{"sub": fmt.Sprintf("%d in period %d", n, period)}))
			var passed, made atomic.Int64
			var all sync.WaitGroup
			for i := range 200 {
				all.Go(func() {
					for made.Add(1) <= n+400 {
						if engines[i%8].Decide(context.Background(), request).Outcome == Allow {
							passed.Add(1)
						}
					}
				})
			}
			all.Wait()
			if passed.Load() != n {
				t.Errorf("%d admitted of a quota of %d", passed.Load(), n)
			}
		}
		t.Logf("evidence: 8 engines on one Redis, 200 callers in flight: exactly %d admitted, %d times", n, periods)
	}
}

// TestServerStopsUnderDecisions: while a Redis is stopped, a rate goes on locally,
// a quota denies, both within the budget; when it is back, both are asked again
// within five seconds.
func TestServerStopsUnderDecisions(t *testing.T) {
	const budget = 100 * time.Millisecond
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	at := onRedis(t, r.URL(), budget)
	rate := engineOn(t, limited(perMinute(1000), nil), at)
	quota := engineOn(t, limited(nil, perDay(1<<20)), at)
	storetest.Eventually(t, patientBudget, func() error { return at.Ping(t.Context()) })
	request := get("/orders", current(nil))
	asked := 0
	decide := func(e *Engine) (Answer, time.Duration) {
		asked++
		start := time.Now()
		got := e.Decide(t.Context(), request)
		return got, time.Since(start)
	}
	storetest.Eventually(t, patientBudget, func() error {
		if got, _ := decide(quota); got.Outcome != Allow {
			return got.Reason
		}
		return nil
	})
	r.Stop(t)
	var slowest time.Duration
	for range 50 {
		got, took := decide(rate)
		if slowest = max(slowest, took); got.Outcome != Allow || got.Metadata.Degraded != string(FailLocalShare) {
			t.Errorf("a rate: %s, %q", got.Reason, got.Metadata.Degraded)
		}
		got, took = decide(quota)
		if slowest = max(slowest, took); got.Reason != StoreUnavailable || got.Status != 503 {
			t.Errorf("a quota: %s", got.Reason)
		}
	}
	if slowest > 5*budget {
		t.Errorf("a decision took %v with a budget of %v", slowest, budget)
	}
	r.Continue(t)
	back := time.Now()
	storetest.Eventually(t, 5*time.Second, func() error {
		for _, e := range []*Engine{rate, quota} {
			if got, _ := decide(e); got.Outcome != Allow || got.Metadata.Degraded != "" {
				return fmt.Errorf("%w, %q", got.Reason, got.Metadata.Degraded)
			}
		}
		return nil
	})
	t.Logf("asked again after %v, the slowest decision took %v", time.Since(back).Round(time.Millisecond), slowest.Round(time.Millisecond))
	if executed := r.Calls(t, "evalsha") + r.Calls(t, "eval"); executed > asked+2 { // the source is sent once, after a NOSCRIPT
		t.Errorf("%d counts executed for %d decisions", executed, asked)
	}
}

// TestOneRoundTripPerCheck: a check asks the store once, whatever its limits are.
func TestOneRoundTripPerCheck(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	spec := limited(perMinute(1000), perDay(1000), onAPI(func(a *APISpec) { a.Limits.Rate = perMinute(5000) }))
	e := engineOn(t, spec, onRedis(t, r.URL(), patientBudget))
	request := get("/orders", current(nil))
	e.Decide(t.Context(), request)
	r.Do(t, "CONFIG", "RESETSTAT")
	const checks = 200
	for range checks {
		if got := e.Decide(t.Context(), request); got.Outcome != Allow {
			t.Fatal(got.Reason)
		}
	}
	commands := r.Number(t, "total_commands_processed") - r.Calls(t, "time") - r.Calls(t, "get") - r.Calls(t, "set") // inside the script
	if n := r.Calls(t, "evalsha"); n != checks || commands > checks+5 {
		t.Errorf("%d scripts and %d commands for %d checks", n, commands, checks)
	}
}
