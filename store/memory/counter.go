package memory

import (
	"context"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
)

// Count implements store.Counter.
func (s *Store) Count(ctx context.Context, id string, step store.Step, c *limit.Charge) (limit.Verdict, error) {
	if err := s.ready(ctx, store.Key{Kind: store.KindLimit, ID: id}); err != nil {
		return limit.Verdict{}, err
	}
	return s.tally.Count(ctx, id, step, c)
}

// CountBoth implements store.Counter.
func (s *Store) CountBoth(ctx context.Context, own, shared *store.Part) {
	if s.readyBoth(ctx, own, shared) {
		s.tally.CountBoth(ctx, own, shared)
	}
}

func (s *Store) readyBoth(ctx context.Context, own, shared *store.Part) bool {
	own.Err = s.ready(ctx, store.Key{Kind: store.KindLimit, ID: own.ID})
	shared.Err = s.ready(ctx, store.Key{Kind: store.KindLimit, ID: shared.ID})
	return own.Err == nil && shared.Err == nil
}

// Counted implements store.Counter.
func (s *Store) Counted(ctx context.Context, id string) ([]byte, error) {
	if err := s.ready(ctx, store.Key{Kind: store.KindLimit, ID: id}); err != nil {
		return nil, err
	}
	return s.tally.Counted(id), nil
}
