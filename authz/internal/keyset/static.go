package keyset

import "context"

// Static is a Set of keys that never change.
type Static struct {
	index *index
}

// NewStatic makes a Set of the given keys; their order is the order of trying.
func NewStatic(keys ...*Key) *Static { return &Static{index: newIndex(keys)} }

// Find implements Set. Keys of exactly the token's kid come first, then those
// that were configured without one: they are candidates for every token.
func (s *Static) Find(dst []*Key, q *Query) ([]*Key, error) {
	if !s.index.speaks(q) {
		return dst, ErrIssuer
	}
	before := len(dst)
	dst = s.index.named(dst, q, before+MaxCandidates)
	dst = s.index.unnamed(dst, q, before+MaxCandidates)
	if len(dst) == before {
		return dst, ErrUnknown
	}
	return dst, nil
}

// Refetch implements Set: nothing can be fetched.
func (s *Static) Refetch(_ context.Context, tried []*Key, q *Query) ([]*Key, error) {
	return untried(s, tried, q)
}

// Generation implements Set.
func (s *Static) Generation() uint64 { return 0 }
