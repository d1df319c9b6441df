package keyset

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestFirstFetchBeginsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner("k1")
		started := time.Now()
		p, r := loadedFrom(t, serve(set(s.jwk())), atKeys)
		if !verified(r, s.token(t, `{"iss":"x"}`)) {
			t.Error("the published key does not verify")
		}
		if p.fetches.Load() != 1 || time.Since(started) != 0 {
			t.Errorf("%d fetches after %v", p.fetches.Load(), time.Since(started))
		}
		state := r.State()
		if !state.Ready || !state.Tried || state.Source != "jwks http://localhost/keys" || state.Fetches != 1 || state.Failures != 0 || state.LastError != "" {
			t.Errorf("state is %+v", state)
		}
		if len(state.Keys) != 1 || !state.Keys[0].Usable || state.Keys[0].Type != "Ed25519" || state.Keys[0].ID != "k1" {
			t.Errorf("keys are %+v", state.Keys)
		}
	})
}

// The refresh interval is at most the configured one and at least nine tenths of
// it; max-age can shorten it down to a minute, never lengthen it.
func TestRefreshInterval(t *testing.T) {
	for _, tt := range []struct {
		control string
		refresh time.Duration
		want    time.Duration
	}{
		{"", 0, 5 * time.Minute},
		{"", 20 * time.Minute, 20 * time.Minute},
		{"max-age=120", 0, 2 * time.Minute},
		{"public, Max-Age=120, must-revalidate", 0, 2 * time.Minute},
		{`max-age="120"`, 0, 2 * time.Minute},
		{"max-age=0", 0, time.Minute},
		{"max-age=0, no-store", 0, time.Minute},
		{"max-age=86400", 0, 5 * time.Minute},
		{"max-age=99999999999999999999", 0, 5 * time.Minute},
		{"max-age=-5", 0, 5 * time.Minute},
		{"max-age=x", 0, 5 * time.Minute},
		{"no-cache", 0, 5 * time.Minute},
		{"s-maxage=1", 0, 5 * time.Minute},
		{"max-age=0", 10 * time.Second, 10 * time.Second},
	} {
		t.Run(fmt.Sprintf("%s %v", tt.control, tt.refresh), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				document := set(newSigner("k").jwk())
				p, r := loadedFrom(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Cache-Control", tt.control)
					serve(document)(w, r)
				}, Options{URL: atKeys.URL, Refresh: tt.refresh})
				for range 10 {
					state := r.State()
					next := state.NextRefresh.Sub(state.LastFetch)
					if next > tt.want || next < tt.want*9/10 {
						t.Fatalf("next refresh after %v, want %v", next, tt.want)
					}
					before := p.fetches.Load()
					until(t, time.Until(state.NextRefresh)-1)
					if p.fetches.Load() != before {
						t.Fatal("fetched too early")
					}
					until(t, 1)
					if p.fetches.Load() != before+1 {
						t.Fatal("not fetched when planned")
					}
				}
			})
		})
	}
}

func TestETag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, other := newSigner("k1"), newSigner("another")
		var conditional atomic.Int64
		tagged := func(document string) http.HandlerFunc {
			tag := `"` + fmt.Sprint(len(document)) + `"`
			return func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("ETag", tag)
				if r.Header.Get("If-None-Match") == tag {
					conditional.Add(1)
					w.WriteHeader(http.StatusNotModified)
					return
				}
				serve(document)(w, r)
			}
		}
		p, r := loadedFrom(t, tagged(set(s.jwk())), atKeys)
		before := r.State()
		until(t, 5*time.Minute)
		after := r.State()
		if conditional.Load() != 1 || after.Fetches != 2 || after.Failures != 0 || after.Generation != before.Generation {
			t.Errorf("%d conditional fetches answered by 304, state %+v", conditional.Load(), after)
		}
		if !after.LastSuccess.After(before.LastSuccess) || !verified(r, s.token(t, `{}`)) {
			t.Error("a 304 must confirm the keys")
		}
		p.now(tagged(set(other.jwk())))
		until(t, 5*time.Minute)
		if r.Generation() == after.Generation || verified(r, s.token(t, `{}`)) || !verified(r, other.token(t, `{}`)) {
			t.Error("the new document was not taken")
		}
	})
}

// The generation is what cached verdicts hang on: the same document again must
// not change it, another one must.
func TestGenerationFollowsTheDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newSigner("a"), newSigner("b")
		p, r := loadedFrom(t, serve(set(a.jwk())), atKeys)
		seen := map[uint64]bool{r.Generation(): true}
		until(t, 5*time.Minute)
		if !seen[r.Generation()] {
			t.Error("the same document changed the generation")
		}
		for _, document := range []string{set(b.jwk()), set(a.jwk()), set(), set(a.jwk())} {
			p.now(serve(document))
			until(t, 5*time.Minute)
			if seen[r.Generation()] {
				t.Errorf("generation %d is back", r.Generation())
			}
			seen[r.Generation()] = true
		}
	})
}

// A well-formed set is believed also when it is shorter, or empty: a key that is
// gone must verify nothing any more.
func TestRemovedKeyStopsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newSigner("a"), newSigner("b")
		p, r := loadedFrom(t, serve(set(a.jwk(), b.jwk())), atKeys)
		p.now(serve(set(b.jwk())))
		until(t, 5*time.Minute)
		if verified(r, a.token(t, `{}`)) || !verified(r, b.token(t, `{}`)) {
			t.Error("only b should verify")
		}
		p.now(serve(set()))
		until(t, 5*time.Minute)
		if _, err := r.Find(nil, query(b.token(t, `{}`))); !errors.Is(err, ErrUnavailable) {
			t.Errorf("an empty set: %v, want %v", err, ErrUnavailable)
		}
		p.now(serve(set(b.jwk())))
		until(t, time.Minute) // an empty set is looked at again soon
		if !verified(r, b.token(t, `{}`)) {
			t.Error("b is back and should verify")
		}
	})
}

func TestKidReusedForAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := newSigner("same"), newSigner("same")
		p, r := loadedFrom(t, serve(set(a.jwk())), atKeys)
		p.now(serve(set(b.jwk())))
		until(t, 5*time.Minute)
		if verified(r, a.token(t, `{}`)) || !verified(r, b.token(t, `{}`)) {
			t.Error("only the new key should verify")
		}
	})
}

// Keys serve for max_age without a confirmation, then end; a confirmation brings
// them back.
func TestMaxAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner("k1")
		document := set(s.jwk())
		p, r := loadedFrom(t, serve(document), Options{URL: atKeys.URL, MaxAge: time.Hour})
		p.now(status(http.StatusInternalServerError))
		until(t, time.Hour-time.Second)
		if !verified(r, s.token(t, `{}`)) || r.State().Age < 50*time.Minute {
			t.Error("within max_age the keys should serve")
		}
		generation := r.Generation()
		until(t, 2*time.Second)
		if _, err := r.Find(nil, query(s.token(t, `{}`))); !errors.Is(err, ErrUnavailable) {
			t.Errorf("after max_age: %v, want %v", err, ErrUnavailable)
		}
		if r.Generation() == generation {
			t.Error("cached verdicts would live on")
		}
		if r.State().Ready {
			t.Error("state says ready")
		}
		p.now(serve(document)) // the same text as before
		until(t, 5*time.Minute)
		if !verified(r, s.token(t, `{}`)) || r.Generation() == generation {
			t.Error("the provider is back: the keys should serve")
		}
	})
}

// A hanging fetch does not delay the end of the keys.
func TestMaxAgeWhileHanging(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner("k1")
		p, r := loadedFrom(t, serve(set(s.jwk())), Options{URL: atKeys.URL, Refresh: time.Minute, MaxAge: 61 * time.Second})
		p.now(hang)
		until(t, 60*time.Second)
		if !verified(r, s.token(t, `{}`)) {
			t.Error("within max_age the keys should serve")
		}
		until(t, 2*time.Second)
		if verified(r, s.token(t, `{}`)) {
			t.Error("the keys outlived max_age")
		}
	})
}

// Failures double the wait up to the refresh interval, with jitter below.
func TestBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, r := loadedFrom(t, status(http.StatusInternalServerError), Options{URL: atKeys.URL, Refresh: time.Minute})
		for _, limit := range []time.Duration{2, 4, 8, 16, 32, 60, 60, 60} {
			limit *= time.Second
			state := r.State()
			wait := state.NextRefresh.Sub(state.LastFetch)
			if wait > limit || wait < limit/2 {
				t.Errorf("wait after %d failures is %v, want %v to %v", state.Failures, wait, limit/2, limit)
			}
			until(t, time.Until(state.NextRefresh))
		}
		if state := r.State(); state.Failures != 9 || state.LastError != "answered with status 500" {
			t.Errorf("state is %+v", state)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	for _, tt := range []struct {
		header      string
		least, most time.Duration
	}{
		{"120", 2 * time.Minute, 2 * time.Minute},
		{"3600", maxRetryAfter, maxRetryAfter},
		{"0", time.Second, 2 * time.Second},
		{"soon", time.Second, 2 * time.Second},
		{"-1", time.Second, 2 * time.Second},
		{"Wed, 21 Oct 2099 07:28:00 GMT", time.Second, 2 * time.Second},
	} {
		t.Run(tt.header, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, r := loadedFrom(t, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Retry-After", tt.header)
					w.WriteHeader(http.StatusTooManyRequests)
				}, atKeys)
				state := r.State()
				if wait := state.NextRefresh.Sub(state.LastFetch); wait < tt.least || wait > tt.most {
					t.Errorf("next try after %v, want %v to %v", wait, tt.least, tt.most)
				}
				if tt.least < time.Minute {
					return
				}
				until(t, tt.least/2) // far beyond the cool-down
				for i := range 200 {
					_, _ = r.Refetch(t.Context(), nil, unknown(fmt.Sprint(i)))
				}
				if n := p.fetches.Load(); n != 1 {
					t.Errorf("%d fetches before Retry-After was over", n)
				}
			})
		})
	}
}

func TestErrorsStayOneShortLine(t *testing.T) {
	text := plainError(errors.New("a\r\nb\x00" + strings.Repeat("ü", 400)))
	if strings.ContainsAny(text, "\r\n\x00") || len(text) > 300 || !strings.HasPrefix(text, "a  b ") {
		t.Errorf("%q", text)
	}
}

// A timer that fires while its keys are being confirmed ends nothing.
func TestLateExpiryIsIgnored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSigner("k1")
		_, r := loadedFrom(t, serve(set(s.jwk())), atKeys)
		until(t, defaultRefresh)
		r.expire(1) // of the first of two confirmations
		if !verified(r, s.token(t, `{}`)) {
			t.Error("confirmed keys were dropped")
		}
	})
}

// A token and the schedule that ask at the same moment cause one fetch.
func TestTakeOffTakesTheTokensWishAlong(t *testing.T) {
	r := newRemote(atKeys.whole(), PoolConfig{})
	r.ask(unknown("x"))
	r.takeOff()
	if r.stats.fetches != 1 || len(r.wake) != 0 {
		t.Errorf("%d fetches, %d wishes left", r.stats.fetches, len(r.wake))
	}
}
