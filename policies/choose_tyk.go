package policies

import "slices"

// Origin says what named the policies of a token.
type Origin uint8

// The origins.
const (
	FromClaim Origin = iota
	FromDefault
	FromScopes
)

// chooseTyk reads claims as Tyk does (compat: tyk): the first policy claim that
// names something, the first scope claim that is there; scopes that are there but
// map to nothing deny instead of falling back to the default. Of several
// defaults or mapped policies, one that does not exist is left out, but never one
// that a claim names, the first default, or the only one.
func (s *Selector) chooseTyk(claims Claims) (Choice, error) {
	base := s.baseTyk(claims)
	if err := s.exist(base, FromClaim); err != nil {
		return Choice{}, err
	}
	scopes := s.scopesTyk(claims)
	out := Choice{IDs: base, Scopes: scopes}
	if len(s.spec.ScopeMap) > 0 && len(scopes.sorted) > 0 {
		for _, scope := range scopes.sorted {
			out.IDs = append(slices.Clip(out.IDs), s.spec.ScopeMap[scope]...)
		}
		out.Origin = FromScopes
	}
	switch {
	case out.Origin != FromScopes && len(base) == 0:
		out.IDs, out.Origin = unique(s.spec.Default), FromDefault
		if len(out.IDs) > 0 {
			if err := s.exist(s.spec.Default[:1], FromDefault); err != nil {
				return Choice{}, err
			}
		}
	default:
		out.IDs = unique(out.IDs)
	}
	if len(out.IDs) == 0 {
		return Choice{}, &MissingError{Origin: out.Origin}
	}
	return s.known(out)
}

// baseTyk gives what the first policy claim that names something names.
func (s *Selector) baseTyk(claims Claims) []string {
	for _, name := range s.spec.Claims {
		if texts, _ := claims.Texts(name); len(unique(texts)) > 0 {
			return unique(texts)
		}
	}
	return nil
}

// scopesTyk gives the scopes of the first scope claim that is there.
func (s *Selector) scopesTyk(claims Claims) Scopes {
	for _, name := range s.spec.ScopeClaims {
		if _, form := claims.Texts(name); form != Absent {
			first := Selector{spec: SelectorSpec{ScopeClaims: []string{name}}}
			scopes, _ := first.scopes(claims) // without a map nothing is refused
			return scopes
		}
	}
	return Scopes{}
}

// exist refuses the first id that no policy has.
func (s *Selector) exist(ids []string, from Origin) error {
	for _, id := range ids {
		if s.set.find(s.spec.Org, id) == nil {
			return &UnknownError{ID: id, Origin: from}
		}
	}
	return nil
}

// known leaves out what does not exist, unless nothing is left then.
func (s *Selector) known(c Choice) (Choice, error) {
	kept := make([]string, 0, len(c.IDs))
	for _, id := range c.IDs {
		if s.set.find(s.spec.Org, id) != nil {
			kept = append(kept, id)
		}
	}
	if len(kept) == 0 {
		return Choice{}, &UnknownError{ID: c.IDs[0], Origin: c.Origin}
	}
	c.IDs = kept
	return c, nil
}
