package keyset

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A set that two snapshots share runs once: the second finds keys at hand and
// causes no fetch; the last to leave stops it.
func TestPoolTakesSetsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner("k1")
		p := newProvider(t, serve(set(s.jwk())))
		pool := NewPool(PoolConfig{Dial: p.dial})
		defer pool.Close()
		old := pool.Lease()
		first := must(old.Remote(atKeys))
		old.Wait(t.Context())

		next := pool.Lease()
		second := must(next.Remote(Options{URL: atKeys.URL, Refresh: defaultRefresh, Cooldown: defaultCooldown, MaxAge: defaultMaxAge}))
		third := must(next.Remote(Options{URL: atKeys.URL, Issuer: "https://other.example"}))
		if first != second || third == first {
			t.Error("equal options must share a set, other ones must not")
		}
		if must(next.Remote(atKeys)) != second {
			t.Error("the same lease got another set")
		}
		if !verified(second, s.token(t, `{}`)) {
			t.Error("the set was not taken over with its keys")
		}
		next.Wait(t.Context())
		if n := p.fetches.Load(); n != 2 {
			t.Errorf("%d fetches, want one for each set", n)
		}
		old.Release()
		old.Release() // once is enough
		until(t, 2*defaultRefresh)
		if n := p.fetches.Load(); n < 4 {
			t.Errorf("%d fetches: a set stopped with the old lease", n)
		}
		next.Release()
		before := p.fetches.Load()
		until(t, 2*defaultRefresh)
		if n := p.fetches.Load(); n != before {
			t.Error("a set runs on without a lease")
		}
		if !verified(first, s.token(t, `{}`)) {
			t.Error("a request that holds the set lost its keys")
		}
		if _, err := first.Refetch(t.Context(), nil, unknown("x")); !errors.Is(err, ErrUnknown) {
			t.Errorf("a stopped set: %v", err)
		}
		if len(pool.States()) != 0 {
			t.Error("stopped sets are still shown")
		}
	})
}

func TestLeaseRefuses(t *testing.T) {
	pool := NewPool(PoolConfig{})
	lease := pool.Lease()
	if _, err := lease.Remote(Options{URL: "ftp://x"}); err == nil {
		t.Error("bad options were taken")
	}
	lease.Release()
	if _, err := lease.Remote(atKeys); err == nil {
		t.Error("a released lease gave a set")
	}
	pool.Close()
	if _, err := pool.Lease().Remote(atKeys); err == nil {
		t.Error("a closed pool gave a set")
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, hang)
		pool := NewPool(PoolConfig{Dial: p.dial})
		defer pool.Close()
		lease := pool.Lease()
		must(lease.Remote(atKeys))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		started := time.Now()
		lease.Wait(ctx)
		if took := time.Since(started); took != 5*time.Second {
			t.Errorf("waited %v", took)
		}
		lease.Wait(t.Context()) // until the first try is given up
		if took := time.Since(started); took != fetchTimeout {
			t.Errorf("the first try took %v", took)
		}
	})
}

// Stopping in the middle of a fetch leaves nobody waiting.
func TestCloseDuringFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, hang)
		pool := NewPool(PoolConfig{Dial: p.dial})
		lease := pool.Lease()
		r := must(lease.Remote(atKeys))
		synctest.Wait()
		ended := make(chan error)
		go func() {
			_, err := r.Refetch(t.Context(), nil, unknown("x"))
			ended <- err
		}()
		synctest.Wait()
		started := time.Now()
		pool.Close()
		if err := <-ended; !errors.Is(err, ErrUnavailable) {
			t.Errorf("%v", err)
		}
		<-r.Tried()
		if took := time.Since(started); took != 0 {
			t.Errorf("took %v", took)
		}
	})
}

func TestFetchedIsToldEveryFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, slowly(time.Second, serve(set(newSigner("a").jwk()))))
		var told []Fetch
		pool := NewPool(PoolConfig{Dial: p.dial, Fetched: func(f Fetch) { told = append(told, f) }})
		r := must(pool.Lease().Remote(atKeys))
		<-r.Tried()
		until(t, 5*time.Minute+time.Second)
		p.now(serve("<html>"))
		until(t, 5*time.Minute)
		p.now(serve(set(newSigner("b").jwk())))
		until(t, 5*time.Minute)
		pool.Close()
		if len(told) < 4 {
			t.Fatalf("told of %d fetches", len(told))
		}
		for i, want := range []Fetch{
			{Took: time.Second, Changed: true},
			{Took: time.Second},
			{Err: errors.New("is HTML")},
		} {
			got := told[i]
			if got.Source != "jwks http://localhost/keys" || got.Changed != want.Changed || got.Took != want.Took || (got.Err == nil) != (want.Err == nil) {
				t.Errorf("fetch %d: %+v, want %+v", i, got, want)
			}
		}
		changes := 0
		for _, f := range told {
			if f.Changed {
				changes++
			}
		}
		if last := told[len(told)-1]; last.Err != nil || changes != 2 {
			t.Errorf("%d changes, the last fetch is %+v", changes, last)
		}
	})
}

func TestStatesAreOrdered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, serve(set()))
		pool := NewPool(PoolConfig{Dial: p.dial})
		defer pool.Close()
		lease := pool.Lease()
		for _, path := range []string{"c", "a", "b"} {
			must(lease.Remote(Options{URL: "http://localhost/" + path}))
		}
		lease.Wait(t.Context())
		states := pool.States()
		if len(states) != 3 || states[0].Source != "jwks http://localhost/a" || states[2].Source != "jwks http://localhost/c" {
			t.Errorf("states are %+v", states)
		}
	})
}
