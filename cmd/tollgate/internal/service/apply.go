package service

import (
	"context"
	"errors"
	"log/slog"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/obs"
)

// errRefused means that an attempt to load the configuration changed nothing.
var errRefused = errors.New("the configuration was refused; the one before it stays")

// Reload reads the configuration again because of trigger. Either all of it
// applies from the next request on, or nothing does and the log says why.
func (s *Service) Reload(ctx context.Context, trigger config.Trigger) error {
	status, err := s.reloader.Reload(ctx, trigger)
	if err == nil && !status.Attempted.OK() {
		err = errRefused
	}
	return err
}

// applied is told of every attempt to load the configuration, the first included.
func (s *Service) applied(c *config.Config, status config.Status) {
	ctx, attempt := context.Background(), status.Attempted
	for _, problem := range attempt.Problems {
		switch {
		case !problem.Warning:
			s.log.ErrorContext(ctx, "configuration problem", "problem", problem.String())
		case attempt.Trigger != config.TriggerStart: // who starts it has been told already
			s.log.WarnContext(ctx, "configuration warning", "problem", problem.String())
		}
	}
	if !attempt.OK() {
		s.obs.SetReload(obs.Reload{Hash: attempt.Hash, Err: errRefused})
		s.log.ErrorContext(ctx, "configuration refused", "trigger", attempt.Trigger, "hash", attempt.Hash,
			"problems", len(attempt.Problems), "generation", status.Applied.Generation)
		return
	}
	if err := s.admit(c); err != nil {
		s.log.ErrorContext(ctx, "admin", "error", err)
	}
	if err := s.republish(c); err != nil { // its files were there when config looked
		s.log.ErrorContext(ctx, "public", "error", err)
	}
	s.level.Set(levelOf(c))
	s.obs.SetAllowSample(c.Log.AllowSample)
	s.obs.SetReload(obs.Reload{Hash: attempt.Hash, Generation: attempt.Generation, APIs: idsOf(c)})
	s.log.InfoContext(ctx, "configuration applied", "trigger", attempt.Trigger, "generation", attempt.Generation,
		"hash", attempt.Hash, "apis", len(c.Spec.APIs), "policies", len(c.Spec.Policies))
	for _, setting := range status.Restart {
		s.log.WarnContext(ctx, "needs a restart", "setting", setting)
	}
}

func idsOf(c *config.Config) []string {
	ids := make([]string, 0, len(c.Spec.APIs))
	for i := range c.Spec.APIs {
		ids = append(ids, c.Spec.APIs[i].ID)
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
