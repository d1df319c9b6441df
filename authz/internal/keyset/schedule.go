package keyset

import (
	"errors"
	"math/rand/v2"
	"time"
)

const (
	// minRefresh is the shortest interval that Cache-Control can ask for.
	minRefresh = time.Minute
	// firstBackoff is the longest wait after the first failure; it doubles up to
	// the refresh interval.
	firstBackoff = 2 * time.Second
	// maxRetryAfter bounds what a provider can ask for: keys may be needed.
	maxRetryAfter = 15 * time.Minute
)

// land puts the outcome of a fetch in place and says when to fetch next.
func (r *Remote) land(o *outcome) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	var delay time.Duration
	if o.Err != nil {
		o.Changed = false
		delay = r.reject(o.Err, now)
	} else {
		r.accept(o, now)
		delay = r.interval(&o.answer)
	}
	r.stats.nextRefresh = now.Add(delay)
	close(r.flight.done)
	r.flight = nil
	return delay
}

// reject keeps the keys at hand: a bad answer never takes good keys away.
func (r *Remote) reject(err error, now time.Time) time.Duration {
	r.stats.failures++
	r.stats.streak++
	r.stats.lastError = plainError(err)
	delay := r.backoff()
	if status, ok := errors.AsType[*statusError](err); ok && status.retryAfter > 0 {
		wait := min(status.retryAfter, maxRetryAfter)
		r.notBefore = now.Add(wait)
		delay = max(delay, wait)
	}
	return delay
}

// accept takes what a well-formed document says, also that a key is gone or that
// there is none at all.
func (r *Remote) accept(o *outcome, now time.Time) {
	if o.Changed {
		var keys []*Key
		r.stats.keys, keys = describe(o.entries)
		r.last = loaded{address: o.address, body: o.answer.body, index: newIndex(keys)}
	}
	r.last.etag = o.answer.etag
	if at := r.at.Load(); at.index != r.last.index { // new, or aged out before
		r.at.Store(&hold{index: r.last.index, generation: at.generation + 1})
	}
	r.stats.lastSuccess, r.stats.lastError, r.stats.streak = now, "", 0
	r.notBefore = time.Time{}
	if r.expiry != nil {
		r.expiry.Stop()
	}
	r.stats.successes++
	seen := r.stats.successes
	r.expiry = time.AfterFunc(r.options.MaxAge, func() { r.expire(seen) })
}

// expire drops keys whose last confirmation is MaxAge old. The timer counts
// elapsed time: a jump of the wall clock expires nothing.
func (r *Remote) expire(seen uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stats.successes != seen || r.stopped { // confirmed meanwhile
		return
	}
	at := r.at.Load()
	r.at.Store(&hold{index: newIndex(nil), generation: at.generation + 1})
}

// interval is the time to the next refresh after a success, a little less than
// allowed so that replicas do not come all at once.
func (r *Remote) interval(a *answer) time.Duration {
	interval := r.options.Refresh
	if a.bounded {
		interval = min(interval, max(a.lifetime, minRefresh))
	}
	if len(r.last.index.all) == 0 {
		interval = min(interval, minRefresh)
	}
	return interval - jitter(interval/10)
}

// backoff is the time to the next try after a failure.
func (r *Remote) backoff() time.Duration {
	delay := firstBackoff << min(r.stats.streak-1, 20)
	delay = min(delay, r.options.Refresh)
	return delay - jitter(delay/2)
}

// jitter is a random time below limit.
func jitter(limit time.Duration) time.Duration {
	return time.Duration(rand.Int64N(int64(max(limit, 1)))) //nolint:gosec // spreads load, guards nothing
}
