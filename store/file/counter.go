package file

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
)

// Count implements store.Counter. Rates are counted in memory and begin anew
// after a crash. A quota is reserved ahead on disk before what was reserved is
// spent, so that a crash can lose permits but never gives one twice.
func (s *Store) Count(ctx context.Context, id string, step store.Step, c *limit.Charge) (limit.Verdict, error) {
	if err := s.ready(ctx, countKey(id)); err != nil {
		return limit.Verdict{}, err
	}
	return s.tally.Count(ctx, id, step, c)
}

// CountBoth implements store.Counter.
func (s *Store) CountBoth(ctx context.Context, own, shared *store.Part) {
	own.Err, shared.Err = s.ready(ctx, countKey(own.ID)), s.ready(ctx, countKey(shared.ID))
	if own.Err == nil && shared.Err == nil {
		s.tally.CountBoth(ctx, own, shared)
	}
}

// Counted implements store.Counter.
func (s *Store) Counted(ctx context.Context, id string) ([]byte, error) {
	if err := s.ready(ctx, countKey(id)); err != nil {
		return nil, err
	}
	return s.tally.Counted(id), nil
}

// reserve makes quotas safe ahead of what is spent of them.
func (s *Store) reserve(ctx context.Context, e *store.Tallied, next []byte, step store.Step, c *limit.Charge) error {
	if s.settling.Load() { // what is spent now would not be on disk
		return errClosed()
	}
	if step == store.Take && limit.Covered(e.Safe, next, c) {
		return nil
	}
	record, until := limit.Reserve(nil, e.Safe, next, c)
	if err := s.makeSafe(ctx, e.ID, record, until); err != nil {
		return err
	}
	e.Safe = record
	return nil
}

func countKey(id string) store.Key { return store.Key{Kind: store.KindLimit, ID: id} }

// spent is what is safe of an id: everything that was reserved counts as spent.
func (s *Store) spent(id string) []byte {
	record, err := s.table.Get(countKey(id))
	if err != nil {
		return nil
	}
	return record.Value
}

// makeSafe writes what a crash must not undo; nothing where nothing is spent.
func (s *Store) makeSafe(ctx context.Context, id string, record []byte, until time.Time) error {
	w := &write{ctx: ctx, key: countKey(id), value: record, expires: until, remove: len(record) <= 1}
	_, err := s.submit(w)
	return err
}

// settlers is how many writes an orderly end has under way at once: they share
// commits.
const settlers = 256

// settle writes what was really spent of every quota, so that an orderly end
// loses no permit.
func (s *Store) settle() error {
	now := limit.Micros(s.now())
	var group errgroup.Group
	group.SetLimit(settlers)
	for id, e := range s.tally.All {
		if len(e.Safe) == 0 {
			continue
		}
		record, until := limit.Exact(nil, e.Record(), now)
		group.Go(func() error {
			if err := s.makeSafe(context.Background(), id, record, until); err != nil {
				return fmt.Errorf("quotas: %w", err)
			}
			return nil
		})
	}
	return group.Wait()
}
