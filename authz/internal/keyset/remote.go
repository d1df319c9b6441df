package keyset

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Remote is a Set that follows an identity provider. Its goroutine belongs to
// the Pool it came from.
type Remote struct {
	options Options
	issuer  string
	source  string
	now     func() time.Time
	dial    dialFunc // nil: the guarded one
	fetched func(Fetch)

	at     atomic.Pointer[hold] // the keys at hand
	wake   chan struct{}        // a flight was begun outside the goroutine
	tried  chan struct{}
	cancel context.CancelFunc // of the goroutine

	// Of the goroutine alone.
	found discovery
	last  loaded

	mu        sync.Mutex
	stopped   bool
	flight    *flight             // the fetch under way
	waited    map[string]struct{} // kids that waited for it in vain
	notBefore time.Time           // Retry-After
	expiry    *time.Timer         // ends the keys at MaxAge
	stats     stats
}

// hold is the keys at hand. It is immutable.
type hold struct {
	index      *index
	generation uint64
}

// usable says whether there is a key at all.
func (h *hold) usable() bool { return len(h.index.all) > 0 }

// loaded is the last good answer and what it held.
type loaded struct {
	address, etag, body string
	index               *index
}

// flight is one fetch; done closes when its result is at hand.
type flight struct {
	done chan struct{}
}

// stats is what State tells.
type stats struct {
	keys        []KeyState
	lastSuccess time.Time
	lastFetch   time.Time
	nextRefresh time.Time
	lastError   string
	fetches     uint64
	successes   uint64
	failures    uint64
	streak      int // failures since the last success
}

func newRemote(o Options, c PoolConfig) *Remote {
	r := &Remote{
		options: o, issuer: o.issuer(), source: o.source(),
		now: c.Now, dial: c.Dial, fetched: c.Fetched,
		wake: make(chan struct{}, 1), tried: make(chan struct{}),
		waited: map[string]struct{}{},
	}
	if r.now == nil {
		r.now = time.Now
	}
	r.at.Store(&hold{index: newIndex(nil)})
	return r
}

// speaks says whether the set may hold keys of the query's issuer.
func (r *Remote) speaks(q *Query) bool {
	return r.issuer == "" || q.HasIssuer && q.Issuer == r.issuer
}

// Find implements Set. Keys are matched by exactly their kid; a token without
// one is offered all that fit.
func (r *Remote) Find(dst []*Key, q *Query) ([]*Key, error) {
	if !r.speaks(q) {
		return dst, ErrIssuer
	}
	at := r.at.Load()
	if !at.usable() {
		return dst, ErrUnavailable
	}
	before := len(dst)
	dst = at.index.named(dst, q, before+MaxCandidates)
	if len(dst) == before {
		return dst, ErrUnknown
	}
	return dst, nil
}

// Refetch implements Set.
func (r *Remote) Refetch(ctx context.Context, tried []*Key, q *Query) ([]*Key, error) {
	await(ctx, []*Remote{r}, q)
	return untried(r, tried, q)
}

// Generation implements Set.
func (r *Remote) Generation() uint64 { return r.at.Load().generation }

// Tried is closed once the first fetch is over, however it ended.
func (r *Remote) Tried() <-chan struct{} { return r.tried }

// binding is what the keys of this set inherit.
func (r *Remote) binding() *Binding {
	return &Binding{Issuer: r.issuer, Source: r.source}
}

// plainError makes an error fit for logs and metrics: one line of bounded
// length, since parts of it may come from the provider.
func plainError(err error) string {
	text := strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f {
			return ' '
		}
		return c
	}, err.Error())
	return strings.ToValidUTF8(text[:min(len(text), 300)], "")
}
