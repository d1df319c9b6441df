package file

import (
	"context"
	"errors"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/tollgate-authz/tollgate/store"
)

// Bounds of one commit, and of the writes that wait for one.
const (
	queueLength = 1024
	groupBytes  = 8 << 20
	dropEvery   = time.Minute
)

// write is a change that waits for the disk.
type write struct {
	ctx     context.Context
	key     store.Key
	value   []byte
	cond    store.Version
	expires time.Time
	remove  bool
	done    chan answer // has room for one
}

type answer struct {
	version store.Version
	err     error
}

// submit queues a write and waits for its answer.
func (s *Store) submit(w *write) (store.Version, error) {
	w.done = make(chan answer, 1)
	select {
	case s.writes <- w:
	case <-s.ended.Done():
		return store.Any, errClosed()
	case <-w.ctx.Done():
		return store.Any, fmt.Errorf("%w: %w", store.ErrUnavailable, w.ctx.Err())
	}
	select {
	case a := <-w.done:
		return a.version, a.err
	case <-s.gone: // it was queued at the very end
		select {
		case a := <-w.done:
			return a.version, a.err
		default:
			return store.Any, errClosed()
		}
	case <-w.ctx.Done():
		return store.Any, fmt.Errorf("%w: %w; the write may still happen", store.ErrUnavailable, w.ctx.Err())
	}
}

// commitAll takes what has been queued while the last commit was under way and
// commits it as one, again and again.
func (s *Store) commitAll() {
	drop := time.NewTicker(dropEvery)
	defer drop.Stop()
	s.dropPast()
	for {
		select {
		case <-s.ended.Done():
			s.refuseQueued()
			return
		case <-drop.C:
			s.dropPast()
		case w := <-s.writes:
			s.commit(s.group(w))
		}
	}
}

func (s *Store) group(first *write) []*write {
	group, size := []*write{first}, len(first.value)
	for len(group) < queueLength && size < groupBytes {
		select {
		case w := <-s.writes:
			group, size = append(group, w), size+len(w.value)
		default:
			return group
		}
	}
	return group
}

func (s *Store) refuseQueued() {
	for {
		select {
		case w := <-s.writes:
			w.done <- answer{err: errClosed()}
		default:
			return
		}
	}
}

// commit makes a group durable, then visible, then answers. A conflict is also
// answered only then: what it conflicts with may be in the same group.
func (s *Store) commit(group []*write) {
	start := time.Now()
	b := &batch{s: s, now: s.now(), states: make(map[store.Key]state, len(group))}
	answers := make([]answer, len(group))
	err := s.broken
	if err == nil {
		err = s.inLog(func(tx *bolt.Tx) error {
			b.tx = tx
			for i, w := range group {
				answers[i] = b.take(w)
				if failed := answers[i].err; failed != nil && !errors.Is(failed, store.ErrConflict) &&
					!errors.Is(failed, store.ErrUnavailable) {
					return failed
				}
			}
			return nil
		})
	}
	if err != nil {
		err = fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	} else {
		b.show()
	}
	s.hooks.Commit(len(group), time.Since(start), err)
	for i, w := range group {
		if err != nil {
			answers[i] = answer{err: err}
		}
		w.done <- answers[i]
	}
}

// inLog is one transaction of the log. When it fails although the log has it (a
// disk that no longer writes through), memory and log may differ: then nothing
// more is written until the store is opened again.
func (s *Store) inLog(do func(*bolt.Tx) error) error {
	number := 0
	err := undamaged(func() error {
		return s.log.Update(func(tx *bolt.Tx) error {
			number = tx.ID()
			return do(tx)
		})
	})
	if err == nil {
		return nil
	}
	if errors.Is(err, errDamaged) {
		s.broken = err
		return err
	}
	last := 0
	seen := undamaged(func() error {
		return s.log.View(func(tx *bolt.Tx) error {
			last = tx.ID()
			return nil
		})
	})
	if seen != nil || last >= number {
		s.broken = fmt.Errorf("nothing is written until tollgate is started again, after: %w", err)
	}
	return err
}

// dropPast removes the hours that have passed, each as a whole.
func (s *Store) dropPast() {
	var past [][]byte
	limit := s.now().Add(-grace)
	err := s.log.View(func(tx *bolt.Tx) error {
		return tx.ForEach(func(name []byte, _ *bolt.Bucket) error {
			if end, hourly := endOf(string(name)); hourly && end.Before(limit) {
				past = append(past, append([]byte(nil), name...))
			}
			return nil
		})
	})
	if err != nil || len(past) == 0 || s.broken != nil {
		return
	}
	start := time.Now()
	err = s.inLog(func(tx *bolt.Tx) error {
		for _, name := range past {
			if err := tx.DeleteBucket(name); err != nil {
				return err
			}
		}
		return nil
	})
	s.hooks.Commit(0, time.Since(start), err)
}
