package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	kernel "github.com/tollgate-authz/tollgate/store/limit"
)

// callersInFlight is how many callers count on one id at once.
const callersInFlight = 200

func quota(n int64, per time.Duration) kernel.Limit {
	return kernel.New(kernel.Spec{ID: kernel.ID{'q'}, Algorithm: kernel.Quota, Requests: n, Per: per})
}

func one(l ...kernel.Limit) *kernel.Charge {
	return &kernel.Charge{Limits: l, Cost: 1, Now: kernel.Micros(time.Now())}
}

func admitsExactly(t *testing.T, s Subject, b store.Backend) {
	ctx := within(t)
	for _, n := range []int64{1, 7, 100, 1000} {
		id := fmt.Sprintf("exactly %d", n)
		calls := max(int(n)+callersInFlight, s.Rounds*4)
		if got := admitted(ctx, t, b, id, n, calls); got != n {
			t.Errorf("%d calls against a quota of %d: %d admitted", calls, n, got)
		}
	}
}

// admitted makes so many calls, callersInFlight at once, and counts what passed.
func admitted(ctx context.Context, t *testing.T, b store.Backend, id string, n int64, calls int) int64 {
	t.Helper()
	var passed, made atomic.Int64
	var all sync.WaitGroup
	for range callersInFlight {
		all.Go(func() {
			for made.Add(1) <= int64(calls) {
				v, err := b.Count(ctx, id, store.Take, one(quota(n, time.Hour)))
				if err != nil {
					t.Errorf("count: %v", err)
					return
				}
				if v.Admitted {
					passed.Add(1)
				}
			}
		})
	}
	all.Wait()
	return passed.Load()
}

func chargesAllOrNone(t *testing.T, _ Subject, b store.Backend) {
	ctx := within(t)
	wide := kernel.New(kernel.Spec{ID: kernel.ID{'w'}, Algorithm: kernel.Quota, Requests: 100, Per: time.Hour})
	narrow := quota(3, time.Hour)
	for i := range 6 {
		v, err := b.Count(ctx, "both", store.Take, one(wide, narrow))
		if err != nil {
			t.Fatal(err)
		}
		if v.Admitted != (i < 3) {
			t.Errorf("call %d: admitted %v", i, v.Admitted)
		}
		if i >= 3 && v.Denied != 1 {
			t.Errorf("call %d: limit %d refused", i, v.Denied)
		}
	}
	v, err := b.Count(ctx, "both", store.Take, &kernel.Charge{Limits: []kernel.Limit{wide}, Now: kernel.Micros(time.Now())})
	if err != nil || v.Usage[0].Remaining != 97 {
		t.Errorf("the refused calls were charged on the other limit: %+v, %v", v.Usage[0], err)
	}
}

func keepsCountersApart(t *testing.T, _ Subject, b store.Backend) {
	ctx := within(t)
	ids := []string{
		store.Frame("a", "b:c"), store.Frame("a:b", "c"), store.Frame("a", "b", "c"), "a", "a\r\n", "a\x00", "{a}", "a}", "{", "}{",
		strings.Repeat("x", store.MaxID), strings.Repeat("x", store.MaxID-1), "\xff", "#ids",
	}
	for range 2 {
		for i, id := range ids {
			v, err := b.Count(ctx, id, store.Take, one(quota(2, time.Hour)))
			if err != nil || !v.Admitted {
				t.Errorf("id %d shares a counter: %v", i, err)
			}
		}
	}
	if _, err := b.Count(ctx, strings.Repeat("x", 64<<10), store.Take, one(quota(2, time.Hour))); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("an id of 64 KiB: %v", err)
	}
}

func looksWithoutCounting(t *testing.T, _ Subject, b store.Backend) {
	ctx := within(t)
	look := &kernel.Charge{Limits: []kernel.Limit{quota(5, time.Hour)}, Now: kernel.Micros(time.Now())}
	for range 10 {
		v, err := b.Count(ctx, "looked at", store.Take, look)
		if err != nil || !v.Admitted || v.Usage[0].Remaining != 5 {
			t.Fatalf("%+v, %v", v.Usage[0], err)
		}
	}
}

func resetsAndTopsUp(t *testing.T, _ Subject, b store.Backend) {
	ctx := within(t)
	take := func(want bool) {
		t.Helper()
		v, err := b.Count(ctx, "reset", store.Take, one(quota(2, time.Hour)))
		if err != nil || v.Admitted != want {
			t.Errorf("admitted %v, %v", v.Admitted, err)
		}
	}
	take(true)
	take(true)
	take(false)
	up := one(quota(2, time.Hour))
	up.Cost = 1
	if v, err := b.Count(ctx, "reset", store.TopUp, up); err != nil || v.Usage[0].Remaining != 1 {
		t.Errorf("topped up: %+v, %v", v.Usage[0], err)
	}
	take(true)
	take(false)
	if v, err := b.Count(ctx, "reset", store.Reset, one(quota(2, time.Hour))); err != nil || v.Usage[0].Remaining != 2 {
		t.Errorf("reset: %+v, %v", v.Usage[0], err)
	}
	take(true)
	take(true)
	take(false)
	up.Cost = 1 << 40 // more than anybody can charge at once
	if v, err := b.Count(ctx, "reset", store.TopUp, up); err != nil || v.Usage[0].Remaining != 1<<40 {
		t.Errorf("topped up by much: %+v, %v", v.Usage[0], err)
	}
}

func renewsAtTheInstant(t *testing.T, _ Subject, b store.Backend) {
	periods, sizes := 3, []int64{7}
	if os.Getenv("TOLLGATE_LONG") == "1" {
		periods, sizes = 50, []int64{1, 7, 100, 1000}
	}
	for _, n := range sizes {
		renews(t, b, n, periods)
	}
}

// renews lets callers that never stop count across every renewal. No period may
// admit more than the quota, so the number of periods bounds what passed.
func renews(t *testing.T, b store.Backend, n int64, periods int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit+time.Minute)
	defer cancel()
	const per = 200 * time.Millisecond
	var passed atomic.Int64
	begun := time.Now()
	var all sync.WaitGroup
	for range callersInFlight {
		all.Go(func() {
			for time.Since(begun) < time.Duration(periods)*per {
				v, err := b.Count(ctx, fmt.Sprintf("renews %d", n), store.Take, one(quota(n, per)))
				if err != nil {
					t.Errorf("count: %v", err)
					return
				}
				if v.Admitted {
					passed.Add(1)
				}
			}
		})
	}
	all.Wait()
	took := time.Since(begun)
	most := n * (int64(took/per) + 1)
	if passed.Load() > most {
		t.Errorf("%d admitted in %v: at most %d", passed.Load(), took, most)
	}
	if passed.Load() < min(2*n, n+1) {
		t.Errorf("%d admitted in %v: the quota has not renewed", passed.Load(), took)
	}
	t.Logf("evidence: %d callers in flight over %d renewals: %d admitted, at most %d", callersInFlight, periods, passed.Load(), most)
}
