package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// Seals says whether a configuration keeps something that is sealed: credentials,
// split tokens or what is revoked.
func Seals(c *config.Config) bool {
	if len(c.TokenEndpoints) > 0 || !c.Listen.Public.IsOff() {
		return true
	}
	for i := range c.Spec.APIs {
		a := &c.Spec.APIs[i]
		if a.Split.Mode != "" && a.Split.Mode != authz.SplitNone {
			return true
		}
		for j := range a.Keys {
			if a.Keys[j].Credentials {
				return true
			}
		}
	}
	return false
}

// keep opens the store when the configuration needs it, or when it is wanted
// because operators can end tokens: what they end has to be kept somewhere.
func (s *Service) keep(wanted bool) error {
	s.newLimits()
	must := Seals(s.first)
	if !must && !wanted {
		return nil // limits open it when they are compiled
	}
	if err := s.openStorage(); err != nil {
		return err
	}
	storage := s.storage.Load()
	switch {
	case storage.Keyring != nil:
	case must:
		return errNoSealKey
	default:
		return nil // a shared store without seal keys counts, and keeps nothing
	}
	s.kept = authz.NewKept(authz.KeptOptions{
		Store: storage, Keyring: storage.Keyring, CacheBytes: int64(s.first.Cache.Tokens) / 4,
		MaxToken: int(s.first.Token.MaxBytes), Budget: time.Duration(s.first.Store.Timeout), Now: s.options.Now,
		Failed: func(err error) {
			s.logger().WarnContext(context.Background(), "the store's feed of changes cannot be followed", "error", err)
		},
	})
	return nil
}

// logger is the log, or nobody's where there is none.
func (s *Service) logger() *slog.Logger {
	if s.log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.log
}

// loadedWithin is how long the start waits for the first look into the store.
const loadedWithin = 5 * time.Second

// awaitKept waits until the revocations are known, so that the first requests are
// not refused for want of them. A store that cannot be reached does not stop the
// start: until it can, such requests are refused.
func (s *Service) awaitKept(ctx context.Context) {
	if s.kept == nil {
		return
	}
	wait := time.NewTimer(loadedWithin)
	defer wait.Stop()
	select {
	case <-s.kept.Loaded():
	case <-wait.C:
	case <-ctx.Done():
	}
}

// closeStorage gives the store back.
func (s *Service) closeStorage() error {
	if storage := s.storage.Load(); storage != nil {
		return storage.Close()
	}
	return nil
}
