package keyset

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// 2,000 unknown kids within a second cause at most two fetches, whatever the
// provider does; known keys go on without waiting (S-067).
func TestUnknownKids(t *testing.T) {
	s := newSigner("known")
	for name, answers := range map[string]http.HandlerFunc{
		"full":    serve(set(s.jwk())),
		"empty":   serve(set()),
		"failing": status(http.StatusInternalServerError),
		"slow":    slowly(5*time.Second, serve(set(s.jwk()))),
		"hung":    hang,
		"broken":  serve("<html>"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, r := loadedFrom(t, serve(set(s.jwk())), atKeys)
				p.now(answers)
				until(t, time.Minute) // the cool-down is over, a refresh far
				before := p.fetches.Load()
				var slowest atomic.Int64
				var work sync.WaitGroup
				for i := range 2000 {
					work.Go(func() {
						timer := time.NewTimer(time.Duration(i) * time.Second / 2000)
						<-timer.C
						started := time.Now()
						if _, err := r.Refetch(t.Context(), nil, unknown(fmt.Sprint(i))); err == nil {
							t.Error("an unknown kid has a key")
						}
						for took := int64(time.Since(started)); ; {
							old := slowest.Load()
							if took <= old || slowest.CompareAndSwap(old, took) {
								break
							}
						}
						if name != "empty" && !verified(r, s.token(t, `{}`)) {
							t.Error("the known key is gone")
						}
					})
				}
				work.Wait()
				if n := p.fetches.Load() - before; n > 2 || n < 1 {
					t.Errorf("%d fetches", n)
				}
				if took := time.Duration(slowest.Load()); took > maxWait {
					t.Errorf("the slowest verdict took %v", took)
				}
			})
		})
	}
}

// 500 first requests in parallel wait for one fetch and are served by it.
func TestParallelFirstRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner("k1")
		p := newProvider(t, slowly(20*time.Millisecond, serve(set(s.jwk()))))
		r := p.follow(t, atKeys)
		var work sync.WaitGroup
		token := s.token(t, `{}`)
		for range 500 {
			work.Go(func() {
				keys, err := r.Refetch(t.Context(), nil, query(token))
				if err != nil || !anyVerifies(keys, token) {
					t.Errorf("%v", err)
				}
			})
		}
		work.Wait()
		if n := p.fetches.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
	})
}

// A check waits 50 ms for a provider that does not answer, once per kid and
// fetch.
func TestWaitIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProvider(t, hang)
		r := p.follow(t, atKeys)
		for i, want := range []time.Duration{maxWait, 0, 0} {
			started := time.Now()
			if _, err := r.Refetch(t.Context(), nil, unknown("k")); !errors.Is(err, ErrUnavailable) {
				t.Errorf("%v, want %v", err, ErrUnavailable)
			}
			if took := time.Since(started); took != want {
				t.Errorf("call %d took %v, want %v", i, took, want)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		started := time.Now()
		_, _ = r.Refetch(ctx, nil, unknown("other"))
		if took := time.Since(started); took != 10*time.Millisecond {
			t.Errorf("with a shorter context: %v", took)
		}
		for i := range 3 * maxWaited {
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _ = r.Refetch(ctx, nil, unknown(fmt.Sprint("x", i)))
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if len(r.waited) != maxWaited {
			t.Errorf("%d kids are remembered, want %d", len(r.waited), maxWaited)
		}
	})
}

// No request can cancel a fetch that others wait for.
func TestFetchOutlivesItsAsker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newSigner("a"), newSigner("b")
		p, r := loadedFrom(t, serve(set(a.jwk())), atKeys)
		p.now(slowly(time.Second, serve(set(a.jwk(), b.jwk()))))
		until(t, time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, _ = r.Refetch(ctx, nil, query(b.token(t, `{}`)))
		until(t, 2*time.Second)
		if !verified(r, b.token(t, `{}`)) {
			t.Error("the fetch was lost with its asker")
		}
	})
}

func TestWhatNeverFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner("known")
		p, r := loadedFrom(t, serve(set(s.jwk())), Options{URL: atKeys.URL, Issuer: "https://issuer.example/"})
		until(t, time.Minute)
		iss := Query{Issuer: "https://issuer.example/", HasIssuer: true}
		expired, foreign, misfit, none := iss, iss, iss, iss
		expired.Alg, expired.Kid, expired.HasKid, expired.Expired = "EdDSA", "new", true, true
		foreign.Alg, foreign.Kid, foreign.HasKid, foreign.Issuer = "EdDSA", "new", true, "https://issuer.example"
		misfit.Alg, misfit.Kid, misfit.HasKid = "RS256", "known", true
		none.Alg, none.Kid, none.HasKid, none.HasIssuer = "EdDSA", "new", true, false
		for name, tt := range map[string]struct {
			q    Query
			want error
		}{
			"expired token":                     {expired, ErrUnknown},
			"another issuer":                    {foreign, ErrIssuer},
			"no issuer":                         {none, ErrIssuer},
			"known kid, algorithm does not fit": {misfit, ErrUnknown},
		} {
			started := time.Now()
			if _, err := r.Refetch(t.Context(), nil, &tt.q); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
			if took := time.Since(started); took != 0 {
				t.Errorf("%s waited %v", name, took)
			}
		}
		if n := p.fetches.Load(); n != 1 {
			t.Errorf("%d fetches", n)
		}
		known := query(s.token(t, `{"iss":"https://issuer.example/"}`))
		known.Expired = true
		if keys, err := r.Refetch(t.Context(), nil, known); err != nil || len(keys) != 1 {
			t.Errorf("an expired token with a key at hand: %v", err)
		}
	})
}

// Without kid at most eight keys of fitting type are tried; a type that the set
// does not have is asked for like an unknown kid.
func TestTokenWithoutKid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, other := newSigner("k1"), newSigner("k2")
		p, r := loadedFrom(t, serve(set(other.jwk(), s.jwk())), atKeys)
		token := parse(t, s.mint(`{"alg":"EdDSA"}`, `{}`))
		if !verified(r, token) {
			t.Error("a token without kid finds no key")
		}
		until(t, time.Minute)
		if _, err := r.Refetch(t.Context(), nil, &Query{Alg: "ES256"}); !errors.Is(err, ErrUnknown) {
			t.Errorf("%v", err)
		}
		if n := p.fetches.Load(); n != 2 {
			t.Errorf("%d fetches, want one more", n)
		}
	})
}

// Rotation under 200 clients: no denial when the new key is published one
// refresh before its use; without that, key_unknown for a cool-down and a fetch
// at most.
func TestRotationUnderLoad(t *testing.T) {
	const clients, answersEach, fetch = 200, 250, 30 * time.Millisecond
	for _, published := range []bool{true, false} {
		t.Run(fmt.Sprintf("published ahead %v", published), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a, b := newSigner("a"), newSigner("b")
				p, r := loadedFrom(t, slowly(fetch, serve(set(a.jwk()))), atKeys)
				tokens := []*Query{query(a.token(t, `{}`)), query(b.token(t, `{}`))}
				until(t, defaultCooldown-2*fetch) // just inside the cool-down
				if published {
					p.now(slowly(fetch, serve(set(a.jwk(), b.jwk()))))
					until(t, defaultRefresh+fetch)
				}
				used := time.Now()
				p.now(slowly(fetch, serve(set(a.jwk(), b.jwk()))))
				denied, latest := countDenials(t, r, tokens, clients, answersEach)
				if published && denied > 0 {
					t.Errorf("%d denials", denied)
				}
				if !published && (denied == 0 || latest.Sub(used) > defaultCooldown+fetch) {
					t.Errorf("%d denials, the last %v after the first use", denied, latest.Sub(used))
				}
			})
		})
	}
}

// countDenials asks for the tokens in turn, one answer every 100 ms and client.
func countDenials(t *testing.T, r *Remote, tokens []*Query, clients, each int) (denied int, latest time.Time) {
	var mu sync.Mutex
	var work sync.WaitGroup
	for c := range clients {
		work.Go(func() {
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for i := range each {
				q := tokens[(c+i)%len(tokens)]
				_, err := r.Find(nil, q)
				if err != nil {
					_, err = r.Refetch(t.Context(), nil, q)
				}
				if err != nil {
					if !errors.Is(err, ErrUnknown) {
						t.Errorf("denied by %v", err)
					}
					mu.Lock()
					denied++
					latest = time.Now()
					mu.Unlock()
				}
				<-tick.C
			}
		})
	}
	work.Wait()
	return denied, latest
}

// A union asks its sets beside each other: a hung one costs no more than the
// wait, and those that answer serve.
func TestUnionRefetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newSigner("a"), newSigner("b")
		_, first := loadedFrom(t, serve(set(a.jwk())), atKeys)
		p, second := loadedFrom(t, serve(set(a.jwk())), Options{URL: "http://localhost/other"})
		hung := newProvider(t, hang).follow(t, Options{URL: "http://localhost/hung"})
		union := NewUnion(nil, hung, first, second)
		p.now(serve(set(b.jwk())))
		until(t, time.Minute)
		token := b.token(t, `{}`)
		started := time.Now()
		keys, err := union.Refetch(t.Context(), nil, query(token))
		if err != nil || !anyVerifies(keys, token) {
			t.Errorf("%v", err)
		}
		if took := time.Since(started); took > maxWait {
			t.Errorf("took %v", took)
		}
	})
}

// A static key without kid is a candidate for every token: that it did not sign
// must not hide that a provider may know the kid by now.
func TestRefetchBesideAStaticKeyWithoutKid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newSigner("a"), newSigner("b")
		p, r := loadedFrom(t, serve(set(a.jwk())), atKeys)
		loose := key(t, "-", "")
		union := NewUnion(NewStatic(loose), r)
		p.now(serve(set(a.jwk(), b.jwk())))
		until(t, time.Minute)
		token := b.token(t, `{}`)
		tried, err := union.Find(nil, query(token))
		if err != nil || len(tried) != 1 || tried[0] != loose {
			t.Fatalf("found %v, %v", ids(tried), err)
		}
		more, err := union.Refetch(t.Context(), tried, query(token))
		if err != nil || len(more) != 1 || !anyVerifies(more, token) {
			t.Errorf("refetched %v, %v", ids(more), err)
		}
		// A bad signature of a known kid fetches nothing and offers nothing again.
		before := p.fetches.Load()
		until(t, time.Minute)
		tried, _ = union.Find(nil, query(token))
		if more, err := union.Refetch(t.Context(), tried, query(token)); !errors.Is(err, ErrUnknown) || len(more) != 0 {
			t.Errorf("again %v, %v", ids(more), err)
		}
		if n := p.fetches.Load(); n != before {
			t.Errorf("%d more fetches", n-before)
		}
	})
}
