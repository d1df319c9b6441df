package cases

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
	"github.com/tollgate-authz/tollgate/envoy"
	"github.com/tollgate-authz/tollgate/store/memory"
	"github.com/tollgate-authz/tollgate/store/seal"
)

// Parts are what engines of case files are made of, beside their clock and a
// store in memory.
type Parts struct {
	// Foreign reads Tyk files; nil refuses them.
	Foreign config.Foreign
}

// Direct is the surface of the engine itself.
func Direct(parts Parts) Surface { return direct{parts} }

type direct struct{ parts Parts }

// Name names the surface.
func (direct) Name() string { return "engine" }

// Open loads the configuration.
func (d direct) Open(ctx context.Context, path string) (Session, error) {
	return d.parts.engine(ctx, path)
}

// running is an engine with a clock that is set, and with a store that case files
// fill.
type running struct {
	*authz.Engine
	clock *atomic.Pointer[time.Time]
	store *fickle
	kept  *authz.Kept  // nil where the configuration keeps nothing
	stale atomic.Int64 // how long nothing was heard of revocations
}

// misconfigured is a configuration that does not load.
type misconfigured []config.Problem

func (misconfigured) Error() string { return "the configuration does not load" }

// engine makes an engine of the configuration at path, as a service would.
func (p Parts) engine(ctx context.Context, path string) (*running, error) {
	r := &running{clock: new(atomic.Pointer[time.Time])}
	r.set(standstill())
	loaded, err := p.load(ctx, r, path)
	if err != nil {
		return nil, err
	}
	r.store = &fickle{Backend: memory.Open(memory.Options{Now: r.now})}
	limits := authz.NewLimits(authz.LimitsOptions{Now: r.now})
	limits.Use(r.store, false)
	options := authz.Options{Now: r.now, Limiter: limits}
	if service.Seals(loaded) || !loaded.Listen.Admin.IsOff() {
		ring, err := seal.Random()
		if err != nil {
			return nil, errors.Join(err, r.store.Close())
		}
		r.kept = authz.NewKept(authz.KeptOptions{Store: r.store, Keyring: ring, MaxToken: int(loaded.Token.MaxBytes), Now: r.now, Budget: lookup})
		options.Kept, options.Revocations = r.kept, news{r}
	}
	r.Engine = authz.New(options)
	snapshot, found := r.Compile(ctx, loaded.Spec)
	if snapshot == nil {
		return nil, errors.Join(fmt.Errorf("the engine refuses the configuration: %v", found), r.Close())
	}
	r.Swap(snapshot)
	return r, nil
}

// lookup is how long a look-up may take. The store is in this process: a machine
// that is busy must not make a case fail.
const lookup = 10 * time.Second

// load reads the configuration at path.
func (p Parts) load(ctx context.Context, r *running, path string) (*config.Config, error) {
	probe := service.Checker(r.now)
	defer probe.Close()
	loader := config.Loader{
		Path: path, Foreign: p.Foreign, Check: probe.Check, Now: r.now,
		// Case files are the same everywhere: what the environment says is no part
		// of them.
		Env: func(string) (string, bool) { return "", false },
	}
	loaded, problems := loader.Load(ctx)
	if config.Broken(problems) {
		return nil, misconfigured(problems)
	}
	return loaded, nil
}

func (r *running) now() time.Time    { return *r.clock.Load() }
func (r *running) set(now time.Time) { r.clock.Store(&now) }

// Ask decides, and explains where that is wanted: before it decides, since
// explaining looks at limits and does not charge them.
func (r *running) Ask(ctx context.Context, q *Question) (*Answer, error) {
	r.set(q.Now)
	view := asked{q.HTTP}
	var steps []authz.Step
	var foretold authz.Answer
	if q.Explain {
		var trace *authz.Trace
		foretold, trace = r.Explain(ctx, view, q.Now)
		steps = trace.Steps()
	}
	answer := r.Decide(ctx, view)
	if q.Explain && (foretold.Outcome != answer.Outcome || foretold.Reason != answer.Reason) {
		return nil, otherwise(foretold.Outcome.String(), string(foretold.Reason), &answer)
	}
	m := &answer.Metadata
	return &Answer{
		Decision: answer.Outcome.String(), Reason: string(answer.Reason), Status: answer.Status,
		Edits: answer.Edits, Headers: answer.Headers, Body: answer.Body, Whole: true,
		Metadata: map[string]string{
			"decision": m.Decision, "outcome": m.Outcome, "reason": m.Reason, "api": m.API, "subject": m.Subject,
			"session": m.Session, "policies": m.Policies, "limit": m.Limit, "remaining": m.Remaining,
			"degraded": m.Degraded, "config": m.Config,
		},
		Steps: steps, Explained: q.Explain,
	}, nil
}

// otherwise says that a decision was explained as another one.
func otherwise(outcome, reason string, decided *authz.Answer) error {
	return fmt.Errorf("explained as %s %s, decided as %s %s", outcome, reason, decided.Outcome, string(decided.Reason))
}

// Close ends the engine and its store.
func (r *running) Close() error {
	r.Engine.Close()
	return r.store.Close()
}

// asked is a described request as the engine looks at it.
type asked struct{ *envoy.HTTP }

// Line gives the request line.
func (a asked) Line() authz.Line {
	api, has := a.Extensions["api_id"]
	return authz.Line{
		Method: a.Method, Scheme: a.Scheme, Host: a.Host, Target: a.Target,
		API: api, HasAPI: has, RequireScopes: a.Extensions["require_scopes"],
		Principal: a.Principal, SourceAddress: a.Source,
	}
}

// Header gives the nth line of a header.
func (a asked) Header(name string, nth int) (string, bool) {
	for _, field := range a.Headers {
		if field.Name != name {
			continue
		}
		if nth == 0 {
			return field.Value, true
		}
		nth--
	}
	return "", false
}

// Names tells every header.
func (a asked) Names(yield func(string) bool) {
	for _, field := range a.Headers {
		if !yield(field.Name) {
			return
		}
	}
}
