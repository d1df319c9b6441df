package config

import (
	"context"
	"slices"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// Engine compiles specifications and puts them in force; *authz.Engine is one.
type Engine interface {
	Check(spec authz.Spec) []authz.Problem
	Compile(ctx context.Context, spec authz.Spec) (*authz.Snapshot, []authz.Problem)
	Swap(s *authz.Snapshot) uint64
}

// Reloader keeps an engine at what the files say. One goroutine, Run, does all
// the work; an error never touches what is in force.
type Reloader struct {
	loader  *Loader
	engine  Engine
	observe func(*Config, Status)
	watcher watcher // nil: only contents are compared

	still time.Duration // how long files must be unchanged before they are read
	poll  time.Duration // how often contents are compared

	asks   chan ask
	status atomic.Pointer[Status]

	// Only used by Start and then by Run.
	running *Config // what the process was started with
	applied Inputs  // of the configuration in force
	inputs  *Inputs // of that and of the last attempt
	seen    digests // of the inputs, as the last attempt read them
	again   bool    // the last attempt may succeed though no file changes
}

// ask is a reload that somebody waits for.
type ask struct {
	trigger Trigger
	done    chan Status
}

// ReloaderOptions are what a Reloader is made of.
type ReloaderOptions struct {
	Loader *Loader
	Engine Engine
	// Observe is told after every attempt, from the goroutine that made it: what
	// was read and the state. With Status.Attempted.OK the configuration is in
	// force already. May be nil.
	Observe func(*Config, Status)
}

// The rhythm of a Reloader.
const (
	stillFor  = 200 * time.Millisecond
	pollEvery = 30 * time.Second
	// stillAtMost bounds the wait for files that never stop changing.
	stillAtMost = 5 * time.Second
)

// NewReloader makes a Reloader. Call Start, then Run.
func NewReloader(o ReloaderOptions) *Reloader {
	r := &Reloader{
		loader: o.Loader, engine: o.Engine, observe: o.Observe,
		still: stillFor, poll: pollEvery, asks: make(chan ask),
	}
	if r.observe == nil {
		r.observe = func(*Config, Status) {}
	}
	r.inputs = &Inputs{Main: o.Loader.Path}
	r.status.Store(&Status{})
	return r
}

// Start reads the configuration for the first time and puts it in force. With a
// problem that is no warning the service must not start.
func (r *Reloader) Start(ctx context.Context) (*Config, []Problem) {
	c, s := r.attempt(ctx, TriggerStart)
	if s.Attempted.OK() {
		r.running = c
	}
	return c, s.Attempted.Problems
}

// Status is the state after the last attempt.
func (r *Reloader) Status() Status { return *r.status.Load() }

// Reload reads the configuration now and waits for the outcome: SIGHUP and the
// admin API.
func (r *Reloader) Reload(ctx context.Context, trigger Trigger) (Status, error) {
	a := ask{trigger: trigger, done: make(chan Status, 1)}
	select {
	case r.asks <- a:
	case <-ctx.Done():
		return r.Status(), ctx.Err()
	}
	select {
	case s := <-a.done:
		return s, nil
	case <-ctx.Done():
		return r.Status(), ctx.Err()
	}
}

// attempt reads, compiles and swaps, or changes nothing but the status.
func (r *Reloader) attempt(ctx context.Context, trigger Trigger) (*Config, Status) {
	before := r.inputs.digests()
	var snapshot *authz.Snapshot
	c, problems := r.loader.load(ctx, func(c *Config, broken bool) []authz.Problem {
		if broken { // tell everything, but start no key set for it
			return r.engine.Check(c.Spec)
		}
		var found []authz.Problem
		snapshot, found = r.engine.Compile(ctx, c.Spec)
		return found
	})
	s := r.Status()
	s.Attempted = Attempt{Trigger: trigger, At: r.loader.Now(), Hash: c.Hash, Problems: problems}
	if trigger != TriggerStart {
		s.Reloads++
	}
	if snapshot != nil && !Broken(problems) {
		s.Attempted.Generation = r.engine.Swap(snapshot)
		s.Applied = s.Attempted
		r.applied = c.Inputs
		s.Restart = nil
		if r.running != nil {
			s.Restart = needRestart(&r.running.File, &c.File)
		}
	} else if trigger != TriggerStart {
		s.Failed++
	}
	r.again = Broken(problems) && slices.ContainsFunc(problems, func(p Problem) bool { return p.retry })
	r.follow(&c.Inputs, before)
	r.status.Store(&s)
	r.observe(c, s)
	return c, s
}

// follow makes the files of the configuration in force and of the last attempt
// those that are watched, and remembers what they were. What the attempt did not
// read is what it was before.
func (r *Reloader) follow(attempted *Inputs, before digests) {
	r.inputs = attempted.with(&r.applied)
	r.seen = r.inputs.digests()
	for path := range r.seen {
		if was, ok := before[path]; ok {
			r.seen[path] = was
		}
		if read, ok := attempted.read[path]; ok {
			r.seen[path] = read
		}
	}
	if r.watcher != nil {
		r.watcher.watch(r.inputs.dirs())
	}
}
