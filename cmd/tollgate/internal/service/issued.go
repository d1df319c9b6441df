package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/admin"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/public"
)

// issued are tokens as the public listener sees them.
type issued struct{ engine *authz.Engine }

// Split implements public.Tokens.
func (i issued) Split(ctx context.Context, api, token string) (string, time.Time, error) {
	half, err := i.engine.Split(ctx, api, token)
	if why, ok := errors.AsType[authz.Reason](err); ok {
		return "", time.Time{}, fmt.Errorf("%w: %w", public.ErrRefused, why)
	}
	return half.Text, half.Until, err
}

// byPublic is who a revocation at /revoke is told to be made by.
const byPublic = "revoke"

// Revoke implements public.Tokens.
func (i issued) Revoke(ctx context.Context, token string) error {
	done, err := i.engine.Revoke(ctx, "", token, byPublic)
	if err == nil && !done {
		return public.ErrUnknown
	}
	return err
}

// Introspect implements public.Tokens.
func (i issued) Introspect(ctx context.Context, token string) (public.Introspection, error) {
	is, err := i.engine.Introspect(ctx, "", token)
	if err != nil || !is.Active {
		return public.Introspection{}, err
	}
	return public.Introspection{Active: true, Claims: is.Claims}, nil
}

// ended are tokens as the admin API sees them.
type ended struct {
	engine *authz.Engine
	kept   *authz.Kept
}

// Show implements admin.Tokens.
func (e ended) Show(ctx context.Context, token, api string) (admin.Shown, error) {
	is, err := e.engine.Introspect(ctx, api, token)
	if err != nil {
		return admin.Shown{}, err
	}
	kind := "jwt"
	if is.Kind == authz.KindSplit {
		kind = "split"
	}
	return admin.Shown{
		Active: is.Active, Reason: string(is.Reason), Kind: kind, Claims: string(is.Claims), Expires: is.Expires, Session: is.Session,
	}, nil
}

// Revoke implements admin.Tokens.
func (e ended) Revoke(ctx context.Context, token, api, by string) (bool, error) {
	return e.engine.Revoke(ctx, api, token, by)
}

// RevokeSession implements admin.Tokens.
func (e ended) RevokeSession(ctx context.Context, session, by string) error {
	return e.engine.RevokeSession(ctx, session, by)
}

// Rules implements admin.Tokens.
func (e ended) Rules() admin.Rules { return e }

// Create implements admin.Rules.
func (e ended) Create(ctx context.Context, r admin.Revocation) (admin.Revocation, error) {
	rule := authz.RevocationRule{
		Kind: authz.RevocationKind(r.Kind), Value: r.Value, Issuer: r.Issuer, Before: r.Before, Until: r.Until, By: r.By,
	}
	id, err := e.kept.CreateRevocation(ctx, rule)
	if errors.Is(err, authz.ErrRevocation) {
		return r, fmt.Errorf("%w%s", admin.ErrRevocation, err.Error()[len(authz.ErrRevocation.Error()):])
	}
	r.ID = id
	return r, err
}

// List implements admin.Rules.
func (e ended) List(ctx context.Context, from string) ([]admin.Revocation, string, error) {
	list, next, err := e.kept.ListRevocations(ctx, from)
	if err != nil {
		return nil, "", err
	}
	out := make([]admin.Revocation, 0, len(list))
	for _, l := range list {
		out = append(out, admin.Revocation{
			ID: l.ID, Kind: string(l.Kind), Value: l.Value, Issuer: l.Issuer, By: l.By, Before: l.Before, Until: l.Until,
		})
	}
	return out, next, nil
}

// Delete implements admin.Rules.
func (e ended) Delete(ctx context.Context, id string) error { return e.kept.DeleteRevocation(ctx, id) }
