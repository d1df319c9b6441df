package keyset

import "context"

// Union is the keys of one API: static ones first, then remote sets in the
// configured order. With a kid, keys that have exactly this kid come before
// static keys that have none.
type Union struct {
	static  *Static
	remotes []*Remote
}

// NewUnion makes the union; static may be nil.
func NewUnion(static *Static, remotes ...*Remote) *Union {
	if static == nil {
		static = NewStatic()
	}
	return &Union{static: static, remotes: remotes}
}

// Find implements Set. ErrIssuer means that no member has the token's issuer,
// ErrUnavailable that a member of this issuer has no usable keys at the moment.
func (u *Union) Find(dst []*Key, q *Query) ([]*Key, error) {
	before := len(dst)
	most := before + MaxCandidates
	spoken := u.static.index.speaks(q)
	dst = u.static.index.named(dst, q, most)
	down := false
	for _, r := range u.remotes {
		if !r.speaks(q) {
			continue
		}
		spoken = true
		at := r.at.Load()
		down = down || !at.usable()
		dst = at.index.named(dst, q, most)
	}
	dst = u.static.index.unnamed(dst, q, most)
	switch {
	case len(dst) > before:
		return dst, nil
	case !spoken:
		return dst, ErrIssuer
	case down:
		return dst, ErrUnavailable
	default:
		return dst, ErrUnknown
	}
}

// Refetch implements Set: the remote sets of this issuer are asked beside each
// other.
func (u *Union) Refetch(ctx context.Context, tried []*Key, q *Query) ([]*Key, error) {
	await(ctx, u.remotes, q)
	return untried(u, tried, q)
}

// Generation implements Set: generations only grow, so their sum changes with
// each of them.
func (u *Union) Generation() uint64 {
	sum := uint64(0)
	for _, r := range u.remotes {
		sum += r.Generation()
	}
	return sum
}
