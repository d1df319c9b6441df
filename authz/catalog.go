package authz

import "github.com/tollgate-authz/tollgate/policies"

// HasAPI says whether an API of this id is configured.
func (s *Snapshot) HasAPI(id string) bool { return s.byID[id] != nil }

// HasPolicy says whether an API of an org can use a policy of this id: one of
// its own org, or of none.
func (s *Snapshot) HasPolicy(org, id string) bool { return s.policies.Has(org, id) }

// Policies are the policies as they were specified. They must not be changed.
func (s *Snapshot) Policies() []policies.Spec { return s.specs }

// CheckOwn says what is wrong with rights and limits of a credential's own.
func (s *Snapshot) CheckOwn(own *policies.Spec) []Problem {
	_, problems := s.policies.CompileInline(own)
	return problems
}
