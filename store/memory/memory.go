// Package memory is the store that ends with the process: for tests, demos and
// gateways that keep nothing. It serves one process.
package memory

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// Options of a store in memory. The zero value is fine.
type Options struct {
	MaxBytes int64 // how much it holds; 0: store.TableBytes
	Hooks    store.Hooks
	Now      func() time.Time // nil: time.Now
}

// Store keeps records and events in this process only.
type Store struct {
	table   *store.Table
	ring    *store.Ring
	tally   *store.Tally
	version atomic.Uint64
	ended   context.Context
	end     context.CancelFunc
	swept   chan struct{}
}

// sweepEvery is the tick of forgetting what has expired: every record is looked
// at once in 64 ticks.
const sweepEvery = time.Second

// Open makes an empty store.
func Open(o Options) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Store{
		table: store.NewTable(o.MaxBytes, o.Now, o.Hooks),
		ring:  store.NewRing(o.Now),
		tally: store.NewTally(o.MaxBytes, o.Hooks, nil, nil),
		swept: make(chan struct{}),
	}
	s.ended, s.end = context.WithCancel(context.Background())
	go func() {
		defer close(s.swept)
		go s.tally.SweepEvery(s.ended, sweepEvery, o.Now)
		s.table.SweepEvery(s.ended, sweepEvery)
	}()
	return s
}

// Get implements store.KV.
func (s *Store) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if err := s.ready(ctx, key); err != nil {
		return store.Record{}, err
	}
	return s.table.Get(key)
}

// Put implements store.KV.
func (s *Store) Put(ctx context.Context, key store.Key, value []byte, w store.Write) (store.Version, error) {
	if err := s.ready(ctx, key); err != nil {
		return store.Any, err
	}
	if len(value) > store.MaxValue {
		return store.Any, fmt.Errorf("%w: value of %d bytes", store.ErrInvalid, len(value))
	}
	v := store.Version(s.version.Add(1))
	err := s.table.Set(key, store.Record{Value: value, Version: v, Expires: w.Expires}, w.If)
	if err != nil {
		return store.Any, err
	}
	return v, nil
}

// Delete implements store.KV.
func (s *Store) Delete(ctx context.Context, key store.Key, cond store.Version) error {
	if err := s.ready(ctx, key); err != nil {
		return err
	}
	return s.table.Unset(key, cond)
}

// List implements store.KV.
func (s *Store) List(ctx context.Context, prefix store.Key, from store.Cursor) (store.Page, error) {
	if err := s.Ping(ctx); err != nil {
		return store.Page{}, err
	}
	return s.table.List(prefix, from)
}

// Publish implements store.Feed.
func (s *Store) Publish(ctx context.Context, topic string, payload []byte) (store.Position, error) {
	if err := s.Ping(ctx); err != nil {
		return "", err
	}
	return s.ring.Publish(topic, payload)
}

// Head implements store.Feed.
func (s *Store) Head(ctx context.Context) (store.Position, error) {
	return s.ring.Head(), s.Ping(ctx)
}

// Subscribe implements store.Feed.
func (s *Store) Subscribe(ctx context.Context, from store.Position, f store.Follower) error {
	if err := s.Ping(ctx); err != nil {
		return err
	}
	return s.ring.Subscribe(ctx, from, f)
}

// Ping implements store.Backend.
func (s *Store) Ping(ctx context.Context) error {
	if s.ended.Err() != nil {
		return fmt.Errorf("%w: closed", store.ErrUnavailable)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}

// Close implements store.Backend.
func (s *Store) Close() error {
	s.end()
	s.ring.Close()
	<-s.swept
	return nil
}

func (s *Store) ready(ctx context.Context, key store.Key) error {
	if err := key.Check(); err != nil {
		return err
	}
	return s.Ping(ctx)
}
