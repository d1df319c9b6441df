package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/obs"
)

// errRefused means that a reload changed nothing.
var errRefused = errors.New("the configuration was refused; the one before it stays")

// Reload reads the configuration again. Either all of it applies from the next
// request on, or nothing does and the log says why.
func (s *Service) Reload(ctx context.Context) error {
	next, problems := s.options.Loader.Load(ctx)
	if config.Broken(problems) {
		s.refused(ctx, hashOf(next), problems)
		return errRefused
	}
	s.warn(ctx, problems)
	return s.apply(ctx, next)
}

func hashOf(c *config.Config) string {
	if c == nil {
		return ""
	}
	return c.Hash
}

// apply makes a configuration that was checked the live one.
func (s *Service) apply(ctx context.Context, next *config.Config) error {
	s.applying.Lock()
	defer s.applying.Unlock()
	spec := next.Spec
	spec.Hash = next.Hash
	snapshot, found := s.engine.Compile(ctx, spec)
	if snapshot == nil {
		err := refusal(found)
		s.obs.SetReload(obs.Reload{Hash: next.Hash, Err: err})
		s.log.ErrorContext(ctx, "configuration refused", "hash", next.Hash, "error", err)
		return err
	}
	generation := s.engine.Swap(snapshot)
	s.applied = next
	s.level.Set(levelOf(next))
	s.obs.SetAllowSample(next.Log.AllowSample)
	s.obs.SetReload(obs.Reload{Hash: next.Hash, Generation: generation, APIs: idsOf(snapshot)})
	s.log.InfoContext(ctx, "configuration applied", "generation", generation, "hash", next.Hash,
		"apis", len(spec.APIs), "policies", len(spec.Policies))
	return nil
}

// refusal is what Compile found beyond what Check had found.
func refusal(found []authz.Problem) error {
	var all []error
	for _, problem := range found {
		if !problem.Warning {
			all = append(all, fmt.Errorf("%s: %s", problem.At, problem.What))
		}
	}
	return errors.Join(append(all, errRefused)...)
}

func (s *Service) refused(ctx context.Context, hash string, problems []config.Problem) {
	for _, problem := range problems {
		if !problem.Warning {
			s.log.ErrorContext(ctx, "configuration problem", "problem", problem.String())
		}
	}
	s.obs.SetReload(obs.Reload{Hash: hash, Err: errRefused})
	s.log.ErrorContext(ctx, "configuration refused", "hash", hash, "problems", len(problems))
}

func (s *Service) warn(ctx context.Context, problems []config.Problem) {
	for _, problem := range problems {
		if problem.Warning {
			s.log.WarnContext(ctx, "configuration warning", "problem", problem.String())
		}
	}
}

func idsOf(snapshot *authz.Snapshot) []string {
	var ids []string
	for _, api := range snapshot.APIs() {
		ids = append(ids, api.ID)
	}
	return ids
}

// levelOf is log.level, which config has checked.
func levelOf(c *config.Config) slog.Level {
	level, err := obs.ParseLevel(c.Log.Level)
	if err != nil {
		return slog.LevelInfo
	}
	return level
}
