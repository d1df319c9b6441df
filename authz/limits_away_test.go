package authz

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/tollgate-authz/tollgate/policies"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
	"github.com/tollgate-authz/tollgate/store/memory"
)

// TestRefusalsAreRepeatedLocally: a shared store that has refused is not asked
// again until it could admit, or the limits are others.
func TestRefusalsAreRepeatedLocally(t *testing.T) {
	c := newClock()
	at := newCounter(t, c)
	spec := limited(nil, perDay(1), onAPI(func(a *APISpec) { a.Limits.Rate = perMinute(100) }))
	e, _ := counting(t, spec, c, at, true)
	first := ask(e, "alice", "/orders")
	refused := ask(e, "alice", "/orders")
	if first.Outcome != Allow || refused.Reason != QuotaExceeded || at.asked.Load() != 2 {
		t.Fatalf("%s, %s, asked %d times", first.Reason, refused.Reason, at.asked.Load())
	}
	c.advance(time.Second)
	again := ask(e, "alice", "/orders")
	if at.asked.Load() != 2 {
		t.Errorf("a refusal was asked for again: %d", at.asked.Load())
	}
	if again.Reason != QuotaExceeded || again.RetryAfter != refused.RetryAfter-time.Second || header(again, "x-ratelimit-limit") != "1" {
		t.Errorf("repeated: %s %v %v", again.Reason, again.RetryAfter, again.Headers)
	}
	if got := ask(e, "bob", "/orders"); got.Outcome != Allow {
		t.Errorf("bob: %s", got.Reason)
	}
	asked := at.asked.Load()
	c.advance(deniedAtMost)
	if got := ask(e, "alice", "/orders"); got.Reason != QuotaExceeded || at.asked.Load() != asked+1 {
		t.Errorf("after its bound a refusal is asked for: %s, %d", got.Reason, at.asked.Load()-asked)
	}
	spec.Policies[0].Quota = perDay(2)
	load(t, e, spec)
	if got := ask(e, "alice", "/orders"); got.Outcome != Allow {
		t.Errorf("a larger quota is not asked for: %s", got.Reason)
	}
}

// TestRefusalsEndWhenTheClockStepsBack: a refusal is repeated for its bound, whatever
// this machine's clock does meanwhile.
func TestRefusalsEndWhenTheClockStepsBack(t *testing.T) {
	c := newClock()
	at := newCounter(t, newClock()) // of the store, which has its own
	e, _ := counting(t, limited(nil, perDay(1)), c, at, true)
	c.advance(time.Hour)
	admitted(e, "alice", "/orders", 2)
	asked := at.asked.Load()
	c.advance(-time.Hour)
	if got := ask(e, "alice", "/orders"); got.Reason != QuotaExceeded || at.asked.Load() != asked+1 {
		t.Errorf("%s, asked %d times", got.Reason, at.asked.Load()-asked)
	}
}

// TestRefusalsOfAllCallersAreRepeated: what all callers have used up is not asked
// for by any of them.
func TestRefusalsOfAllCallersAreRepeated(t *testing.T) {
	c := newClock()
	at := newCounter(t, c)
	e, _ := counting(t, limited(nil, perDay(9), onAPI(func(a *APISpec) { a.Limits.Rate = perMinute(1) })), c, at, true)
	ask(e, "alice", "/orders")
	ask(e, "alice", "/orders")
	asked := at.asked.Load()
	for i := range 10 {
		if got := ask(e, fmt.Sprint("caller ", i), "/orders"); got.Reason != RateLimited {
			t.Errorf("%s", got.Reason)
		}
	}
	if n := at.asked.Load() - asked; n != 0 {
		t.Errorf("asked %d times", n)
	}
}

// TestChangedUsageIsHeardOf: a reset on one replica ends the refusals of all.
func TestChangedUsageIsHeardOf(t *testing.T) {
	at := memory.Open(memory.Options{})
	defer at.Close()
	ctx, cancel := context.WithCancel(t.Context())
	spec := limited(nil, perDay(1))
	var engines [3]*Engine
	ended := make(chan struct{})
	for i := range engines {
		l := NewLimits(LimitsOptions{})
		l.Use(at, true)
		engines[i] = engine(t, spec, Options{Now: time.Now, Limiter: l})
		go func() { l.Run(ctx); ended <- struct{}{} }()
		eventually(t, func() error {
			if n := l.replicas.now().count(); n < i+1 {
				return fmt.Errorf("replica %d knows of %d", i, n)
			}
			return nil
		})
	}
	token := "Authorization: Bearer " + keys()["HS256"].sign(good(claims{"exp": time.Now().Add(time.Hour).Unix(), "iat": nil}))
	decide := func(e *Engine) Answer { return e.Decide(ctx, get("/orders", token)) }
	session := decide(engines[0]).Metadata.Session
	for _, e := range engines {
		if got := decide(e); got.Reason != QuotaExceeded {
			t.Fatalf("%s", got.Reason)
		}
	}
	// A follower that is not there yet has asked for its head already, or forgets
	// everything when it does: a reset is heard of sooner than refusals end.
	reset := time.Now()
	if err := engines[0].ResetUsage(ctx, session); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if got := decide(engines[2]); got.Outcome != Allow {
			return got.Reason
		}
		return nil
	})
	t.Logf("heard of after %v", time.Since(reset).Round(time.Millisecond))
	cancel()
	for range engines {
		<-ended
	}
	if page, err := at.List(t.Context(), store.Key{Kind: store.KindReplica}, ""); err != nil || len(page.Items) != 0 {
		t.Errorf("%d heartbeats are left after an orderly end, %v", len(page.Items), err)
	}
}

// eventually waits for what must happen, on a machine that may be busy.
func eventually(t *testing.T, what func() error) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for {
		err := what()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatal(err)
		}
	}
}

func TestWithoutTheStore(t *testing.T) {
	tests := []struct {
		name     string
		top      LimitsSpec
		own      APILimitsSpec
		rate     *policies.Rate
		quota    *policies.Quota
		admitted int // of 10
		reason   Reason
		degraded string
	}{
		{name: "a rate counts here", rate: perMinute(3), admitted: 3, reason: RateLimited, degraded: "local_share"},
		{name: "a quota denies", quota: perDay(3), reason: StoreUnavailable},
		{name: "both deny", rate: perMinute(3), quota: perDay(5), reason: StoreUnavailable},
		{name: "a quota counts here", top: LimitsSpec{OnQuota: FailLocalShare}, quota: perDay(4), admitted: 4, reason: QuotaExceeded, degraded: "local_share"},
		{name: "a rate is let through", top: LimitsSpec{OnRate: FailAllow}, rate: perMinute(3), admitted: 10, degraded: "allow"},
		{name: "a rate denies", top: LimitsSpec{OnRate: FailDeny}, rate: perMinute(3), reason: StoreUnavailable},
		{name: "the API says otherwise", top: LimitsSpec{OnRate: FailDeny}, own: APILimitsSpec{OnRate: FailAllow}, rate: perMinute(3), admitted: 10, degraded: "allow"},
		{name: "each its own", top: LimitsSpec{OnQuota: FailAllow}, rate: perMinute(3), quota: perDay(1), admitted: 3, reason: RateLimited, degraded: "local_share,allow"},
		{name: "all callers", own: APILimitsSpec{Rate: perMinute(2)}, admitted: 2, reason: RateLimited, degraded: "local_share"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := newClock()
			at := newCounter(t, c)
			at.away.Store(true)
			spec := limited(tt.rate, tt.quota, func(s *Spec) { s.Limits, s.APIs[0].Limits = tt.top, tt.own })
			o := &observer{}
			l := NewLimits(LimitsOptions{Now: c.now})
			l.Use(at, true)
			e := engine(t, spec, Options{Now: c.now, Limiter: l, Observer: o})
			passed := 0
			for range 10 {
				got := ask(e, "alice", "/orders")
				if got.Outcome == Allow {
					passed++
				} else if got.Reason != tt.reason {
					t.Errorf("%s", got.Reason)
				}
				if got.Metadata.Degraded != tt.degraded || o.last.Degraded != tt.degraded {
					t.Errorf("degraded %q, told %q", got.Metadata.Degraded, o.last.Degraded)
				}
				if tt.reason == StoreUnavailable && !errors.Is(o.last.Err, store.ErrUnavailable) {
					t.Errorf("told %v", o.last.Err)
				}
			}
			if passed != tt.admitted {
				t.Errorf("%d admitted, want %d", passed, tt.admitted)
			}
			at.away.Store(false)
			if got := ask(e, "alice", "/orders"); got.Outcome != Allow || got.Metadata.Degraded != "" {
				t.Errorf("with the store again: %s, %q", got.Reason, got.Metadata.Degraded)
			}
		})
	}
}

// TestOneShardAway: of two records only the one that cannot be asked degrades.
func TestOneShardAway(t *testing.T) {
	c := newClock()
	at := newCounter(t, c)
	e, _ := counting(t, limited(nil, perDay(3), onAPI(func(a *APISpec) { a.Limits.Rate = perMinute(5) })), c, at, true)
	at.apart.Store(true)
	for i := range 3 {
		if got := ask(e, "alice", "/orders"); got.Outcome != Allow || got.Metadata.Degraded != "local_share" {
			t.Errorf("request %d: %s %q", i, got.Reason, got.Metadata.Degraded)
		}
	}
	if got := ask(e, "alice", "/orders"); got.Reason != QuotaExceeded {
		t.Errorf("%s", got.Reason)
	}
}

// replicasOf makes a process know of so many others.
func replicasOf(l *Limits, own, count int) {
	set := &replicaSet{own: mix(uint64(own + 1))}
	for i := range count {
		if i != own {
			set.other = append(set.other, mix(uint64(i+1)))
		}
	}
	l.replicas.known.Store(set)
}

// TestOutageAdmitsNoMore: when the store goes away in the middle of a period, every
// replica goes on with its part of what it has last seen left. Where all have seen
// the same, they admit together at most the limit; one that has not asked for a
// while adds its part of what the others have taken meanwhile, and no more.
func TestOutageAdmitsNoMore(t *testing.T) {
	for _, tt := range []struct{ n, before, among int }{{100, 40, 4}, {100, 100, 4}, {100, 0, 4}, {10, 7, 8}, {3, 0, 8}, {8, 8, 8}} {
		for name, spec := range map[string]Spec{
			"rate":  limited(&policies.Rate{Requests: int64(tt.n), Per: time.Hour, Algorithm: policies.FixedWindow}, nil),
			"quota": limited(nil, perDay(int64(tt.n)), func(s *Spec) { s.Limits.OnQuota = FailLocalShare }),
		} {
			for _, fresh := range []bool{true, false} {
				t.Run(fmt.Sprintf("%s, %d of %d used, %d replicas, fresh %v", name, tt.before, tt.n, tt.among, fresh), func(t *testing.T) {
					sum, most := outage(t, spec, tt.n, tt.before, tt.among, fresh)
					if sum < tt.before || sum > most || fresh && sum > tt.n {
						t.Errorf("%d admitted of %d, at most %d expected", sum, tt.n, most)
					}
				})
			}
		}
	}
}

// outage lets replicas use some of a limit, takes the store away, and lets each
// use all that it has. most is what was used before and the parts of what each has
// last seen left.
func outage(t *testing.T, spec Spec, n, before, among int, fresh bool) (sum, most int) {
	t.Helper()
	c := newClock()
	at := newCounter(t, c)
	engines, left := make([]*Engine, among), make([]int, among)
	for i := range among {
		e, l := counting(t, spec, c, at, true)
		replicasOf(l, i, among)
		engines[i], left[i] = e, n
	}
	for i := range before {
		sum += admitted(engines[i%among], "alice", "/orders", 1)
		left[i%among] = n - sum
	}
	for i, e := range engines {
		if fresh {
			e.Explain(t.Context(), get("/orders", bearerFor("alice")), c.now())
			left[i] = n - sum
		}
	}
	most = sum
	for _, l := range left {
		most += (l + among - 1) / among
	}
	at.away.Store(true)
	for range 2 {
		for _, e := range engines {
			sum += admitted(e, "alice", "/orders", n)
		}
	}
	return sum, most
}

// TestOutagesInARow: an outage that comes and goes gives no share twice.
func TestOutagesInARow(t *testing.T) {
	c := newClock()
	at := newCounter(t, c)
	e, l := counting(t, limited(perMinute(40), nil), c, at, true)
	replicasOf(l, 0, 4)
	here := 0
	for range 5 {
		at.away.Store(false)
		ask(e, "alice", "/orders")
		at.away.Store(true)
		here += admitted(e, "alice", "/orders", 40)
	}
	if here > 10 {
		t.Errorf("%d admitted of a share of 10", here)
	}
}

// TestSharesAreNeverMore: however many processes there are, their shares together
// are at most the limit, and fewer requests than processes are all served.
func TestSharesAreNeverMore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(0, 300).Draw(t, "requests")
		among := rapid.IntRange(1, 40).Draw(t, "processes")
		record := rapid.String().Draw(t, "record")
		p := newPlan(&policies.Limit{Rate: &policies.Rate{Requests: n, Per: time.Second}, Counter: policies.CounterID{1}})
		sum, divided := int64(0), int64(0)
		for i := range among {
			l := NewLimits(LimitsOptions{})
			replicasOf(l, i, among)
			c := &check{of: &apiLimits{}, now: noon()}
			c.own.part.ID = record
			share := p.shareAt(c, l.replicas.now())
			sum += share.Capacity()
			divided += l.replicas.now().divided(n, record)
		}
		if sum > n || sum != divided || n < int64(among) && sum != n || sum <= n-int64(among) {
			t.Fatalf("%d shares of %d are %d, divided %d", among, n, sum, divided)
		}
	})
}

func TestModeLocal(t *testing.T) {
	c := newClock()
	at := newCounter(t, c)
	spec := limited(perMinute(8), perDay(100), func(s *Spec) { s.Limits.Mode = LimitLocal }, twoAPIs)
	spec.APIs[1].Limits.Mode = LimitExact
	sum := 0
	var one *Engine
	for i := range 4 {
		e, l := counting(t, spec, c, at, true)
		replicasOf(l, i, 4)
		sum += admitted(e, "alice", "/orders", 8)
		if got := ask(e, "alice", "/orders"); got.Reason != RateLimited || got.Metadata.Degraded != "" {
			t.Errorf("%s, %q", got.Reason, got.Metadata.Degraded)
		}
		one = e
	}
	if sum != 8 || at.asked.Load() != 0 {
		t.Errorf("%d admitted, the store asked %d times", sum, at.asked.Load())
	}
	if got := ask(one, "alice", "/billing"); got.Outcome != Allow || at.asked.Load() != 1 {
		t.Errorf("the API that says exact: %s, asked %d times", got.Reason, at.asked.Load())
	}
	// A store in the process is as fast, and keeps quotas.
	e, _ := counting(t, spec, c, at, false)
	if ask(e, "bob", "/orders"); at.asked.Load() != 2 {
		t.Errorf("mode local does not count in the store of the process")
	}
}

// TestReplicasAreCounted: heartbeats tell how many processes share a store; one
// that is gone without a word is counted until its last beat is old.
func TestReplicasAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		at := memory.Open(memory.Options{})
		defer at.Close()
		start := func() (*Limits, context.CancelFunc, chan struct{}) {
			l := NewLimits(LimitsOptions{})
			l.Use(at, true)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() { defer close(done); l.Run(ctx) }()
			synctest.Wait()
			return l, cancel, done
		}
		pass := func(d time.Duration) {
			timer := time.NewTimer(d)
			<-timer.C
			synctest.Wait()
		}
		one, endOne, oneEnded := start()
		two, endTwo, twoEnded := start()
		pass(beatPeriod)
		if a, b := one.replicas.now().count(), two.replicas.now().count(); a != 2 || b != 2 {
			t.Errorf("%d and %d replicas", a, b)
		}
		ghost := store.Key{Kind: store.KindReplica, ID: strings.Repeat("g", 16)}
		if _, err := at.Put(t.Context(), ghost, nil, store.Write{Expires: time.Now().Add(beatLife)}); err != nil {
			t.Fatal(err)
		}
		pass(beatPeriod)
		if n := one.replicas.now().count(); n != 3 {
			t.Errorf("%d replicas with one that was killed", n)
		}
		pass(beatLife)
		if n := one.replicas.now().count(); n != 2 {
			t.Errorf("%d replicas when its beat is old", n)
		}
		endTwo()
		<-twoEnded
		pass(beatPeriod)
		if n := one.replicas.now().count(); n != 1 {
			t.Errorf("%d replicas after an orderly end", n)
		}
		endOne()
		<-oneEnded
	})
}

// TestRecentIsBounded: what is remembered of sessions does not grow with them.
func TestRecentIsBounded(t *testing.T) {
	r := newRecent()
	for i := range 4 * recentShards * recentEntries {
		c := &check{}
		for _, s := range []*side{&c.own, &c.shared} {
			s.n, s.part.ID = 1, fmt.Sprintf("%c%d", byte(i), i)
			s.plans[0] = &plan{}
		}
		r.note(c)
	}
	n := 0
	for i := range r.shards {
		n += len(r.shards[i].byKey)
	}
	if n > recentShards*recentEntries {
		t.Errorf("%d entries", n)
	}
}

// TestLimitsAllocate holds the step in process to nothing, headers aside.
func TestLimitsAllocate(t *testing.T) {
	c := newClock()
	spec := limited(perMinute(1<<40), perDay(1<<40), onAPI(func(a *APISpec) { a.Limits.Rate = perMinute(1 << 40) }))
	e, l := counting(t, spec, c, newCounter(t, c), false)
	session := ask(e, "alice", "/orders").Metadata.Session
	a := e.live().apis[0]
	asked := limitsAsk(e, session)
	for _, tt := range []struct {
		name    string
		headers string
		most    float64
	}{{"no headers", "", 1}, {"x-ratelimit", headersLegacy, 2}} {
		limits := a.limits
		limits.headers = tt.headers
		asked.of = &limits
		got := testing.AllocsPerRun(500, func() {
			if taken, err := l.Take(t.Context(), asked); err != nil || taken.Reason != "" {
				t.Fatal(taken, err)
			}
		})
		if got > tt.most {
			t.Errorf("%s: %v allocations, at most %v", tt.name, got, tt.most)
		}
	}
}

// limitsAsk is what the engine asks for a request of a session.
func limitsAsk(e *Engine, session string) *Ask {
	snap := e.live()
	a := snap.apis[0]
	ask := &Ask{API: &a.spec, Session: session, Now: noon(), of: &a.limits, table: snap.limits, record: recordOf(session)}
	for l := range snap.policies.Limits() {
		if l.Quota != nil {
			ask.Quota = l
		} else {
			ask.Rate = l
		}
	}
	return ask
}

func BenchmarkLimits(b *testing.B) {
	c := newClock()
	spec := limited(perMinute(1<<40), perDay(1<<40))
	e, l := counting(b, spec, c, memory.Open(memory.Options{Now: c.now}), false)
	session := ask(e, "alice", "/orders").Metadata.Session
	asked := limitsAsk(e, session)
	b.Run("step", func(b *testing.B) { // the driver: look up, lock, count
		charge := &limit.Charge{Limits: []limit.Limit{newPlan(asked.Rate).kernel, newPlan(asked.Quota).kernel}, Cost: 1, Now: limit.Micros(noon())}
		at, record := l.at.Load(), recordOf(session)
		b.ReportAllocs()
		for b.Loop() {
			if v, err := at.Count(b.Context(), record, store.Take, charge); err != nil || !v.Admitted {
				b.Fatal(v, err)
			}
		}
	})
	for _, headers := range []string{headersNone, headersLegacy, headersIETF} {
		limits := *asked.of
		limits.headers = headers
		b.Run("take, headers "+headers, func(b *testing.B) {
			ask := *asked
			ask.of = &limits
			b.ReportAllocs()
			for b.Loop() {
				if taken, err := l.Take(b.Context(), &ask); err != nil || taken.Reason != "" {
					b.Fatal(taken, err)
				}
			}
		})
	}
}
