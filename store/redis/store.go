package redis

import (
	"context"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/tollgate-authz/tollgate/store"
)

// Store keeps records and the feed in a Redis.
type Store struct {
	options Options
	layout  store.Layout
	timeout time.Duration
	hooks   store.Hooks
	now     func() time.Time

	client goredis.UniversalClient // for calls
	tail   goredis.UniversalClient // for reading the feed, which blocks

	put, delete script
	replicas    int // that must have a change before it counts as made

	countHash any      // of the counting script
	lane      *lane    // of counts to the only server
	lanes     sync.Map // … or one for each server of a cluster
	errands   sync.Pool

	ended   context.Context
	end     context.CancelFunc
	running sync.WaitGroup
	closing sync.Once
	closed  error
}

// Open prepares a store. It connects in the background: a Redis that is not
// there yet is no error here.
func Open(o Options) (*Store, error) {
	o, err := o.filled()
	if err != nil {
		return nil, err
	}
	goredis.SetLogger(silent{})
	s := &Store{
		options:  o,
		layout:   store.Layout{Prefix: o.Prefix},
		timeout:  o.Timeout,
		hooks:    o.Hooks,
		now:      o.Now,
		replicas: o.Address.Replicas,
		put:      scriptOf(putSource),
		delete:   scriptOf(deleteSource),
	}
	s.ended, s.end = context.WithCancel(context.Background())
	s.client = newClient(o, connections(o), s.guarded)
	s.countHash = scriptOf(countSource).Hash()
	if only, ok := s.client.(*goredis.Client); ok {
		s.lane = &lane{store: s, server: only}
	}
	s.tail = newClient(o, feedConnections, func(string, *goredis.Client) {})
	// The first call should not have to wait for a connection.
	s.running.Go(func() {
		ctx, cancel := context.WithTimeout(s.ended, ioTimeout)
		defer cancel()
		_ = s.client.Ping(ctx).Err() // calls will tell what is wrong
	})
	return s, nil
}

// guarded puts a hook with a breaker before a server.
func (s *Store) guarded(addr string, c *goredis.Client) {
	c.AddHook(hook{&breaker{
		shard:   addr,
		timeout: s.timeout,
		ping:    func(ctx context.Context) error { return c.Ping(ctx).Err() },
		tell:    s.hooks.Breaker,
		trouble: s.lookAround,
		ended:   s.ended,
		running: &s.running,
		now:     time.Now,
	}})
}

// lookAround asks the cluster who serves what now: the server that failed may
// have been replaced.
func (s *Store) lookAround() {
	if cluster, ok := s.client.(*goredis.ClusterClient); ok && s.ended.Err() == nil {
		cluster.ReloadState(s.ended)
	}
}

// Ping implements store.Backend.
func (s *Store) Ping(ctx context.Context) error {
	return s.call(ctx, "ping", func(ctx context.Context) error { return s.client.Ping(ctx).Err() })
}

// Close implements store.Backend.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.end()
		s.closed = s.client.Close()
		if err := s.tail.Close(); s.closed == nil {
			s.closed = err
		}
		s.running.Wait()
	})
	return s.closed
}
