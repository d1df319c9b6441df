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
	return s.tally.Count(ctx, id, step, c, nil)
}
