package envoy

import (
	"context"
	"sync"
	"time"
)

// reserve is what a check keeps of the front's deadline for the way back: a
// store that hangs must leave time for the denial that says so. It is half of
// what remains, at most this.
const reserve = 20 * time.Millisecond

// deadline is a context that ends before the front gives up. A timer is started
// only when someone waits on it: a decision that asks nothing outside the process
// pays for two comparisons.
type deadline struct {
	context.Context
	at  time.Time
	now func() time.Time

	mu      sync.Mutex
	inner   context.Context
	cancel  context.CancelFunc
	stopped bool
}

// newDeadline bounds a check by the front's deadline less the reserve, or by
// most from now.
func newDeadline(ctx context.Context, now func() time.Time, most time.Duration) *deadline {
	start := now()
	at := start.Add(most)
	if front, ok := ctx.Deadline(); ok {
		left := front.Sub(start)
		if front = front.Add(-min(reserve, left/2)); front.Before(at) {
			at = front
		}
	}
	return &deadline{Context: ctx, at: at, now: now}
}

// Deadline gives the time by which the answer must be there.
func (d *deadline) Deadline() (time.Time, bool) { return d.at, true }

// Done starts the timer at the first call.
func (d *deadline) Done() <-chan struct{} { return d.timed().Done() }

// Err says whether the time is up, also when nobody waits.
func (d *deadline) Err() error {
	if err := d.Context.Err(); err != nil {
		return err
	}
	d.mu.Lock()
	inner := d.inner
	d.mu.Unlock()
	if inner != nil {
		return inner.Err()
	}
	if !d.now().Before(d.at) {
		return context.DeadlineExceeded
	}
	return nil
}

// Value asks the timed context once there is one, so that contexts made from
// this one are tied to it without a goroutine.
func (d *deadline) Value(key any) any {
	d.mu.Lock()
	inner := d.inner
	d.mu.Unlock()
	if inner != nil {
		return inner.Value(key)
	}
	return d.Context.Value(key)
}

// timed gives the context with the timer.
func (d *deadline) timed() context.Context {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.inner == nil {
		d.inner, d.cancel = context.WithDeadline(d.Context, d.at)
		if d.stopped {
			d.cancel()
		}
	}
	return d.inner
}

// stop ends everything that still waits for this check.
func (d *deadline) stop() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.stopped = true
	if d.cancel != nil {
		d.cancel()
	}
}
