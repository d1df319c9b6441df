package authz

import "github.com/tollgate-authz/tollgate/policies"

// HasAPI says whether an API of this id is configured.
func (s *Snapshot) HasAPI(id string) bool { return s.byID[id] != nil }

// HasPolicy says whether a policy of this id is configured for an org.
func (s *Snapshot) HasPolicy(org, id string) bool { return s.policies.Has(org, id) }

// Policies are the policies by id, as they were specified.
func (s *Snapshot) Policies() []policies.Spec { return s.specs }
