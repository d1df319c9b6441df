package service

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/admin"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/obs"
	"github.com/tollgate-authz/tollgate/envoy"
)

// Options is what a service is made of.
type Options struct {
	Loader   *config.Loader // its Check is set by Open
	Log      io.Writer      // where log lines go
	Terminal bool           // Log is a terminal
	Build    obs.Build
	Observer authz.Observer // told of decisions, too; nil: nobody
	Now      func() time.Time
}

// Bound is one listener and the address that it really has.
type Bound struct{ Name, Address string }

// Service is a gate. Open binds it, Serve runs it.
type Service struct {
	options Options
	level   *slog.LevelVar
	log     *slog.Logger
	obs     *obs.Obs
	engine  *authz.Engine
	authz   *envoy.Authz
	check   *envoy.Server // nil when listen.check is off
	site    *site         // nil when listen.metrics is off
	bound   []Bound

	storage   atomic.Pointer[Storage] // nil while nothing needs a store
	limits    *authz.Limits
	kept      *authz.Kept // nil while nothing is sealed
	admin     *admin.Server
	adminSite *site // nil when listen.admin is off
	decisions *admin.Decisions
	public    *counter // nil when listen.public is off

	first    *config.Config // what the parts were built from
	reloader *config.Reloader
	draining atomic.Bool
}

// BrokenError means that the configuration cannot be used.
type BrokenError struct{ Problems []config.Problem }

func (e *BrokenError) Error() string { return "the configuration is broken" }

// Open reads the configuration and binds its listeners. Nobody is answered before
// Serve. It gives warnings, or a BrokenError.
func Open(ctx context.Context, o Options) (*Service, []config.Problem, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Service{options: o, level: new(slog.LevelVar)}
	first, problems := s.read(ctx)
	if config.Broken(problems) {
		return nil, nil, &BrokenError{Problems: problems}
	}
	s.first = first
	if err := s.build(ctx); err != nil {
		return nil, problems, errors.Join(err, s.Close())
	}
	return s, problems, nil
}

// read loads the configuration for the first time, when there is no engine yet
// that could check it.
func (s *Service) read(ctx context.Context) (*config.Config, []config.Problem) {
	probe := Checker(s.options.Now)
	defer probe.Close()
	s.options.Loader.Check = func(spec authz.Spec) []authz.Problem {
		if s.engine != nil {
			return s.engine.Check(spec)
		}
		return probe.Check(spec)
	}
	return s.options.Loader.Load(ctx)
}

// build makes the parts that live as long as the service.
func (s *Service) build(ctx context.Context) error {
	var err error
	s.level.Set(levelOf(s.first))
	s.log, err = obs.NewLogger(obs.LogOptions{
		Level: s.level, Format: s.first.Log.Format, Out: s.options.Log, Terminal: s.options.Terminal,
	})
	if err != nil {
		return err
	}
	s.obs, err = obs.New(obs.Options{
		Logger: s.log, AllowSample: s.first.Log.AllowSample, Build: s.options.Build, Now: s.options.Now,
	})
	if err != nil {
		return err
	}
	if !s.first.Listen.Admin.IsOff() {
		s.decisions = admin.NewDecisions()
	}
	if err := s.keep(!s.first.Listen.Admin.IsOff()); err != nil { //nolint:contextcheck // it lives until Close, not as long as ctx
		return err
	}
	s.engine = authz.New(authz.Options{
		Now: s.options.Now, Observer: s.observer(), Replica: replica(), CacheBytes: int64(s.first.Cache.Tokens), Kept: s.kept, Limiter: s.limits,
	})
	s.authz = envoy.New(s.engine, envoy.Options{Log: s.log})
	s.reloader = config.NewReloader(config.ReloaderOptions{Loader: s.options.Loader, Engine: counting{s.engine, s}, Observe: s.applied})
	s.obs.WatchKeySets(s.keySets)
	s.obs.WatchCalls(s.authz.Counts)
	return s.listen(ctx)
}

// replica names this process in decision ids: a pod's host name is its pod name.
func replica() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
}

func (s *Service) observer() authz.Observer {
	var all authz.Observer = s.obs
	if s.decisions != nil {
		all = both{all, remembering{s.decisions, s.options.Now}}
	}
	if s.options.Observer != nil {
		all = both{all, s.options.Observer}
	}
	return all
}

// both tells two observers.
type both struct{ one, other authz.Observer }

// Decision tells both.
func (b both) Decision(ctx context.Context, info *authz.DecisionInfo) {
	b.one.Decision(ctx, info)
	b.other.Decision(ctx, info)
}

// Dependency tells both.
func (b both) Dependency(name, result string, took time.Duration) {
	b.one.Dependency(name, result, took)
	b.other.Dependency(name, result, took)
}

// Bound are the listeners, in the order of the file.
func (s *Service) Bound() []Bound { return s.bound }

// Log is the log of the service.
func (s *Service) Log() *slog.Logger { return s.log }

// Serve makes the first snapshot, tells ready and answers until ctx ends; then it
// drains. Meanwhile it reloads when files change. It returns nil after a drain.
func (s *Service) Serve(ctx context.Context, ready func()) error {
	group, running := errgroup.WithContext(ctx)
	// Probes and scrapes are answered until the drain is over.
	drained, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	if s.site != nil {
		group.Go(func() error { return s.site.serve(drained) })
	}
	if s.adminSite != nil {
		group.Go(func() error { return s.adminSite.serve(running) })
	}
	if s.public != nil {
		group.Go(func() error { return s.public.site.serve(drained) })
	}
	group.Go(func() error { s.limits.Run(drained); return nil })
	if s.kept != nil { // keys and revocations count to the last answer
		group.Go(func() error { s.kept.Run(drained); return nil })
	}
	group.Go(func() error {
		defer end()
		return s.serveChecks(running)
	})
	group.Go(func() error { return s.follow(running, ready) })
	err := group.Wait() // the listeners are closed now
	if s.admin != nil {
		s.admin.Close()
	}
	s.engine.Close()
	return errors.Join(err, s.closeStorage())
}

// follow makes the first snapshot and keeps it at what the files say.
func (s *Service) follow(ctx context.Context, ready func()) error {
	if _, problems := s.reloader.Start(ctx); config.Broken(problems) {
		return &BrokenError{Problems: problems}
	}
	s.awaitKept(ctx)
	if s.check != nil {
		s.check.Ready()
	}
	ready()
	err := s.reloader.Run(ctx)
	if ctx.Err() != nil {
		s.draining.Store(true)
		s.log.InfoContext(ctx, "draining", "delay", time.Duration(s.first.Drain.Delay), "timeout", time.Duration(s.first.Drain.Timeout))
	}
	return err
}

// serveChecks answers Envoy until ctx ends and the drain is over. The front may
// watch health from the beginning: it is NOT_SERVING until ready.
func (s *Service) serveChecks(ctx context.Context) error {
	if s.check != nil {
		return s.check.Serve(ctx)
	}
	<-ctx.Done()
	return nil
}

// Close gives everything up that Open has taken, unless Serve was called, which
// does that itself.
func (s *Service) Close() error {
	var err error
	if s.check != nil {
		err = s.check.Close()
	}
	if s.site != nil {
		err = errors.Join(err, s.site.close())
	}
	if s.adminSite != nil {
		err = errors.Join(err, s.adminSite.close())
	}
	if s.admin != nil {
		s.admin.Close()
	}
	if s.public != nil {
		err = errors.Join(err, s.public.site.close())
	}
	if s.engine != nil {
		s.engine.Close()
	}
	return errors.Join(err, s.closeStorage())
}
