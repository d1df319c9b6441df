package keyset

import (
	"context"
	"slices"
	"time"
)

const (
	// maxWait is how long a check waits for a fetch (contract section 3, Keys).
	maxWait = 50 * time.Millisecond
	// maxWaited bounds the kids that are remembered as unknown to a fetch.
	maxWaited = 1024
)

// await asks the remotes that may hold the token's key to fetch, and waits a
// little. For a token that is expired nothing is fetched.
func await(ctx context.Context, remotes []*Remote, q *Query) {
	if q.Expired {
		return
	}
	asked := make([]*Remote, 0, len(remotes))
	flights := make([]*flight, 0, len(remotes))
	for _, r := range remotes {
		if f := r.ask(q); f != nil {
			asked, flights = append(asked, r), append(flights, f)
		}
	}
	if len(flights) == 0 {
		return
	}
	wait(ctx, flights)
	for i, r := range asked {
		r.inVain(q, flights[i])
	}
}

// untried finds the candidates that were not tried yet.
func untried(s Set, tried []*Key, q *Query) ([]*Key, error) {
	found, err := s.Find(nil, q)
	found = slices.DeleteFunc(found, func(k *Key) bool { return slices.Contains(tried, k) })
	if err == nil && len(found) == 0 {
		err = ErrUnknown
	}
	return found, err
}

// wait returns when all flights are over, maxWait has passed or ctx ends.
func wait(ctx context.Context, flights []*flight) {
	limit := time.NewTimer(maxWait)
	defer limit.Stop()
	for _, f := range flights {
		select {
		case <-f.done:
		case <-limit.C:
			return
		case <-ctx.Done():
			return
		}
	}
}

// ask gives the fetch that the token may wait for: the one under way, or a new
// one when the cool-down and Retry-After allow it. It gives nil when there is
// nothing to wait for.
func (r *Remote) ask(q *Query) *flight {
	if !r.speaks(q) || r.holds(q) {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped {
		return nil
	}
	if r.flight != nil {
		_, again := r.waited[waitKey(q)]
		if again || len(r.waited) == maxWaited {
			return nil
		}
		return r.flight
	}
	now := r.now()
	if now.Before(r.stats.lastFetch.Add(r.options.Cooldown)) || now.Before(r.notBefore) {
		return nil
	}
	r.begin(now)
	r.wake <- struct{}{} // has room: only the first asker of a flight comes here
	return r.flight
}

// holds says whether the set has the token's kid already, or any key that fits a
// token without one. A key of this kid that does not fit the algorithm is no
// reason to fetch.
func (r *Remote) holds(q *Query) bool {
	index := r.at.Load().index
	if q.HasKid {
		_, known := index.byID[q.Kid]
		return known
	}
	return len(pick(nil, index.all, q, 1)) > 0
}

// inVain notes that a fetch is still under way after the wait for it, so that
// the next token of this kid does not wait for the same fetch again.
func (r *Remote) inVain(q *Query, f *flight) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flight == f && len(r.waited) < maxWaited {
		r.waited[waitKey(q)] = struct{}{}
	}
}

// waitKey names what a token waits for: its kid, or any key of its algorithm.
func waitKey(q *Query) string {
	if q.HasKid {
		return "kid " + q.Kid
	}
	return "alg " + string(q.Alg)
}

// begin starts a flight; the lock is held. The goroutine does the fetching.
func (r *Remote) begin(now time.Time) {
	r.flight = &flight{done: make(chan struct{})}
	r.stats.lastFetch = now
	clear(r.waited)
}
