package service

import (
	"context"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/admin"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/file"
	"github.com/tollgate-authz/tollgate/store/memory"
)

// newLimits makes what counts. It gets its store when a configuration has limits.
func (s *Service) newLimits() {
	s.limits = authz.NewLimits(authz.LimitsOptions{
		Now: s.options.Now,
		Failed: func(err error) {
			s.logger().Warn("the other replicas are not heard of", "error", err)
		},
	})
}

// counting is the engine of the reloader: it opens the store for the first
// configuration that has limits.
type counting struct {
	*authz.Engine
	s *Service
}

// Compile implements config.Engine.
func (c counting) Compile(ctx context.Context, spec authz.Spec) (*authz.Snapshot, []authz.Problem) {
	if spec.Limited() && c.s.storage.Load() == nil {
		if err := c.s.openStorage(); err != nil { //nolint:contextcheck // it lives until Close, not as long as ctx
			return nil, []authz.Problem{{At: "/store/url", What: err.Error()}}
		}
	}
	return c.Engine.Compile(ctx, spec)
}

// openStorage opens the store of the configuration that the service was started
// with: another one needs a restart.
func (s *Service) openStorage() error {
	storage, err := OpenStorage(s.first, StorageOptions{Now: s.options.Now, Hooks: s.hooks()})
	if err != nil {
		return err
	}
	if storage.MadeKey != "" {
		s.logger().Warn("made a seal key: keep it, without it the store cannot be read", "file", storage.MadeKey)
	}
	s.storage.Store(storage)
	s.limits.Use(storage, storage.Shared)
	return nil
}

// The names that uses of the store have in metrics.
const (
	nameStore  = "store"
	nameCommit = "store commit"
)

// hooks tell metrics and log of the store.
func (s *Service) hooks() store.Hooks {
	if s.obs == nil {
		return store.Hooks{}
	}
	told := s.observer()
	result := func(err error) string {
		if err != nil {
			return "error"
		}
		return "ok"
	}
	return store.Hooks{
		Call:       func(_ string, took time.Duration, err error) { told.Dependency(nameStore, result(err), took) },
		Commit:     func(_ int, took time.Duration, err error) { told.Dependency(nameCommit, result(err), took) },
		Unreadable: func(kind store.Kind) { told.Dependency(nameStore+" record", "unreadable "+string(kind), 0) },
		Breaker: func(shard string, open bool) {
			if open {
				told.Dependency(nameStore+" breaker", "open", 0)
				s.log.Warn("the store does not answer and is left alone", "shard", shard)
			} else {
				told.Dependency(nameStore+" breaker", "closed", 0)
				s.log.Info("the store answers again", "shard", shard)
			}
		},
	}
}

// holds says whether the store can have anything in it: looking into one that is
// not there yet would make it.
func (s *Service) holds() bool {
	address, err := s.first.Store.Address()
	if err != nil {
		return false // opening it says why
	}
	return address.Scheme != store.SchemeMemory && (address.Scheme != store.SchemeFile || file.Exists(address.Path))
}

// useForOne gives a command that asks once something to count in: the store, where
// looking at it changes nothing, else an empty one.
func (s *Service) useForOne() error {
	if s.storage.Load() != nil {
		return nil
	}
	if _, err := s.first.Store.Address(); err != nil || !s.first.Spec.Limited() {
		return err
	}
	if !s.holds() {
		s.storage.Store(&Storage{Backend: memory.Open(memory.Options{Now: s.options.Now})})
		s.limits.Use(s.storage.Load(), false)
		return nil
	}
	return s.openStorage()
}

// usage is the counters as the admin API sees them.
type usage struct{ engine *authz.Engine }

// Read implements admin.Usage.
func (u usage) Read(ctx context.Context, session string) ([]admin.Limit, error) {
	list, err := u.engine.Usage(ctx, session)
	if err != nil {
		return nil, err
	}
	out := make([]admin.Limit, 0, len(list))
	for _, l := range list {
		source := l.Policy
		if l.Entry != "" {
			source += ": " + l.Entry
		}
		out = append(out, admin.Limit{
			Kind: l.Kind, Source: source, API: l.API, Limit: l.Limit, Remaining: l.Remaining, Reset: l.Reset,
		})
	}
	return out, nil
}

// Reset implements admin.Usage.
func (u usage) Reset(ctx context.Context, session string) error {
	return u.engine.ResetUsage(ctx, session)
}

// TopUp implements admin.Usage.
func (u usage) TopUp(ctx context.Context, session string, requests int64) error {
	return u.engine.TopUpUsage(ctx, session, requests)
}
