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
	"github.com/tollgate-authz/tollgate/store/limit"
	"github.com/tollgate-authz/tollgate/store/redis"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// aLot is a quota that nobody exhausts here.
const aLot = 1 << 40

func quota(n int64) []limit.Limit {
	return []limit.Limit{limit.New(limit.Spec{ID: limit.ID{'q'}, Algorithm: limit.Quota, Requests: n, Per: time.Hour})}
}

func charge(n int64) *limit.Charge { return &limit.Charge{Limits: quota(n), Cost: 1} }

// used is what is charged on an id.
func used(t *testing.T, s *redis.Store, id string) int64 {
	t.Helper()
	record, err := s.Counted(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	u := limit.Peek(record, &limit.Charge{Limits: quota(aLot), Now: limit.Micros(time.Now())}).Usage[0]
	return u.Limit - u.Remaining
}

// counts is many callers, each with an id of its own, that compare every answer
// with what they know. Whoever gets another's answer fails.
type counts struct {
	s              *redis.Store
	running        sync.WaitGroup
	stop           chan struct{}
	calls, refused atomic.Int64
	wrong          atomic.Pointer[string]
}

func startCounts(t *testing.T, s *redis.Store, callers int) *counts {
	t.Helper()
	c := &counts{s: s, stop: make(chan struct{})}
	for i := range callers {
		c.running.Go(func() { c.call(t.Context(), i) })
	}
	return c
}

// call counts one up after the other. A call without an answer may have been
// charged: what follows says so once.
func (c *counts) call(ctx context.Context, caller int) {
	total := int64(aLot) + int64(caller) // tells callers apart
	spent, maybe := int64(0), int64(0)
	for {
		select {
		case <-c.stop:
			return
		default:
		}
		c.calls.Add(1)
		v, err := c.s.Count(ctx, fmt.Sprintf("counts %d", caller), store.Take, charge(total))
		if err != nil {
			c.refused.Add(1)
			maybe++
			if !errors.Is(err, store.ErrUnavailable) {
				c.fail("caller %d: an error of no kind: %v", caller, err)
			}
			continue
		}
		u := v.Usage[0]
		got := u.Limit - u.Remaining
		if u.Limit != total || !v.Admitted || got <= spent || got > spent+1+maybe {
			c.fail("caller %d: an answer about %d of %d after %d and %d without an answer", caller, got, u.Limit-aLot, spent, maybe)
			return
		}
		spent, maybe = got, 0
	}
}

func (c *counts) fail(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	c.wrong.CompareAndSwap(nil, &text)
}

// await waits until so many more calls were made.
func (c *counts) await(t *testing.T, n int64) {
	t.Helper()
	from := c.calls.Load()
	storetest.Eventually(t, time.Minute, func() error {
		if c.wrong.Load() != nil {
			return nil
		}
		if got := c.calls.Load() - from; got < n {
			return fmt.Errorf("%d calls made, waiting for %d", got, n)
		}
		return nil
	})
}

func (c *counts) end(t *testing.T) {
	t.Helper()
	close(c.stop)
	c.running.Wait()
	if text := c.wrong.Load(); text != nil {
		t.Error(*text)
	}
}

// TestCountsTravelTogether: with many callers most counts share a pipeline, each
// is executed once, each gets its own answer, and scripts that a server forgets
// meanwhile are sent again without counting twice.
func TestCountsTravelTogether(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := open(t, r.URL())
	c := startCounts(t, s, 200)
	c.await(t, 2000)
	for range 20 {
		r.Do(t, "SCRIPT", "FLUSH")
		c.await(t, 200)
	}
	c.end(t)
	calls, executed := c.calls.Load(), int64(0)
	for i := range 200 {
		executed += used(t, s, fmt.Sprintf("counts %d", i))
	}
	if c.refused.Load() != 0 || executed != calls {
		t.Errorf("%d of %d calls were executed, %d refused", executed, calls, c.refused.Load())
	}
	if r.Errors(t, "NOSCRIPT") == 0 {
		t.Error("no NOSCRIPT: the test did not test")
	}
	if reads := int64(r.Number(t, "total_reads_processed")); reads > calls {
		t.Errorf("%d reads of the server for %d counts: they did not travel together", reads, calls)
	} else {
		t.Logf("%d counts in %d reads of the server", calls, reads)
	}
}

// TestConnectionsBreakUnderCounts: connections are killed under pipelines. Nobody
// gets another's answer, and nothing is charged more often than it was asked.
func TestConnectionsBreakUnderCounts(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := open(t, r.URL())
	c := startCounts(t, s, 200)
	c.await(t, 1000)
	kills := 100
	if long() {
		kills = 5000
	}
	for range kills {
		r.Do(t, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
		c.await(t, 20)
	}
	c.end(t)
	if c.refused.Load() == 0 {
		t.Error("no call was hit: the test did not test")
	}
	t.Logf("%d calls, %d without an answer", c.calls.Load(), c.refused.Load())
}

// TestOneGivesUp: a caller that ends its call leaves the others of its pipeline
// alone. One that ends it while it still waits for its turn was never sent.
func TestOneGivesUp(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := open(t, r.URL(), func(o *redis.Options) { o.Timeout = 10 * time.Second })
	if _, err := s.Count(t.Context(), "first", store.Take, charge(aLot)); err != nil {
		t.Fatal(err)
	}
	r.Stop(t)
	var all sync.WaitGroup
	failed := make(chan error, 1000)
	count := func(ctx context.Context, id string) {
		all.Go(func() {
			if _, err := s.Count(ctx, id, store.Take, charge(aLot)); err != nil {
				failed <- fmt.Errorf("%s: %w", id, err)
			}
		})
	}
	for range redis.Flights {
		count(t.Context(), "under way")
	}
	storetest.Eventually(t, patient, func() error { return redis.Waiting(s, redis.Flights, 0) })
	ctx, cancel := context.WithCancel(t.Context())
	for range 50 {
		count(t.Context(), "stays")
		count(ctx, "gives up")
	}
	storetest.Eventually(t, patient, func() error { return redis.Waiting(s, redis.Flights, 100) })
	cancel()
	for range 50 {
		if err := <-failed; !strings.HasPrefix(err.Error(), "gives up") || !errors.Is(err, store.ErrUnavailable) {
			t.Error(err)
		}
	}
	r.Continue(t)
	all.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	for id, want := range map[string]int64{"under way": redis.Flights, "stays": 50, "gives up": 0} {
		if got := used(t, s, id); got != want {
			t.Errorf("%s: %d charged, want %d", id, got, want)
		}
	}
}

// TestSlotsMoveUnderCounts: while the slot of a caller moves, and counts of other
// slots share its pipelines, everything is charged once.
func TestSlotsMoveUnderCounts(t *testing.T) {
	cluster := storetest.StartCluster(t, storetest.RedisBinary(t))
	s := open(t, cluster.URL())
	storetest.Eventually(t, recovery, func() error { return s.Ping(t.Context()) })
	const callers = 100
	c := startCounts(t, s, callers)
	c.await(t, 1000)
	names := store.Layout{Prefix: "tollgate"}
	moves := 5
	if long() {
		moves = 100
	}
	for i := range moves {
		key := names.Name(store.Key{Kind: store.KindLimit, ID: fmt.Sprintf("counts %d", i%callers)})
		m := cluster.Migrate(t, cluster.Slot(t, key))
		c.await(t, 300)
		m.Move(t, 1)
		c.await(t, 300)
		m.Finish(t)
		c.await(t, 300)
	}
	c.end(t)
	executed := int64(0)
	for i := range callers {
		executed += used(t, s, fmt.Sprintf("counts %d", i))
	}
	calls, refused := c.calls.Load(), c.refused.Load()
	if executed > calls || executed < calls-refused {
		t.Errorf("%d executed of %d calls, %d of which have no answer", executed, calls, refused)
	}
	t.Logf("%d calls, %d executed, %d without an answer; %d MOVED, %d ASK",
		calls, executed, refused, cluster.Errors(t, "MOVED"), cluster.Errors(t, "ASK"))
}

// TestForeignCounter: a value that is not ours counts as empty, with a metric.
func TestForeignCounter(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	var missed atomic.Int64
	s := open(t, r.URL(), func(o *redis.Options) { o.Hooks.Unreadable = func(store.Kind) { missed.Add(1) } })
	names := store.Layout{Prefix: "tollgate"}
	for i, command := range [][]string{{"SET", "hello"}, {"RPUSH", "x"}, {"HSET", "x", "y"}, {"SET", "\x02new"}} {
		id := fmt.Sprintf("foreign %d", i)
		r.Do(t, append([]string{command[0], names.Name(store.Key{Kind: store.KindLimit, ID: id})}, command[1:]...)...)
		v, err := s.Count(t.Context(), id, store.Take, charge(5))
		if err != nil || !v.Admitted || !v.Foreign || v.Usage[0].Remaining != 4 {
			t.Errorf("%v: %+v, %v", command, v, err)
		}
		if v, err := s.Count(t.Context(), id, store.Take, charge(5)); err != nil || v.Foreign || v.Usage[0].Remaining != 3 {
			t.Errorf("%v: counted on: %+v, %v", command, v, err)
		}
	}
	if missed.Load() != 4 {
		t.Errorf("%d foreign values were told of", missed.Load())
	}
}

// TestCountersExpire: a record lives as long as its longest limit, and no longer.
func TestCountersExpire(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := open(t, r.URL())
	rate := limit.New(limit.Spec{ID: limit.ID{'r'}, Requests: 100, Per: time.Minute})
	name := store.Layout{Prefix: "tollgate"}.Name(store.Key{Kind: store.KindLimit, ID: "lives"})
	ttl := func(limits ...limit.Limit) time.Duration {
		t.Helper()
		if _, err := s.Count(t.Context(), "lives", store.Take, &limit.Charge{Limits: limits, Cost: 1}); err != nil {
			t.Fatal(err)
		}
		ms, _ := r.Do(t, "PTTL", name).(int64)
		return time.Duration(ms) * time.Millisecond
	}
	for _, want := range []struct {
		limits []limit.Limit
		most   time.Duration
	}{{[]limit.Limit{rate}, 2 * time.Minute}, {append(quota(5), rate), time.Hour}, {append(quota(5), rate), time.Hour}, {[]limit.Limit{rate}, time.Hour}} {
		if got := ttl(want.limits...); got > want.most || got < want.most-time.Minute {
			t.Errorf("a record that says something for %v expires after %v", want.most, got)
		}
	}
}
