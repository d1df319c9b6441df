package authz

import (
	"context"

	"github.com/tollgate-authz/tollgate/authz/internal/revoked"
)

// RevocationRule ends the tokens that fit it.
type RevocationRule = revoked.Rule

// RevocationKind says what a rule names: jti, token, subject, session, client,
// issuer or all.
type RevocationKind = revoked.Kind

// KeptRevocation is a rule in force with its id.
type KeptRevocation = revoked.Listed

// ErrRevocation means that a rule cannot be made as it is.
var ErrRevocation = revoked.ErrRule

// CreateRevocation makes a rule, or replaces the one about the same thing, on
// every replica, and gives its id.
func (k *Kept) CreateRevocation(ctx context.Context, rule RevocationRule) (string, error) {
	return k.revoked.Create(ctx, rule)
}

// ListRevocations gives a page of rules and where the next one begins, "" after
// the last.
func (k *Kept) ListRevocations(ctx context.Context, from string) ([]KeptRevocation, string, error) {
	return k.revoked.List(ctx, from)
}

// DeleteRevocation takes a rule back on every replica; store.ErrNotFound when
// there is none.
func (k *Kept) DeleteRevocation(ctx context.Context, id string) error {
	return k.revoked.Delete(ctx, id)
}
