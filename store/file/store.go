package file

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/tollgate-authz/tollgate/store"
)

// Store keeps records in memory and in the log of one directory.
type Store struct {
	dir   string
	now   func() time.Time
	hooks store.Hooks
	table *store.Table
	ring  *store.Ring
	tally *store.Tally

	settling atomic.Bool // nothing is counted any more

	lock   *os.File
	log    *bolt.DB
	writes chan *write
	broken error // why nothing is written any more; of the committing goroutine

	backups    net.Listener // nil when there is none
	backupsErr error        // why there is none

	ended   context.Context
	end     context.CancelFunc
	running sync.WaitGroup
	gone    chan struct{} // closed when nothing is written any more
	closing sync.Once
	closed  error
}

// Get implements store.KV.
func (s *Store) Get(ctx context.Context, key store.Key) (store.Record, error) {
	if err := s.ready(ctx, key); err != nil {
		return store.Record{}, err
	}
	return s.table.Get(key)
}

// Put implements store.KV. It returns when the record is on disk.
func (s *Store) Put(ctx context.Context, key store.Key, value []byte, w store.Write) (store.Version, error) {
	if err := s.ready(ctx, key); err != nil {
		return store.Any, err
	}
	if len(value) > store.MaxValue {
		return store.Any, fmt.Errorf("%w: value of %d bytes", store.ErrInvalid, len(value))
	}
	own := append([]byte(nil), value...) // it outlives a call that ends early
	return s.submit(&write{ctx: ctx, key: key, value: own, cond: w.If, expires: w.Expires})
}

// Delete implements store.KV.
func (s *Store) Delete(ctx context.Context, key store.Key, cond store.Version) error {
	if err := s.ready(ctx, key); err != nil {
		return err
	}
	_, err := s.submit(&write{ctx: ctx, key: key, cond: cond, remove: true})
	return err
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
		return errClosed()
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}

// Close implements store.Backend. Writes that have been taken are finished.
func (s *Store) Close() error {
	s.closing.Do(func() {
		s.settling.Store(true)
		unsettled := s.settle()
		s.end()
		s.ring.Close()
		if s.backups != nil {
			s.backups.Close()                             // it only listened
			os.Remove(filepath.Join(s.dir, backupSocket)) // the next one does it as well
		}
		s.running.Wait()
		s.refuseQueued()
		close(s.gone)
		s.closed = errors.Join(unsettled, s.abandon())
	})
	return s.closed
}

func (s *Store) ready(ctx context.Context, key store.Key) error {
	if err := key.Check(); err != nil {
		return err
	}
	return s.Ping(ctx)
}

func errClosed() error { return fmt.Errorf("%w: closed", store.ErrUnavailable) }
