package authz

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
)

// LimitsOptions is what Limits are made of.
type LimitsOptions struct {
	Now    func() time.Time // nil: time.Now
	Failed func(error)      // told when replicas or their news cannot be followed; nil for nobody
}

// Limits is the Limiter that counts in a store: every limit of a request in one
// step, or in none. It is used before Run, which follows the other replicas.
//
// limits_plan.go and limits_compile.go say what is charged, limits_check.go what
// one request is, limits_recent.go what need not be asked again,
// limits_share.go and limits_replicas.go how a process counts by itself,
// limits_degrade.go what happens without the store, limits_headers.go what
// clients see, limits_usage.go how counters are read and changed.
type Limits struct {
	options LimitsOptions
	at      atomic.Pointer[countedAt]
	used    chan struct{} // closed by the first Use
	once    sync.Once

	local    *store.Tally // what this process counts by itself
	recent   *recent
	replicas replicas
	checks   sync.Pool
}

// countedAt is the store that limits are counted in.
type countedAt struct {
	store.Backend
	shared bool // by other processes, over a network
}

// localBytes bounds what a process counts by itself.
const localBytes = 256 << 20

// errNoCounters means that Use was not called.
var errNoCounters = errors.New("no store is open to count in")

// NewLimits makes Limits without a store: until Use they answer as when the store
// cannot be asked.
func NewLimits(o LimitsOptions) *Limits {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Failed == nil {
		o.Failed = func(error) {}
	}
	l := &Limits{
		options: o, used: make(chan struct{}),
		local: store.NewTally(localBytes, store.Hooks{}, nil, nil), recent: newRecent(),
	}
	l.replicas.begin()
	return l
}

// Use gives the store. shared says that other processes count in it, too.
func (l *Limits) Use(b store.Backend, shared bool) {
	l.at.Store(&countedAt{Backend: b, shared: shared})
	l.once.Do(func() { close(l.used) })
}

// Run keeps what this process counts by itself small and, where the store is
// shared, tells the other replicas of this one and hears of them, until ctx ends.
func (l *Limits) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { l.local.SweepEvery(ctx, sweepEvery, l.options.Now) })
	select {
	case <-l.used:
	case <-ctx.Done():
		return
	}
	if at := l.at.Load(); at.shared {
		all.Go(func() { l.follow(ctx, at) })
		l.beat(ctx, at)
	}
}

// sweepEvery is the tick of forgetting: everything is looked at in 64 ticks.
const sweepEvery = time.Second

// Take implements Limiter.
func (l *Limits) Take(ctx context.Context, ask *Ask) (Taken, error) {
	c, ok := l.checks.Get().(*check)
	if !ok {
		c = &check{}
	}
	defer l.checks.Put(c)
	c.fill(ask)
	if c.own.n == 0 && c.shared.n == 0 {
		return Taken{}, nil
	}
	switch at := l.at.Load(); {
	case c.of.local && (at == nil || at.shared):
		l.share(c, &c.own)
		l.share(c, &c.shared)
		c.count(ctx, l.local)
	case at == nil:
		c.own.part.Err, c.shared.part.Err = errNoCounters, errNoCounters
	case !at.shared:
		c.count(ctx, at)
	case !ask.Peek && l.recent.refuses(c):
	default:
		c.count(ctx, at)
		l.recent.note(c)
	}
	if c.failed() {
		if err := l.degrade(ctx, c); err != nil {
			return Taken{}, err
		}
	}
	return c.taken(), nil
}

// counts is what counts: a store, or this process alone.
type counts interface {
	Count(ctx context.Context, id string, step store.Step, c *limit.Charge) (limit.Verdict, error)
	CountBoth(ctx context.Context, own, shared *store.Part)
}

// count takes what the check costs from all records that it still has to ask.
func (c *check) count(ctx context.Context, at counts) {
	own, shared := &c.own, &c.shared
	switch {
	case own.n > 0 && shared.n > 0:
		at.CountBoth(ctx, &own.part, &shared.part)
	case own.n > 0:
		own.part.Verdict, own.part.Err = at.Count(ctx, own.part.ID, store.Take, &own.charge)
	case shared.n > 0:
		shared.part.Verdict, shared.part.Err = at.Count(ctx, shared.part.ID, store.Take, &shared.charge)
	}
	own.known, shared.known = own.n > 0, shared.n > 0
}

func (c *check) failed() bool { return c.own.part.Err != nil || c.shared.part.Err != nil }

// unavailable is the error of a check that must not pass without the store.
func (c *check) unavailable() error {
	err := c.own.part.Err
	if err == nil {
		err = c.shared.part.Err
	}
	return fmt.Errorf("limits: %w", err)
}
