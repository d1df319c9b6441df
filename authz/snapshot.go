package authz

import (
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/keyset"
	"github.com/tollgate-authz/tollgate/policies"
)

// Snapshot is one compiled configuration. It never changes.
type Snapshot struct {
	generation uint64
	config     string // the generation as text
	hash       string

	apis      []*api
	byID      map[string]*api
	hosts     hosts
	policies  *policies.Set
	limits    *limitTable
	specs     []policies.Spec // as they were given
	answers   *answers
	bare      template // removes every managed header and injects none
	unmatched bool     // requests that match no API pass
	maxToken  int
	stale     RevocationSpec
	lease     *keyset.Lease
}

// Generation numbers the snapshots of one engine.
func (s *Snapshot) Generation() uint64 { return s.generation }

// Hash is the fingerprint of the configuration that the loader gave in Spec.
func (s *Snapshot) Hash() string { return s.hash }

// Discard gives up a snapshot that was compiled and not swapped in.
func (s *Snapshot) Discard() { s.lease.Release() }

// APIInfo is what can be shown of an API.
type APIInfo struct {
	ID       string
	Name     string
	Org      string
	Inactive bool
	Observe  bool
	Tyk      bool
	Match    []MatchSpec
	Header   string // that tokens are taken from, and whole ones are sent in
	Paths    TykPaths
	// KeepQuota is that of its definition.
	KeepQuota bool
}

// APIs are the APIs in the order of the file.
func (s *Snapshot) APIs() []APIInfo {
	out := make([]APIInfo, 0, len(s.apis))
	for _, a := range s.apis {
		info := APIInfo{
			ID: a.spec.ID, Name: a.spec.Name, Org: a.spec.Org,
			Inactive: a.spec.Inactive, Observe: a.spec.Observe, Tyk: a.spec.Tyk, Match: a.spec.Match, Header: a.location.header,
		}
		if def := a.spec.Definition; def != nil {
			info.Paths, info.KeepQuota = def.Paths, def.KeepQuota
		}
		out = append(out, info)
	}
	return out
}

// KeySetState is the state of one remote key set of one API.
type KeySetState struct {
	API         string
	Source      string // "jwks https://issuer.example/keys"; no secret, no query
	Issuer      string // "" for any
	Ready       bool   // there are usable keys at hand
	Tried       bool   // at least one fetch is over
	Keys        []KeyState
	LastSuccess time.Time // zero: never
	Age         time.Duration
	LastFetch   time.Time
	NextRefresh time.Time
	LastError   string // of the last fetch, "" when it went well
	Fetches     uint64
	Failures    uint64
}

// KeyState is one key of a remote set.
type KeyState struct {
	ID     string `json:"kid"`
	Type   string `json:"type,omitempty"` // "RSA 2048", "P-256"
	Alg    string `json:"alg,omitempty"`
	Usable bool   `json:"usable"`
	Why    string `json:"why,omitempty"` // why it is unusable
}

// KeySets tells the state of the remote key sets, by API in the order of the
// file. A set that several APIs use occurs with each.
func (s *Snapshot) KeySets() []KeySetState {
	var out []KeySetState
	for _, a := range s.apis {
		for _, r := range a.remotes {
			state := r.State()
			shown := KeySetState{
				API: a.spec.ID, Source: state.Source, Issuer: state.Issuer, Ready: state.Ready, Tried: state.Tried,
				LastSuccess: state.LastSuccess, Age: state.Age, LastFetch: state.LastFetch, NextRefresh: state.NextRefresh,
				LastError: state.LastError, Fetches: state.Fetches, Failures: state.Failures,
			}
			for _, k := range state.Keys {
				shown.Keys = append(shown.Keys, KeyState(k))
			}
			out = append(out, shown)
		}
	}
	return out
}
