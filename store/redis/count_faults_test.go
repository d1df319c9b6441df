package redis_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// spending is many callers that spend one quota.
type spending struct {
	s       *redis.Store
	n       int64
	running sync.WaitGroup
	stop    chan struct{}

	calls, refused       atomic.Int64 // refused: without an answer
	admitted, denied     atomic.Int64
	slowest, machineLate atomic.Int64
}

// spend starts callers; each goes on until the quota is used up, or it is stopped.
func spend(t *testing.T, s *redis.Store, n int64, callers int) *spending {
	t.Helper()
	p := &spending{s: s, n: n, stop: make(chan struct{})}
	p.running.Go(func() { watch(p.stop, &p.machineLate) })
	for range callers {
		p.running.Go(func() { p.call(t.Context()) })
	}
	return p
}

func (p *spending) call(ctx context.Context) {
	pause := time.NewTimer(time.Hour)
	defer pause.Stop()
	for {
		select {
		case <-p.stop:
			return
		default:
		}
		p.calls.Add(1)
		start := time.Now()
		v, err := p.s.Count(ctx, "spent by all", store.Take, charge(p.n))
		raise(&p.slowest, int64(time.Since(start)))
		switch {
		case err != nil:
			p.refused.Add(1)
			// A caller of a real gateway comes again with its next request.
			pause.Reset(time.Millisecond)
			<-pause.C
		case v.Admitted:
			p.admitted.Add(1)
		default:
			p.denied.Add(1)
			pause.Reset(time.Millisecond)
			<-pause.C
		}
	}
}

// watch measures by how much a goroutine that does nothing else is late.
func watch(stop chan struct{}, late *atomic.Int64) {
	const pause = 5 * time.Millisecond
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		start := time.Now()
		select {
		case <-stop:
			return
		case <-timer.C:
		}
		raise(late, int64(time.Since(start)-pause))
		timer.Reset(pause)
	}
}

func (p *spending) await(t *testing.T, what *atomic.Int64, n int64) {
	t.Helper()
	from := what.Load()
	storetest.Eventually(t, time.Minute, func() error {
		if got := what.Load() - from; got < n {
			return fmt.Errorf("%d, waiting for %d", got, n)
		}
		return nil
	})
}

// end stops the callers; slowest is what one call may take.
func (p *spending) end(t *testing.T, budget time.Duration) {
	t.Helper()
	close(p.stop)
	p.running.Wait()
	slowest, late := time.Duration(p.slowest.Load()), time.Duration(p.machineLate.Load())
	if slowest > 5*budget+3*late {
		t.Errorf("a call took %v with a budget of %v, the machine late by up to %v", slowest, budget, late)
	}
	t.Logf("%d calls, %d without an answer, %d admitted, slowest %v", p.calls.Load(), p.refused.Load(), p.admitted.Load(), slowest.Round(time.Millisecond))
}

// TestQuotaHoldsThroughFaults: whatever a server does under 200 callers, a quota
// admits at most what it is, each call is charged at most once, calls end within
// their budget, and answers come back.
func TestQuotaHoldsThroughFaults(t *testing.T) {
	faults := []struct {
		name     string
		settings []string
		away     func(t *testing.T, r *storetest.Redis)
		back     func(t *testing.T, r *storetest.Redis)
	}{
		{name: "stopped", away: func(t *testing.T, r *storetest.Redis) { r.Stop(t) }, back: func(t *testing.T, r *storetest.Redis) { r.Continue(t) }},
		{
			name: "paused",
			away: func(t *testing.T, r *storetest.Redis) { r.Do(t, "CLIENT", "PAUSE", "1500", "ALL") },
			back: func(t *testing.T, r *storetest.Redis) { r.Do(t, "PING") }, // answered when the pause is over
		},
		{
			name: "killed", settings: []string{"--appendonly", "yes", "--appendfsync", "no"}, // the kernel is not killed
			away: func(_ *testing.T, r *storetest.Redis) { r.Kill() }, back: func(t *testing.T, r *storetest.Redis) { r.Restart(t) },
		},
	}
	rounds := 1
	if long() {
		rounds = 10
	}
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			r := storetest.StartRedis(t, storetest.RedisBinary(t), f.settings...)
			s := open(t, r.URL(), func(o *redis.Options) { o.Timeout = budget })
			const n = 3000
			p := spend(t, s, n, 200)
			for range rounds {
				p.await(t, &p.calls, 500)
				f.away(t, r)
				p.await(t, &p.refused, 400)
				f.back(t, r)
				from := time.Now()
				p.await(t, &p.calls, 200)
				storetest.Eventually(t, recovery, func() error { return s.Ping(t.Context()) })
				t.Logf("recovered after %v", time.Since(from).Round(time.Millisecond))
			}
			p.await(t, &p.denied, 400)
			p.end(t, budget)
			charged := used(t, s, "spent by all")
			if got := p.admitted.Load(); got > n || charged != n || charged > p.calls.Load() || got+p.refused.Load() < charged {
				t.Errorf("quota %d: %d charged, %d admitted, %d of %d calls without an answer", n, charged, got, p.refused.Load(), p.calls.Load())
			}
		})
	}
}

// failover is a set-up of servers of which one can be lost.
type failover struct {
	url  string
	lose func() // kills the server that has the record, and waits for its heir
}

// failovers are the set-ups, to be started.
func failovers() map[string]func(t *testing.T) failover {
	return map[string]func(t *testing.T) failover{
		"sentinel": func(t *testing.T) failover {
			c := storetest.StartSentinels(t, storetest.RedisBinary(t))
			return failover{c.URL(), func() {
				old := c.Master(t)
				old.Kill()
				c.AwaitFailover(t, old)
			}}
		},
		"cluster": func(t *testing.T) failover {
			c := storetest.StartCluster(t, storetest.RedisBinary(t))
			slot := c.Slot(t, store.Layout{Prefix: "tollgate"}.Name(store.Key{Kind: store.KindLimit, ID: "spent by all"}))
			return failover{c.URL(), func() {
				c.Owner(t, slot).Kill()
				storetest.Eventually(t, time.Minute, func() error {
					if n := len(c.Primaries(t)); n != 3 {
						return fmt.Errorf("%d primaries", n)
					}
					return nil
				})
			}}
		},
	}
}

// spendThrough spends a quota of n while the server that counts is lost. It tells
// how many were admitted before, what the heir knows of them, and how many after,
// when nobody waits for replicas: the heir has none.
func spendThrough(t *testing.T, f failover, query string, n int64) (before, kept, after int64) {
	t.Helper()
	s := open(t, f.url+query, func(o *redis.Options) { o.Timeout = budget })
	storetest.Eventually(t, recovery, func() error { return s.Ping(t.Context()) })
	p := spend(t, s, n, 100)
	p.await(t, &p.admitted, 1000)
	f.lose() // while counts go on
	p.end(t, budget)
	if p.refused.Load() == 0 {
		t.Error("no call was hit: the test did not test")
	}
	storetest.Eventually(t, recovery, func() error {
		_, err := s.Counted(t.Context(), "spent by all")
		return err
	})
	kept = used(t, s, "spent by all")
	heir := open(t, f.url, func(o *redis.Options) { o.Timeout = budget })
	storetest.Eventually(t, recovery, func() error { return heir.Ping(t.Context()) })
	again := spend(t, heir, n, 100)
	again.await(t, &again.denied, 200)
	again.end(t, budget)
	return p.admitted.Load(), kept, again.admitted.Load()
}

// TestQuotaThroughFailover: replication is asynchronous, so an heir may lack the
// last charges. A quota admits at most what it is and what the failover lost.
func TestQuotaThroughFailover(t *testing.T) {
	for name, start := range failovers() {
		t.Run(name, func(t *testing.T) {
			const n = 5000
			before, kept, after := spendThrough(t, start(t), "", n)
			lost := max(before-kept, 0)
			t.Logf("evidence: %s failover under 100 callers: %d admitted of a quota of %d, %d charges lost", name, before+after, n, lost)
			if before+after > n+lost {
				t.Errorf("%d admitted of a quota of %d, of which the failover lost %d", before+after, n, lost)
			}
		})
	}
}

// TestQuotaThroughFailoverWithReplicas: where a charge counts only when a replica
// has it, none is lost, and a quota admits what it is and not one more.
func TestQuotaThroughFailoverWithReplicas(t *testing.T) {
	rounds := 1
	if long() {
		rounds = 10
	}
	for name, start := range failovers() {
		t.Run(name, func(t *testing.T) {
			const n = 5000
			for range rounds {
				before, kept, after := spendThrough(t, start(t), "?replicas=1", n)
				t.Logf("evidence: %s failover under 100 callers, each charge with a replica: %d admitted of a quota of %d", name, before+after, n)
				if kept < before || before+after > n {
					t.Errorf("%d admitted before, of which the heir knows %d, and %d after, of a quota of %d", before, kept, after, n)
				}
			}
		})
	}
}

// TestTooFewReplicas: a change that no replica has counts as not made, whoever asks.
func TestTooFewReplicas(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := open(t, r.URL()+"?replicas=1", func(o *redis.Options) { o.Timeout = 3 * budget })
	for name, do := range map[string]func() error{
		"count": func() error {
			_, err := s.Count(t.Context(), "x", store.Take, charge(1))
			return err
		},
		"put":         func() error { _, err := s.Put(t.Context(), split("x"), []byte("v"), store.Write{}); return err },
		"put, listed": func() error { _, err := s.Put(t.Context(), cred("x"), []byte("v"), store.Write{}); return err },
		"delete":      func() error { return s.Delete(t.Context(), split("x"), store.Any) },
		"publish":     func() error { _, err := s.Publish(t.Context(), "t", []byte("v")); return err },
	} {
		if err := do(); !errors.Is(err, store.ErrUnavailable) || !strings.Contains(err.Error(), "too few replicas") {
			t.Errorf("%s: %v", name, err)
		}
	}
	wantFinding(t, s, store.Problem, "replicas=1")
	s = open(t, r.URL()+"?replicas=1", func(o *redis.Options) { o.Timeout = budget })
	together := spend(t, s, 1000, 50) // counts that travel together
	together.await(t, &together.refused, 200)
	together.end(t, budget)
	if n := together.admitted.Load(); n != 0 {
		t.Errorf("%d were admitted that no replica knows of", n)
	}
}

// TestScriptsAreForgottenUnderAQuota: SCRIPT FLUSH mid-run charges nothing twice.
func TestScriptsAreForgottenUnderAQuota(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := open(t, r.URL())
	const n = 4000
	p := spend(t, s, n, 200)
	for range 20 {
		p.await(t, &p.calls, 100)
		r.Do(t, "SCRIPT", "FLUSH")
	}
	p.await(t, &p.denied, 400)
	p.end(t, patient)
	if got := p.admitted.Load(); got != n || p.refused.Load() != 0 || used(t, s, "spent by all") != n {
		t.Errorf("%d admitted of %d, %d without an answer", got, n, p.refused.Load())
	}
}

// TestBudgetOfACount: with the budget that checks have, a server that does not
// answer costs a caller that and no more, also the callers that wait for others.
func TestBudgetOfACount(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := open(t, r.URL(), func(o *redis.Options) { o.Timeout = 0 })
	storetest.Eventually(t, recovery, func() error { return s.Ping(t.Context()) })
	r.Stop(t)
	defer r.Continue(t)
	p := spend(t, s, aLot, 8)
	p.await(t, &p.refused, 200)
	p.end(t, 25*time.Millisecond)
	if _, err := s.Count(t.Context(), "x", store.Take, charge(1)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

// TestHistoriesThroughFaults: while connections break, what callers see can still
// have been seen by one after the other; a call without an answer has happened
// once or not at all.
func TestHistoriesThroughFaults(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := open(t, r.URL())
	histories, unknown := 3, 0
	if long() {
		histories = 100
	}
	for i := range histories {
		stop, stopped := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(stopped)
			tick := time.NewTicker(3 * time.Millisecond)
			defer tick.Stop()
			for range 3 {
				select {
				case <-tick.C:
					r.Do(t, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
				case <-stop:
					return
				}
			}
		}()
		history := storetest.History(t, s, fmt.Sprintf("history %d", i), 6, 40)
		close(stop)
		<-stopped
		for _, op := range history {
			if op.Return == int64(time.Hour) {
				unknown++
			}
		}
		storetest.CheckHistory(t, history)
	}
	t.Logf("evidence: %d histories with %d calls without an answer are linearizable", histories, unknown)
	if unknown == 0 {
		t.Error("no call was hit: the test did not test")
	}
}
