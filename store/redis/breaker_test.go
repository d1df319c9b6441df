package redis

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// serverOf is a breaker of a server whose state the test sets.
func serverOf(t *testing.T) (b *breaker, answers *atomic.Pointer[error], told chan bool) {
	t.Helper()
	answers, told = new(atomic.Pointer[error]), make(chan bool, 10)
	down := errors.New("down")
	answers.Store(&down)
	ctx, cancel := context.WithCancel(t.Context())
	b = &breaker{
		shard: "s", timeout: 25 * time.Millisecond, ended: ctx, running: new(sync.WaitGroup), now: time.Now,
		ping:    func(context.Context) error { return *answers.Load() },
		tell:    func(_ string, open bool) { told <- open },
		trouble: func() {},
	}
	t.Cleanup(func() { cancel(); b.running.Wait() })
	return b, answers, told
}

func TestBreakerOpens(t *testing.T) {
	cases := map[string]struct {
		run  func(b *breaker)
		open bool
	}{
		"20 in a row": {func(b *breaker) {
			for range 20 {
				b.failed()
			}
		}, true},
		"20 in a row after many successes": {func(b *breaker) {
			b.failed()
			for range 100 {
				b.succeeded()
			}
			for range 20 {
				b.failed()
			}
		}, true},
		"19 in a row after many successes": {func(b *breaker) {
			b.failed()
			for range 100 {
				b.succeeded()
			}
			for range 19 {
				b.failed()
			}
		}, false},
		"9, and many successes": {func(b *breaker) {
			for range 5 {
				b.failed()
				b.succeeded()
			}
			for range 4 {
				b.succeeded()
			}
		}, false},
		"10, half of all": {func(b *breaker) {
			b.failed()
			for range 8 {
				b.succeeded()
				b.failed()
			}
			b.succeeded()
			b.failed()
		}, true},
		"10, less than half": {func(b *breaker) {
			b.failed()
			for range 9 {
				b.succeeded()
				b.succeeded()
				b.failed()
			}
		}, false},
		"slowly, over many windows": {func(b *breaker) {
			for range 50 {
				b.failed()
				<-time.After(window/5 + time.Millisecond)
			}
		}, false},
		"successes alone": {func(b *breaker) {
			for range 100 {
				b.succeeded()
			}
		}, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, _, _ := serverOf(t)
				c.run(b)
				if b.open.Load() != c.open {
					t.Errorf("open: %v", b.open.Load())
				}
			})
		})
	}
}

func TestBreakerCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, answers, told := serverOf(t)
		for range 100 {
			b.failed()
		}
		<-time.After(3 * time.Second)
		if !b.open.Load() {
			t.Fatal("closed while the server is down")
		}
		b.succeeded() // a call that was under way
		if !b.open.Load() {
			t.Fatal("closed by a caller's call")
		}
		answers.Store(new(error))
		<-time.After(2 * probePeriod)
		if first, second := <-told, <-told; b.open.Load() || !first || second {
			t.Errorf("open: %v, told %v, %v", b.open.Load(), first, second)
		}
		for range ratioOpens - 1 {
			b.failed()
		}
		if b.open.Load() {
			t.Error("failures of before still count")
		}
		b.failed()
		if !b.open.Load() {
			t.Error("does not open again")
		}
	})
}

// TestBreakerOfANodeThatLeft: nobody asks a node whose client has been closed.
func TestBreakerOfANodeThatLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, answers, _ := serverOf(t)
		closed := error(goredis.ErrClosed)
		answers.Store(&closed)
		for range rowOpens {
			b.failed()
		}
		<-time.After(time.Second)
		b.running.Wait() // the test would not end otherwise
	})
}

func TestGuard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, _, _ := serverOf(t)
		h := hook{b}
		reply := errors.Join(errReply("MOVED 1 h:1"))
		for _, pass := range []error{nil, goredis.Nil, reply, errReply("OOM x"), goredis.ErrClosed} {
			if err := h.guard(t.Context(), func(context.Context) error { return pass }); !errors.Is(err, pass) || err != nil && pass == nil {
				t.Errorf("%v became %v", pass, err)
			}
		}
		for _, hide := range []error{context.DeadlineExceeded, errors.New("EOF"), errReply("WRONGPASS x")} {
			err := h.guard(t.Context(), func(context.Context) error { return hide })
			if errors.Is(err, hide) || err == nil {
				t.Errorf("%v became %v: go-redis could send again", hide, err)
			}
		}
		// A caller who gives up at once says nothing about the server.
		b.forget()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for range 2 * rowOpens {
			_ = h.guard(ctx, func(ctx context.Context) error { return ctx.Err() })
		}
		if b.open.Load() {
			t.Error("opened by callers who gave up")
		}
		for range rowOpens {
			_ = h.guard(t.Context(), func(context.Context) error { return errors.New("refused") })
		}
		asked := false
		ask := func(context.Context) error { asked = true; return nil }
		if err := h.guard(t.Context(), ask); !errors.Is(err, errOpen) || asked {
			t.Errorf("open, and asked (%v): %v", asked, err)
		}
		if err := h.guard(context.WithValue(t.Context(), inside{}, true), ask); err != nil || !asked {
			t.Errorf("a probe was held back: %v", err)
		}
	})
}

// errReply is an error that a server answers.
type errReply string

func (e errReply) Error() string { return string(e) }
func (errReply) RedisError()     {}

func TestBriefHidesValues(t *testing.T) {
	got := brief("ERR unknown command 'EVALSHA', with args beginning with: 'a-stored-value'")
	if got != "ERR unknown command 'EVALSHA'" {
		t.Error(got)
	}
}
