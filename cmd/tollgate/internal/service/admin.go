package service

import (
	"context"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/admin"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
)

// secretName is the name that admin.secret has in the audit log.
const secretName = "admin.secret"

// authOf says who may use the admin API.
func authOf(c *config.Config) (*admin.Auth, error) {
	var tokens []admin.Token
	if !c.Admin.Secret.IsZero() {
		tokens = append(tokens, admin.Token{Name: secretName, Secret: c.Admin.Secret.Bytes(), Role: admin.Write})
	}
	for _, t := range c.Admin.Tokens {
		tokens = append(tokens, admin.Token{Name: t.Name, Secret: t.Secret.Bytes(), Role: admin.Role(t.Role)})
	}
	var peers []admin.Peer
	for _, p := range c.Admin.MTLS {
		peers = append(peers, admin.Peer{SAN: p.SAN, Role: admin.Role(p.Role)})
	}
	return admin.NewAuth(tokens, peers)
}

// manage binds the listener of the admin API.
func (s *Service) manage(ctx context.Context) error {
	on := s.first.Listen.Admin
	if on.IsOff() {
		return nil
	}
	auth, err := authOf(s.first)
	if err != nil {
		return err
	}
	parts := admin.Parts{
		Engine: s.engine, Config: managed{s}, Decisions: s.decisions, Version: s.options.Build.Version,
		Usage: usage{s.engine}, Replica: replica(), Started: s.options.Now(), Log: s.log, Now: s.options.Now,
	}
	if s.kept != nil {
		parts.Credentials = s.kept.Keys()
		parts.Tokens = ended{s.engine, s.kept}
	}
	if s.admin, err = admin.New(parts, auth); err != nil { //nolint:contextcheck // it lives until Close, not as long as ctx
		return err
	}
	if s.adminSite, err = newSite(ctx, on, s.admin); err != nil {
		return err
	}
	s.bound = append(s.bound, Bound{Name: "admin", Address: shown(on.Address, s.adminSite.listener.Addr().String())})
	return nil
}

// admit lets those use the admin API whom the configuration names now.
func (s *Service) admit(c *config.Config) error {
	if s.admin == nil {
		return nil
	}
	auth, err := authOf(c)
	if err != nil {
		return err // config has checked it: the callers stay who they were
	}
	s.admin.SetAuth(auth)
	return nil
}

// managed is the configuration as the admin API sees it.
type managed struct{ s *Service }

// State implements admin.Config.
func (m managed) State() (applied, attempted admin.ConfigState, needsRestart []string) {
	status := m.s.reloader.Status()
	return stateOf(status.Applied), stateOf(status.Attempted), status.Restart
}

func stateOf(a config.Attempt) admin.ConfigState {
	state := admin.ConfigState{Hash: a.Hash, Time: a.At}
	for _, problem := range a.Problems {
		state.Problems = append(state.Problems, problem.String())
	}
	return state
}

// Reload implements admin.Config.
func (m managed) Reload(ctx context.Context) bool { return m.s.Reload(ctx, config.TriggerAdmin) == nil }

// Store implements admin.Config.
func (m managed) Store(ctx context.Context) string {
	storage := m.s.storage.Load()
	if storage == nil {
		return "none"
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := storage.Ping(ctx); err != nil {
		return err.Error()
	}
	return "ok"
}

// remembering tells the admin API of decisions.
type remembering struct {
	decisions *admin.Decisions
	now       func() time.Time
}

// Decision implements authz.Observer.
func (r remembering) Decision(_ context.Context, info *authz.DecisionInfo) {
	r.decisions.Tell(info, r.now())
}

// Dependency implements authz.Observer.
func (remembering) Dependency(string, string, time.Duration) {}
