package keyset

import (
	"context"
	"errors"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// MaxCandidates bounds the keys that one token is tried with.
const MaxCandidates = 8

// The reasons for having no candidate.
var (
	// ErrUnknown: no key of the set fits the token (key_unknown).
	ErrUnknown = errors.New("no key of this name and type is known")
	// ErrIssuer: every key is bound to another issuer (issuer_refused).
	ErrIssuer = errors.New("no key is bound to the token's issuer")
	// ErrUnavailable: a set that could hold the key has no usable keys at the
	// moment (keys_unavailable).
	ErrUnavailable = errors.New("the keys of this issuer are not available")
)

// Key is a verification key with what its source says about it. It is immutable.
type Key struct {
	*jws.Key
	ID     string  // kid, with HasID
	HasID  bool    // the source names a kid
	Issuer string  // exact issuer that the key speaks for; "" for any
	Alg    jws.Alg // the only algorithm allowed; "" for all that fit the type
	Source string  // where it comes from, for explain; holds no secret
}

// Fits says whether the key may verify signatures by a.
func (k *Key) Fits(a jws.Alg) bool { return (k.Alg == "" || k.Alg == a) && k.Key.Fits(a) }

// Query is what an unverified token says about its key.
type Query struct {
	Alg       jws.Alg
	Kid       string // with HasKid
	HasKid    bool
	Issuer    string // with HasIssuer
	HasIssuer bool
	// Expired: the token says that it is expired. Keys at hand may still be used,
	// but nothing is fetched for it.
	Expired bool
}

// Set answers which keys may have signed a token.
type Set interface {
	// Find appends to dst at most MaxCandidates candidates among the keys at
	// hand: it does no I/O and waits for nothing. Without a candidate it gives dst
	// unchanged and ErrUnknown, ErrIssuer or ErrUnavailable.
	Find(dst []*Key, q *Query) ([]*Key, error)
	// Refetch is for a token that no key of Find signed; tried are those. It asks
	// the providers that do not know the token's kid again where their cool-down
	// allows it, waits 50 ms at most (less when ctx ends), finds once more and
	// gives the candidates that were not tried yet. Where nothing can be fetched
	// it returns at once. Without a new candidate the error is one of Find's.
	Refetch(ctx context.Context, tried []*Key, q *Query) ([]*Key, error)
	// Generation changes whenever the keys at hand change; it never repeats.
	Generation() uint64
}
