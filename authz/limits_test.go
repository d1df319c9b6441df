package authz

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/policies"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
	"github.com/tollgate-authz/tollgate/store/memory"
)

// clock is a time that a test sets.
type clock struct{ at atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.at.Store(noon().UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.at.Load()) }
func (c *clock) advance(d time.Duration) { c.at.Add(d.Microseconds()) }

// counter is a store that counts what it is asked and can be away.
type counter struct {
	*memory.Store
	asked atomic.Int64
	away  atomic.Bool
	apart atomic.Bool // the shared record is away
}

var errAway = fmt.Errorf("%w: away", store.ErrUnavailable)

func newCounter(t testing.TB, c *clock) *counter {
	t.Helper()
	s := memory.Open(memory.Options{Now: c.now})
	t.Cleanup(func() { s.Close() })
	return &counter{Store: s}
}

func (c *counter) Count(ctx context.Context, id string, step store.Step, charge *limit.Charge) (limit.Verdict, error) {
	c.asked.Add(1)
	if c.away.Load() {
		return limit.Verdict{}, errAway
	}
	return c.Store.Count(ctx, id, step, charge)
}

func (c *counter) CountBoth(ctx context.Context, own, shared *store.Part) {
	c.asked.Add(1)
	switch {
	case c.away.Load():
		own.Err, shared.Err = errAway, errAway
	case c.apart.Load():
		own.Verdict, own.Err = c.Store.Count(ctx, own.ID, store.Take, own.Charge)
		shared.Err = errAway
	default:
		c.Store.CountBoth(ctx, own, shared)
	}
}

// counting is an engine whose limits are counted in at.
func counting(t testing.TB, spec Spec, c *clock, at store.Backend, shared bool) (*Engine, *Limits) {
	t.Helper()
	l := NewLimits(LimitsOptions{Now: c.now})
	if at != nil {
		l.Use(at, shared)
	}
	return engine(t, spec, Options{Now: c.now, Limiter: l, CacheBytes: 1 << 20}), l
}

// bearerFor is a token that lives for years.
func bearerFor(subject string) string {
	return bearerOf(keys()["HS256"].sign(good(claims{"sub": subject, "exp": noon().Add(10000 * time.Hour).Unix()})))
}

// ask decides once.
func ask(e *Engine, subject, target string) Answer {
	return e.Decide(context.Background(), get(target, bearerFor(subject)))
}

// admitted asks so many times and counts what passed.
func admitted(e *Engine, subject, target string, times int) int {
	passed := 0
	for range times {
		if ask(e, subject, target).Outcome == Allow {
			passed++
		}
	}
	return passed
}

func limited(rate *policies.Rate, quota *policies.Quota, change ...func(*Spec)) Spec {
	return standard(append([]func(*Spec){func(s *Spec) {
		s.Policies[0].Rate, s.Policies[0].Quota = rate, quota
	}}, change...)...)
}

func perMinute(n int64) *policies.Rate { return &policies.Rate{Requests: n, Per: time.Minute} }

func perDay(n int64) *policies.Quota { return &policies.Quota{Requests: n, Per: 24 * time.Hour} }

func TestRateAndQuotaOfASession(t *testing.T) {
	c := newClock()
	e, _ := counting(t, limited(perMinute(3), perDay(5)), c, newCounter(t, c), false)
	for i := range 3 {
		got := ask(e, "alice", "/orders")
		if got.Outcome != Allow || got.Metadata.Limit != "3" || got.Metadata.Remaining != strconv.Itoa(2-i) {
			t.Errorf("request %d: %s, %+v", i, got.Reason, got.Metadata)
		}
		if header(got, "x-ratelimit-limit") != "3" || header(got, "x-ratelimit-remaining") != strconv.Itoa(2-i) || header(got, "x-ratelimit-reset") == "" {
			t.Errorf("request %d: headers %v", i, got.Headers)
		}
	}
	refused := ask(e, "alice", "/orders")
	if refused.Reason != RateLimited || refused.Status != 429 || header(refused, "retry-after") != strconv.Itoa(int((refused.RetryAfter+time.Second-1)/time.Second)) {
		t.Errorf("the fourth: %s %d %v", refused.Reason, refused.Status, refused.Headers)
	}
	if header(refused, "x-ratelimit-remaining") != "0" {
		t.Errorf("headers of the refusal: %v", refused.Headers)
	}
	if got := ask(e, "bob", "/orders"); got.Outcome != Allow || got.Metadata.Remaining != "2" {
		t.Errorf("another session: %s, %+v", got.Reason, got.Metadata)
	}
	c.advance(refused.RetryAfter)
	if got := ask(e, "alice", "/orders"); got.Outcome != Allow {
		t.Errorf("after Retry-After: %s", got.Reason)
	}
	c.advance(time.Hour)
	if got := admitted(e, "alice", "/orders", 3); got != 1 { // a refused request has used none of the quota
		t.Errorf("%d more of a quota of 5, 4 of which are used", got)
	}
	if got := ask(e, "alice", "/orders"); got.Reason != QuotaExceeded || got.Status != 429 || header(got, "x-ratelimit-limit") != "5" {
		t.Errorf("beyond the quota: %s %d %v", got.Reason, got.Status, got.Headers)
	}
	c.advance(24 * time.Hour)
	if got := admitted(e, "alice", "/orders", 5); got != 3 { // the rate
		t.Errorf("%d in the next period", got)
	}
}

// twoAPIs has a second API, billing.
func twoAPIs(s *Spec) {
	billing := s.APIs[0]
	billing.ID, billing.Match = "billing", []MatchSpec{{Host: "api.example.com", Path: "/billing"}}
	s.APIs = append(s.APIs, billing)
	s.Policies[0].Access = append(s.Policies[0].Access, policies.AccessSpec{API: "billing", All: true})
}

func TestWhatALimitCounts(t *testing.T) {
	entry := func(s *Spec) {
		s.Policies[0].Access[0] = policies.AccessSpec{API: "orders", Allow: []policies.AllowSpec{
			{Methods: []string{"GET"}, Path: "/orders/**"},
			{Methods: []string{"GET"}, Path: "/orders/slow", Rate: perMinute(1)},
		}}
	}
	tests := []struct {
		name   string
		spec   Spec
		target [2]string
		want   [2]int // admitted of 5 each, one after the other
	}{
		{"the session over all APIs", limited(perMinute(3), nil, twoAPIs), [2]string{"/orders", "/billing"}, [2]int{3, 0}},
		{"each API apart", limited(perMinute(3), nil, twoAPIs, func(s *Spec) { s.Policies[0].PerAPI = true }), [2]string{"/orders", "/billing"}, [2]int{3, 3}},
		{"a quota over all APIs", limited(nil, perDay(3), twoAPIs), [2]string{"/billing", "/orders"}, [2]int{3, 0}},
		{"an entry instead of the session", limited(perMinute(3), nil, entry), [2]string{"/orders/slow", "/orders/7"}, [2]int{1, 3}},
		{"none", limited(perMinute(0), nil), [2]string{"/orders", "/orders"}, [2]int{0, 0}},
		{"no bound", limited(perMinute(-1), &policies.Quota{Requests: -1}), [2]string{"/orders", "/orders"}, [2]int{5, 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			e, _ := counting(t, tt.spec, c, newCounter(t, c), false)
			for i, target := range tt.target {
				if got := admitted(e, "alice", target, 5); got != tt.want[i] {
					t.Errorf("%s: %d admitted, want %d", target, got, tt.want[i])
				}
			}
		})
	}
}

func TestLimitOverAllCallers(t *testing.T) {
	all := onAPI(func(a *APISpec) { a.Limits.Rate = perMinute(4); a.TykErrors = true })
	c := newClock()
	e, _ := counting(t, limited(nil, perDay(3), all), c, newCounter(t, c), false)
	if got := admitted(e, "alice", "/orders", 5); got != 3 {
		t.Errorf("%d of alice's quota of 3", got)
	}
	if got := admitted(e, "bob", "/orders", 5); got != 1 {
		t.Errorf("%d for bob, of one that alice has left", got)
	}
	got := ask(e, "bob", "/orders")
	if got.Reason != RateLimited || got.Body != jsonBody("API Rate Limit Exceeded") {
		t.Errorf("%s: %s", got.Reason, got.Body)
	}
	c.advance(2 * time.Minute)
	if got := admitted(e, "bob", "/orders", 5); got != 2 {
		t.Errorf("%d for bob: a refused request has used his quota", got)
	}
	if got := ask(e, "bob", "/orders"); got.Reason != QuotaExceeded || got.Status != 403 {
		t.Errorf("in Tyk's style: %s %d", got.Reason, got.Status)
	}
}

func TestExplainChargesNothing(t *testing.T) {
	c := newClock()
	e, _ := counting(t, limited(perMinute(1), perDay(1), onAPI(func(a *APISpec) { a.Limits.Rate = perMinute(1) })), c, newCounter(t, c), true)
	for range 3 {
		got, trace := e.Explain(t.Context(), get("/orders", bearerFor("alice")), c.now())
		if got.Outcome != Allow || got.Metadata.Remaining != "1" {
			t.Fatalf("%s, %+v", got.Reason, got.Metadata)
		}
		if len(trace.Steps()) == 0 {
			t.Fatal("no steps")
		}
	}
	if got := admitted(e, "alice", "/orders", 3); got != 1 {
		t.Errorf("%d admitted", got)
	}
	if got, _ := e.Explain(t.Context(), get("/orders", bearerFor("alice")), c.now()); got.Reason != RateLimited {
		t.Errorf("explained when used up: %s", got.Reason)
	}
}

func TestNobodyIsCountedWhoIsRefused(t *testing.T) {
	c := newClock()
	at := newCounter(t, c)
	e, _ := counting(t, limited(perMinute(1), nil), c, at, true)
	for _, req := range []*request{get("/orders"), get("/orders", bearerFor("alice")+"x"), get("/else", bearerFor("alice")), get("/orders", "Authorization: Bearer x")} {
		if got := e.Decide(t.Context(), req); got.Outcome != Deny {
			t.Errorf("%v", got)
		}
	}
	if n := at.asked.Load(); n != 0 {
		t.Errorf("refused requests asked the store %d times", n)
	}
}

func TestHeadersOfTheIETF(t *testing.T) {
	c := newClock()
	spec := limited(perMinute(2), perDay(100), func(s *Spec) { s.Limits.Headers = headersIETF }, onAPI(func(a *APISpec) { a.Limits.Rate = perMinute(50) }))
	e, _ := counting(t, spec, c, newCounter(t, c), false)
	got := ask(e, "alice", "/orders")
	if p := header(got, "ratelimit-policy"); p != `"rate";q=2;w=60, "quota";q=100;w=86400, "api";q=50;w=60` {
		t.Errorf("policy %s", p)
	}
	if s := header(got, "ratelimit"); s != `"rate";r=1;t=120, "quota";r=99;t=86400, "api";r=49;t=120` {
		t.Errorf("state %s", s)
	}
	ask(e, "alice", "/orders")
	got = ask(e, "alice", "/orders")
	if s := header(got, "ratelimit"); got.Reason != RateLimited || s != `"rate";r=0;t=`+header(got, "retry-after")+`, "quota";r=98;t=86400, "api";r=48;t=120` {
		t.Errorf("%s, state %s, retry after %s", got.Reason, s, header(got, "retry-after"))
	}
	if header(got, "x-ratelimit-limit") != "" {
		t.Error("both kinds of headers")
	}
	spec.Limits.Headers = headersNone
	e, _ = counting(t, spec, c, newCounter(t, c), false)
	if got := ask(e, "alice", "/orders"); header(got, "ratelimit")+header(got, "x-ratelimit-limit") != "" || got.Metadata.Remaining != "1" {
		t.Errorf("%v, %+v", got.Headers, got.Metadata)
	}
}

func TestQuotaOfACalendar(t *testing.T) {
	c := newClock() // noon in UTC is 21:00 in Tokyo
	day := &policies.Quota{Requests: 2, Per: 24 * time.Hour, Anchor: policies.Calendar, Zone: "Asia/Tokyo"}
	e, _ := counting(t, limited(nil, day), c, newCounter(t, c), false)
	if got := admitted(e, "alice", "/orders", 3); got != 2 {
		t.Fatalf("%d admitted", got)
	}
	if wait := ask(e, "alice", "/orders").RetryAfter; wait != 3*time.Hour {
		t.Errorf("the day ends after %v", wait)
	}
	c.advance(3*time.Hour - time.Microsecond)
	if got := admitted(e, "alice", "/orders", 3); got != 0 {
		t.Errorf("%d before midnight", got)
	}
	c.advance(time.Microsecond)
	if got := admitted(e, "alice", "/orders", 3); got != 2 {
		t.Errorf("%d after midnight", got)
	}
}

// TestExactlyTheQuota: callers in flight, on an engine, admit exactly the quota.
func TestExactlyTheQuota(t *testing.T) {
	for _, n := range []int64{1, 7, 100, 1000} {
		c := newClock()
		e, _ := counting(t, limited(nil, perDay(n)), c, newCounter(t, c), false)
		var passed atomic.Int64
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() { passed.Add(int64(admitted(e, "alice", "/orders", 10))) })
		}
		all.Wait()
		if passed.Load() != n {
			t.Errorf("%d admitted of a quota of %d", passed.Load(), n)
		}
	}
}

func TestUsageOfASession(t *testing.T) {
	c := newClock()
	e, _ := counting(t, limited(perMinute(10), perDay(3)), c, newCounter(t, c), false)
	session := ask(e, "alice", "/orders").Metadata.Session
	if _, err := e.Usage(t.Context(), ask(e, "nobody", "/else").Metadata.Session); err == nil {
		t.Error("usage of no session")
	}
	if _, err := e.Usage(t.Context(), sessionID("", KindToken, "", "nobody")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("usage of a session that was never counted: %v", err)
	}
	read := func() map[string]Usage {
		t.Helper()
		list, err := e.Usage(t.Context(), session)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]Usage{}
		for _, u := range list {
			out[u.Kind] = u
		}
		return out
	}
	got := read()
	if q := got["quota"]; q.Policy != "basic" || q.Limit != 3 || q.Remaining != 2 || !q.Reset.Equal(c.now().Add(24*time.Hour)) {
		t.Errorf("quota %+v", q)
	}
	if r := got["rate"]; r.Policy != "basic" || r.Limit != 10 || r.Remaining != 9 {
		t.Errorf("rate %+v", r)
	}
	if passed := admitted(e, "alice", "/orders", 5); passed != 2 {
		t.Errorf("%d admitted", passed)
	}
	if err := e.TopUpUsage(t.Context(), session, 2); err != nil {
		t.Fatal(err)
	}
	if q := read()["quota"]; q.Limit != 5 || q.Remaining != 2 {
		t.Errorf("topped up: %+v", q)
	}
	if passed := admitted(e, "alice", "/orders", 5); passed != 2 {
		t.Errorf("%d admitted after the top-up", passed)
	}
	if err := e.ResetUsage(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if passed := admitted(e, "alice", "/orders", 5); passed != 3 {
		t.Errorf("%d admitted after the reset", passed)
	}
	if err := e.TopUpUsage(t.Context(), sessionID("", KindToken, "", "nobody"), 2); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("top-up of nothing: %v", err)
	}
	if err := e.ResetUsage(t.Context(), "x"); err == nil {
		t.Error("reset of what is no session id")
	}
	// A policy that is gone has no usage any more.
	load(t, e, standard())
	if _, err := e.Usage(t.Context(), session); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("usage without policies that limit: %v", err)
	}
}

// TestResetOfWhatIsCountedLocally: a reset begins anew what replicas count by
// themselves, too.
func TestResetOfWhatIsCountedLocally(t *testing.T) {
	c := newClock()
	spec := limited(nil, perDay(3), func(s *Spec) { s.Limits.Mode = LimitLocal })
	e, _ := counting(t, spec, c, newCounter(t, c), true)
	session := ask(e, "alice", "/orders").Metadata.Session
	if passed := admitted(e, "alice", "/orders", 5); passed != 2 {
		t.Fatalf("%d admitted", passed)
	}
	if err := e.ResetUsage(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	if passed := admitted(e, "alice", "/orders", 5); passed != 3 {
		t.Errorf("%d admitted after the reset", passed)
	}
}

// TestResetByAnother: a replica that has not met a key with limits of its own since
// it was started, or has loaded a file since, resets them all the same.
func TestResetByAnother(t *testing.T) {
	c, own := newClock(), &signer{alg: "HS256", secret: []byte("the-secret-of-one-key-0123456789")}
	at := newCounter(t, c)
	spec := limited(nil, perDay(100), onAPI(func(a *APISpec) { a.Keys = append(a.Keys, KeySpec{Credentials: true}) }))
	stored := credentials{"/k1": {
		ID: "k1", Keys: []*jws.Key{must(jws.NewSecret(own.secret))}, Policies: []string{"basic"},
		Own: &policies.Spec{ID: "of k1", Quota: perDay(2)},
	}}
	var engines [2]*Engine
	for i := range engines {
		l := NewLimits(LimitsOptions{Now: c.now})
		l.Use(at, true)
		engines[i] = engine(t, spec, Options{Now: c.now, Limiter: l, Credentials: stored})
	}
	request := get("/orders", bearerOf(own.sign(good(claims{"exp": c.now().AddDate(1, 0, 0).Unix()}), map[string]any{"kid": "k1"})))
	passed := func() (n int, session string) {
		for range 5 {
			got := engines[0].Decide(t.Context(), request)
			if session = got.Metadata.Session; got.Outcome == Allow {
				n++
			}
		}
		return n, session
	}
	n, session := passed()
	if n != 2 {
		t.Fatalf("%d admitted", n)
	}
	if err := engines[1].ResetUsage(t.Context(), session); err != nil {
		t.Fatal(err)
	}
	c.advance(deniedAtMost)
	if n, _ := passed(); n != 2 {
		t.Errorf("%d admitted after the reset", n)
	}
}

func TestContradictoryLimits(t *testing.T) {
	e := New(Options{Now: noon, Limiter: NewLimits(LimitsOptions{})})
	defer e.Close()
	tests := map[string]Spec{
		"/apis/0/limits/rate/per":               standard(onAPI(func(a *APISpec) { a.Limits.Rate = &policies.Rate{Requests: 1} })),
		"/apis/0/limits/rate/burst":             standard(onAPI(func(a *APISpec) { a.Limits.Rate = &policies.Rate{Requests: 1, Per: 1, Burst: 2} })),
		"/apis/0/limits/mode":                   standard(onAPI(func(a *APISpec) { a.Limits.Mode = "leased" })),
		"/apis/0/limits/on_store_failure/quota": standard(onAPI(func(a *APISpec) { a.Limits.OnQuota = "pray" })),
		"/limits/mode":                          standard(func(s *Spec) { s.Limits.Mode = "fast" }),
		"/limits/on_store_failure/rate":         standard(func(s *Spec) { s.Limits.OnRate = "no" }),
		"/limits/headers":                       standard(func(s *Spec) { s.Limits.Headers = "x" }),
		"/policies/0/rate/per":                  limited(&policies.Rate{Requests: 1}, nil),
		"/policies/0/quota/anchor":              limited(nil, &policies.Quota{Requests: 1, Per: 1, Anchor: "moon"}),
	}
	for at, spec := range tests {
		found := e.Check(spec)
		if len(found) == 0 || found[0].At != at {
			t.Errorf("%s: %v", at, texts(found))
		}
	}
}

// TestObservedLimits: an API that only observes is charged, tells, and refuses
// nobody.
func TestObservedLimits(t *testing.T) {
	c := newClock()
	e, _ := counting(t, limited(perMinute(2), nil, onAPI(func(a *APISpec) { a.Observe = true })), c, newCounter(t, c), true)
	for i := range 4 {
		got := ask(e, "alice", "/orders")
		want := Reason("")
		if i >= 2 {
			want = RateLimited
		}
		if got.Outcome != Observed || got.Reason != want || header(got, "x-ratelimit-limit") != "2" {
			t.Errorf("request %d: %s %q %v", i, got.Outcome, got.Reason, got.Headers)
		}
	}
}

// TestNoStore: until there is a store to count in, the failure modes decide.
func TestNoStore(t *testing.T) {
	c := newClock()
	e, _ := counting(t, limited(perMinute(2), nil), c, nil, false)
	if got := ask(e, "alice", "/orders"); got.Outcome != Allow || got.Metadata.Degraded != string(FailLocalShare) {
		t.Errorf("a rate: %s, %q", got.Reason, got.Metadata.Degraded)
	}
	if got := admitted(e, "alice", "/orders", 3); got != 1 {
		t.Errorf("%d more admitted", got)
	}
	e, _ = counting(t, limited(nil, perDay(2)), c, nil, false)
	if got := ask(e, "alice", "/orders"); got.Reason != StoreUnavailable || got.Status != 503 {
		t.Errorf("a quota: %s", got.Reason)
	}
	if _, err := e.Usage(t.Context(), sessionID("", KindToken, "", "a")); err == nil {
		t.Error("usage without a store")
	}
}
