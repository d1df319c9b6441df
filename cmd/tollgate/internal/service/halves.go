package service

import (
	"context"
	"errors"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/store"
)

// Halves splits and joins tokens within this process, as a service with the same
// configuration would, on the store itself.
type Halves struct {
	engine  *authz.Engine
	kept    *authz.Kept
	closing func() error
}

// OpenHalves opens the store of a configuration, which no service may hold where it
// is a directory.
func OpenHalves(ctx context.Context, c *config.Config, now func() time.Time) (*Halves, error) {
	s := &Service{options: Options{Now: now}, first: c}
	engine, closing, err := s.single(ctx, true)
	if err != nil {
		return nil, err
	}
	h := &Halves{engine: engine, kept: s.kept, closing: closing}
	if s.kept == nil {
		return nil, errors.Join(errNoSealKey, h.Close())
	}
	snapshot, _ := engine.Compile(ctx, c.Spec)
	if snapshot == nil {
		return nil, errors.Join(ErrBroken, h.Close())
	}
	engine.Swap(snapshot)
	return h, nil
}

// Split verifies a token as an API would, keeps it and gives the half for its
// client. The error is an authz.Reason where the API refuses the token.
func (h *Halves) Split(ctx context.Context, api, token string) (authz.Half, error) {
	return h.engine.Split(ctx, api, token)
}

// Join gives the whole token of a half with what it is on an API, or with api ""
// on the first one that accepts it. There is no token where the half opens nothing.
func (h *Halves) Join(ctx context.Context, api, half string) (string, authz.Introspection, error) {
	is, err := h.engine.Introspect(ctx, api, half)
	if err != nil || !is.Active {
		return "", is, err
	}
	token, err := h.kept.Restore(ctx, "", half)
	return token, is, err
}

// Close gives the store back.
func (h *Halves) Close() error { return h.closing() }

// Lasts says whether what is kept now is there for the next process.
func Lasts(c *config.Config) bool {
	address, err := c.Store.Address()
	return err != nil || address.Scheme != store.SchemeMemory // opening it says what is wrong
}
