package authz

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/tollgate-authz/tollgate/policies"
)

// firstTry is how long Compile waits for key sets that were not tried yet.
const firstTry = 5 * time.Second

// Compile turns a specification into a snapshot and reports every problem of it
// at once. With a problem that is no warning the snapshot is nil. Key sets that
// the live snapshot has already are taken over; new ones are tried once, within
// ctx and 5 s at most: a key server that cannot be reached is no problem. A
// snapshot that is not swapped in must be discarded.
func (e *Engine) Compile(ctx context.Context, spec Spec) (*Snapshot, []Problem) {
	s, p := e.build(spec)
	if p.broken() {
		return nil, p.list
	}
	s.lease = e.pool.Lease()
	for _, a := range s.apis {
		a.start(s.lease, p) //nolint:contextcheck // a set lives as long as its snapshot, not as this call
	}
	if p.broken() {
		s.lease.Release()
		return nil, p.list
	}
	s.generation = e.compiled.Add(1)
	s.config = strconv.FormatUint(s.generation, 10)
	ctx, cancel := context.WithTimeout(ctx, firstTry)
	defer cancel()
	s.lease.Wait(ctx)
	return s, p.list
}

// Check reports the problems of a specification and does nothing else: no key
// server is asked.
func (e *Engine) Check(spec Spec) []Problem {
	_, p := e.build(spec)
	return p.list
}

// build compiles everything that needs no network.
func (e *Engine) build(spec Spec) (*Snapshot, *problems) {
	p := &problems{}
	s := &Snapshot{
		hash: spec.Hash, specs: spec.Policies, byID: make(map[string]*api, len(spec.APIs)),
		answers: newAnswers(spec.Answers), maxToken: spec.Token.MaxBytes, stale: spec.Revocation,
	}
	checkTop(spec, p)
	s.unmatched = spec.Unmatched == UnmatchedAllow
	ids := make([]string, 0, len(spec.APIs))
	for i := range spec.APIs {
		ids = append(ids, spec.APIs[i].ID)
	}
	var found []Problem
	s.policies, found = policies.Compile(spec.Policies, ids, spec.Merge)
	p.take("/policies", found)
	s.limits = newLimitTable(s.policies)
	checkLimits(spec.Limits, p)
	for i := range spec.APIs {
		s.add(spec.APIs[i], at("/apis", i), p)
	}
	for i, a := range s.apis {
		a.compileLimits(spec.Limits, at("/apis", i), p)
	}
	m := managedNames(spec.APIs)
	s.bare.finish(m)
	for _, a := range s.apis {
		a.edits.finish(m)
	}
	e.checkSeams(spec, p)
	return s, p
}

// add compiles one API into the snapshot.
func (s *Snapshot) add(spec APISpec, base string, p *problems) {
	a := &api{index: uint32(len(s.apis)), spec: spec}
	switch {
	case !isID(spec.ID):
		p.add(at(base, "id"), "an API needs an id of 1 to 128 visible characters without comma", "")
	case s.byID[spec.ID] != nil:
		p.add(at(base, "id"), "two APIs have the id "+spec.ID, "another id")
	}
	s.apis = append(s.apis, a)
	s.byID[spec.ID] = a
	compileMatch(&s.hosts, a, base, p)
	compileLocation(a, base, p)
	a.compileKeys(base, p)
	a.compileClaims(at(base, "claims"), p)
	a.compileIdentity(base, p)
	a.edits = compileTemplate(&spec, base, p)
	routes := make([]policies.Route, 0, len(spec.Public))
	for _, r := range spec.Public {
		routes = append(routes, policies.Route{Methods: r.Methods, Path: r.Path})
	}
	var found []Problem
	a.public, found = policies.CompileRoutes(routes)
	p.take(at(base, "public"), found)
	spec.Policies.Org, spec.Policies.Tyk = spec.Org, spec.Tyk
	a.selector, found = policies.CompileSelector(spec.Policies, s.policies)
	p.take(at(base, "policies"), found)
}

func isID(id string) bool { return len(id) <= 128 && joinable(id) }

// compileIdentity lists the identity claims; sub is always the last resort.
func (a *api) compileIdentity(base string, p *problems) {
	for i, name := range a.spec.Identity {
		switch {
		case name == "":
			p.add(at(base, "identity", i), "an identity claim needs a name", "the name of a claim")
		case slices.Contains(a.identity, name):
			p.warn(at(base, "identity", i), "names the claim "+name+" again", "")
		default:
			a.identity = append(a.identity, name)
		}
	}
	if !slices.Contains(a.identity, lastResort) {
		a.identity = append(a.identity, lastResort)
	}
	if a.spec.Tyk {
		a.claims.who = a.identify
	}
}
