package authz

import (
	"slices"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/authz/internal/keyset"
	"github.com/tollgate-authz/tollgate/policies"
)

// api is one API, compiled. It never changes.
type api struct {
	index uint32 // in the snapshot, for the cache
	spec  APISpec

	location   location
	keys       keyset.Set
	remotes    []*keyset.Remote
	byCred     bool // keys has credentials: true
	algorithms []jws.Alg
	claims     claimChecks
	identity   []string
	selector   *policies.Selector
	public     *policies.Routes
	edits      template
	limits     apiLimits
}

func (a *api) allows(alg jws.Alg) bool { return slices.Contains(a.algorithms, alg) }
