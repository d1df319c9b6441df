package keyset

import (
	"context"
	"net"
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
	// Changed says that the keys, or the reasons why some are unusable, are not
	// those of the fetch before: worth a log line.
	Changed bool
}

// Pool runs the remote sets of a process. A set that two snapshots name runs
// once, and keeps its keys and timers while one of them is in use.
type Pool struct {
	config PoolConfig
}

// NewPool makes an empty pool.
func NewPool(c PoolConfig) *Pool { return &Pool{config: c} }

// Lease makes an empty lease: the use that one snapshot makes of the pool.
func (p *Pool) Lease() *Lease { return &Lease{} }

// States tells how every running set is doing, ordered by Source.
func (p *Pool) States() []State { return nil }

// Close stops every set, whatever leases say, and waits for their goroutines.
func (p *Pool) Close() {}

// Lease holds the sets of one snapshot. Its methods are safe for concurrent use.
type Lease struct{}

// Remote gives the running set with these options, or starts one: its first
// fetch begins at once. The error is that of Options.Validate.
func (l *Lease) Remote(o Options) (*Remote, error) { return nil, ErrUnavailable }

// Wait returns once every set of the lease was tried, or when ctx ends.
func (l *Lease) Wait(ctx context.Context) {}

// Release ends the lease: sets that no other lease holds stop. A request that
// still holds such a set keeps its keys; it only fetches no more.
func (l *Lease) Release() {}
