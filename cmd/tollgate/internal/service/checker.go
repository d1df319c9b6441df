package service

import (
	"context"
	"errors"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// Checker is an engine that can check every configuration. It opens no store, so
// what would have to be looked up there is refused.
func Checker(now func() time.Time) *authz.Engine {
	return authz.New(authz.Options{
		Now: now, Limiter: authz.NewLimits(authz.LimitsOptions{Now: now}),
		Credentials: unopened{}, Restorer: unopened{}, Revocations: unopened{},
	})
}

// errUnopened is the cause where a store would have to be asked.
var errUnopened = errors.New("no store is open")

// unopened stands where a store would be.
type unopened struct{}

// Find implements authz.Credentials.
func (unopened) Find(context.Context, string, string) (*authz.Credential, error) {
	return nil, errUnopened
}

// Restore implements authz.Restorer.
func (unopened) Restore(context.Context, string, string) (string, error) { return "", errUnopened }

// Ended implements authz.Revocations: nothing is known, and that for ever.
func (unopened) Ended(*authz.Revocable, time.Time) (ended bool, staleFor time.Duration) {
	return false, 0
}

// Single is an engine that decides as a service with this configuration would,
// for a command that asks it once. close gives the store back.
func Single(ctx context.Context, c *config.Config, now func() time.Time) (engine *authz.Engine, closing func() error, err error) {
	s := &Service{options: Options{Now: now}, first: c}
	return s.single(ctx, !c.Listen.Admin.IsOff() && s.holds())
}

// single is Single for a service that is never served; kept says that the store
// is wanted although nothing in the file needs it.
func (s *Service) single(ctx context.Context, kept bool) (engine *authz.Engine, closing func() error, err error) {
	now := s.options.Now
	if err := s.keep(kept); err != nil { //nolint:contextcheck // it lives until Close, not as long as ctx
		return nil, nil, errors.Join(err, s.closeStorage())
	}
	if s.kept == nil {
		if err := s.useForOne(); err != nil { //nolint:contextcheck // it lives until Close, not as long as ctx
			return nil, nil, errors.Join(err, s.closeStorage())
		}
		engine = authz.New(authz.Options{Now: now, Replica: "check", Limiter: s.limits})
		return engine, func() error { engine.Close(); return s.closeStorage() }, nil
	}
	running, end := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.kept.Run(running)
	}()
	s.awaitKept(ctx)
	engine = authz.New(authz.Options{Now: now, Replica: "check", Kept: s.kept, Limiter: s.limits})
	return engine, func() error {
		end()
		<-ended
		engine.Close()
		return s.closeStorage()
	}, nil
}
