package redis

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// When a server is left alone: so many failures in a row, or so many and half of
// all, within the window. And how often it is asked whether it is back.
const (
	rowOpens    = 20
	ratioOpens  = 10
	window      = time.Second
	probePeriod = 100 * time.Millisecond
)

// breaker keeps calls away from a server that does not answer. Only a ping in
// the background brings them back, never a caller's request.
type breaker struct {
	shard   string
	timeout time.Duration
	ping    func(context.Context) error
	tell    func(shard string, open bool)
	trouble func() // called after each failure: there may be another server now
	ended   context.Context
	running *sync.WaitGroup
	now     func() time.Time

	open    atomic.Bool
	suspect atomic.Bool // there were failures in this window

	mu    sync.Mutex
	since time.Time
	good  int
	bad   int
	row   int
}

// succeeded counts an answer. Without failures it is one look at a flag.
func (b *breaker) succeeded() {
	if !b.suspect.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.good++
	b.row = 0
	if b.now().Sub(b.since) > window {
		b.forget()
	}
}

// failed counts a call that got no answer, and opens the breaker.
func (b *breaker) failed() {
	b.trouble()
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := b.now(); !b.suspect.Load() || now.Sub(b.since) > window {
		b.forget()
		b.since = now
		b.suspect.Store(true)
	}
	b.bad++
	b.row++
	if b.row < rowOpens && (b.bad < ratioOpens || b.bad < b.good) {
		return
	}
	if b.ended.Err() == nil && b.open.CompareAndSwap(false, true) {
		b.tell(b.shard, true)
		b.running.Go(b.probe)
	}
}

// forget begins a new window.
func (b *breaker) forget() {
	b.good, b.bad, b.row = 0, 0, 0
	b.suspect.Store(false)
}

// probe asks until the server answers in time, and closes the breaker.
func (b *breaker) probe() {
	tick := time.NewTicker(probePeriod)
	defer tick.Stop()
	for {
		select {
		case <-b.ended.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(context.WithValue(b.ended, inside{}, true), b.timeout)
		err := b.ping(ctx)
		cancel()
		switch {
		case err == nil:
			b.mu.Lock()
			b.forget() // of calls that were under way when it opened
			b.open.Store(false)
			b.mu.Unlock()
			b.tell(b.shard, false)
			return
		case errors.Is(err, goredis.ErrClosed): // a node that has left the cluster
			return
		}
		b.trouble()
	}
}
