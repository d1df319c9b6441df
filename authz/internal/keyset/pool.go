package keyset

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// PoolConfig is what tests and the engine inject. All of it may be zero.
type PoolConfig struct {
	Now  func() time.Time
	Dial func(ctx context.Context, network, address string) (net.Conn, error) // replaces the guarded dialer
	// Fetched is told the end of every fetch. It must not block.
	Fetched func(Fetch)
}

// Fetch is one finished fetch of a remote set.
type Fetch struct {
	Source string
	Took   time.Duration
	Err    error // nil: the set is up to date
	// Changed says that the document is another than that of the last successful
	// fetch: worth a log line, with State's keys.
	Changed bool
}

// Pool runs the remote sets of a process. A set that two snapshots name runs
// once, and keeps its keys and timers while one of them is in use.
type Pool struct {
	config PoolConfig
	work   sync.WaitGroup

	mu     sync.Mutex
	closed bool
	sets   map[Options]*shared
}

// shared is a running set and the number of leases that hold it.
type shared struct {
	remote *Remote
	leases int
}

// NewPool makes an empty pool.
func NewPool(c PoolConfig) *Pool { return &Pool{config: c, sets: map[Options]*shared{}} }

// Lease makes an empty lease: the use that one snapshot makes of the pool.
func (p *Pool) Lease() *Lease { return &Lease{pool: p, held: map[Options]*Remote{}} }

// Close stops every set, whatever leases say, and waits for their goroutines.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	for o, s := range p.sets {
		s.remote.cancel()
		delete(p.sets, o)
	}
	p.mu.Unlock()
	p.work.Wait()
}

// take gives the running set of o, or starts one.
func (p *Pool) take(o Options) (*Remote, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errors.New("the key sets were stopped")
	}
	s, ok := p.sets[o]
	if !ok {
		s = &shared{remote: newRemote(o, p.config)}
		p.sets[o] = s
		ctx, cancel := context.WithCancel(context.Background())
		s.remote.cancel = cancel
		p.work.Go(func() { s.remote.run(ctx) })
	}
	s.leases++
	return s.remote, nil
}

// leave gives a set back; the last one to leave stops it.
func (p *Pool) leave(o Options, r *Remote) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s, ok := p.sets[o]
	if !ok || s.remote != r { // the pool was closed
		return
	}
	if s.leases--; s.leases == 0 {
		s.remote.cancel()
		delete(p.sets, o)
	}
}

// Lease holds the sets of one snapshot. Its methods are safe for concurrent use.
type Lease struct {
	pool *Pool

	mu       sync.Mutex
	released bool
	held     map[Options]*Remote
}

// Remote gives the running set with these options, or starts one: its first
// fetch begins at once. The error is that of Options.Validate.
func (l *Lease) Remote(o Options) (*Remote, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	o = o.whole()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.released {
		return nil, errors.New("the lease was released")
	}
	if r, ok := l.held[o]; ok {
		return r, nil
	}
	r, err := l.pool.take(o)
	if err == nil {
		l.held[o] = r
	}
	return r, err
}

// Wait returns once every set of the lease was tried, or when ctx ends.
func (l *Lease) Wait(ctx context.Context) {
	l.mu.Lock()
	var tried []<-chan struct{}
	for _, r := range l.held {
		tried = append(tried, r.tried)
	}
	l.mu.Unlock()
	for _, c := range tried {
		select {
		case <-c:
		case <-ctx.Done():
			return
		}
	}
}

// Release ends the lease: sets that no other lease holds stop. A request that
// still holds such a set keeps its keys; it only fetches no more.
func (l *Lease) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.released = true
	for o, r := range l.held {
		l.pool.leave(o, r)
	}
	clear(l.held)
}
