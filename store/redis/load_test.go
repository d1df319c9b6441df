package redis_test

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// load is many callers, each with a record of its own that it counts up on
// condition and reads back. It knows what each answer may be.
type load struct {
	t       *testing.T
	s       *redis.Store
	budget  time.Duration
	callers int

	// lossy: a failover may lose writes that were acknowledged. What is read may
	// then be older than what was written, but never newer.
	lossy atomic.Bool

	stop    chan struct{}
	running sync.WaitGroup

	calls, refused, answered atomic.Int64
	puts                     atomic.Int64
	slowest                  atomic.Int64 // a duration
	goroutines               int          // before
	mostGoroutines           atomic.Int64
	latest                   atomic.Int64 // how late the machine has been
}

// startLoad starts callers. Kinds alternate: listed ones write by script, the
// others by plain commands where they can.
func startLoad(t *testing.T, s *redis.Store, callers int, budget time.Duration) *load {
	t.Helper()
	l := &load{t: t, s: s, budget: budget, callers: callers, stop: make(chan struct{}), goroutines: runtime.NumGoroutine()}
	l.running.Go(l.watchMachine)
	for i := range callers {
		key := cred(fmt.Sprintf("caller %d", i))
		if i%2 == 1 {
			key = split(key.ID)
		}
		l.running.Go(func() { l.call(key, i) })
	}
	return l
}

// call counts a record up. After a write whose fate is not known the record may
// hold the old or the new count, and nothing else.
func (l *load) call(key store.Key, caller int) {
	var version store.Version
	count, maybe, first := 0, false, true
	for {
		select {
		case <-l.stop:
			return
		default:
		}
		if first || maybe {
			r, err := measured(l, func() (store.Record, error) { return l.s.Get(l.t.Context(), key) })
			switch {
			case err == nil:
				var whose, n int
				if _, err := fmt.Sscanf(string(r.Value), "%d %d", &whose, &n); err != nil || whose != caller {
					l.t.Errorf("caller %d reads %q", caller, r.Value)
					return
				}
				if !first && n != count && (n != count+1 || !maybe) && (n > count || !l.lossy.Load()) {
					l.t.Errorf("caller %d reads count %d after %d (maybe one more: %v)", caller, n, count, maybe)
					return
				}
				count, version, maybe, first = n, r.Version, false, false
			case errors.Is(err, store.ErrNotFound):
				if !first && count > 0 && !l.lossy.Load() {
					l.t.Errorf("the record of caller %d is gone at count %d", caller, count)
					return
				}
				count, version, maybe, first = 0, store.Absent, false, false
			default:
				continue
			}
		}
		v, err := measured(l, func() (store.Version, error) {
			l.puts.Add(1)
			return l.s.Put(l.t.Context(), key, fmt.Appendf(nil, "%d %d", caller, count+1), store.Write{If: version})
		})
		switch {
		case err == nil:
			count, version = count+1, v
		case errors.Is(err, store.ErrConflict) && l.lossy.Load():
			maybe = true
		case errors.Is(err, store.ErrConflict):
			l.t.Errorf("caller %d, the only one, has a conflict at %d", caller, count)
			return
		default:
			maybe = true
		}
	}
}

// measured is one call: every answer but ErrUnavailable is an answer.
func measured[T any](l *load, do func() (T, error)) (T, error) {
	start := time.Now()
	v, err := do()
	took := int64(time.Since(start))
	raise(&l.slowest, took)
	raise(&l.mostGoroutines, int64(runtime.NumGoroutine()))
	l.calls.Add(1)
	switch {
	case errors.Is(err, store.ErrUnavailable):
		l.refused.Add(1)
		// A caller of a real gateway comes again with its next request.
		pause := time.NewTimer(time.Millisecond)
		<-pause.C
	case err == nil, errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrConflict):
		l.answered.Add(1)
	default:
		l.t.Errorf("an error of no kind: %v", err)
	}
	return v, err
}

// raise keeps the largest value.
func raise(most *atomic.Int64, v int64) {
	for now := most.Load(); v > now; now = most.Load() {
		if most.CompareAndSwap(now, v) {
			return
		}
	}
}

// watchMachine measures by how much a goroutine that does nothing else is late:
// what is the machine's fault is not the store's.
func (l *load) watchMachine() {
	const pause = 5 * time.Millisecond
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		start := time.Now()
		select {
		case <-l.stop:
			return
		case <-timer.C:
		}
		raise(&l.latest, int64(time.Since(start)-pause))
		timer.Reset(pause)
	}
}

// awaitRefusals waits until so many calls have been refused.
func (l *load) awaitRefusals(n int64) {
	l.t.Helper()
	from := l.refused.Load()
	storetest.Eventually(l.t, time.Minute, func() error {
		if got := l.refused.Load() - from; got < n {
			return fmt.Errorf("%d calls refused, waiting for %d", got, n)
		}
		return nil
	})
}

func (l *load) awaitAnswers(n int64) {
	l.t.Helper()
	from := l.answered.Load()
	storetest.Eventually(l.t, time.Minute, func() error {
		if got := l.answered.Load() - from; got < n {
			return fmt.Errorf("%d calls answered, waiting for %d", got, n)
		}
		return nil
	})
}

// recovered waits until every caller has been answered again and says how long
// that took.
func (l *load) recovered(since time.Time, within time.Duration) {
	l.t.Helper()
	l.awaitAnswers(int64(l.callers))
	took := time.Since(since)
	if took > within {
		l.t.Errorf("answers came back after %v, want within %v", took, within)
	}
	l.t.Logf("recovered after %v", took.Round(time.Millisecond))
}

// end stops the callers and says whether they were served as promised.
func (l *load) end() {
	l.t.Helper()
	close(l.stop)
	l.running.Wait()
	slowest, late := time.Duration(l.slowest.Load()), time.Duration(l.latest.Load())
	l.t.Logf("%d calls, %d refused, slowest %v of %v, the machine late by up to %v, at most %d goroutines of %d before and %d callers",
		l.calls.Load(), l.refused.Load(), slowest.Round(time.Millisecond), l.budget, late.Round(time.Millisecond), l.mostGoroutines.Load(), l.goroutines, l.callers)
	if slowest > 5*l.budget+3*late {
		l.t.Errorf("a call took %v with a budget of %v", slowest, l.budget)
	}
	// A context that runs out has a goroutine for a moment, so a caller has two
	// at most; the rest are connections on their way.
	if most := int(l.mostGoroutines.Load()); most > l.goroutines+2*l.callers+250 {
		l.t.Errorf("%d goroutines with %d callers and %d before", most, l.callers, l.goroutines)
	}
	storetest.Eventually(l.t, time.Minute, func() error {
		if n := runtime.NumGoroutine(); n > l.goroutines+100 {
			return fmt.Errorf("%d goroutines are left of %d before", n, l.goroutines)
		}
		return nil
	})
}
