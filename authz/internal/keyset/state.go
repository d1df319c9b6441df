package keyset

import (
	"cmp"
	"maps"
	"slices"
	"time"
)

// State is what metrics, /readyz and `keys jwks` show of a remote set. It holds
// no key material and no query string.
type State struct {
	Source      string // "jwks https://issuer.example/keys", "discover https://issuer.example/"
	Issuer      string // "" for any
	Ready       bool   // there are usable keys at hand
	Tried       bool   // at least one fetch is over
	Keys        []KeyState
	LastSuccess time.Time     // zero: never
	Age         time.Duration // since LastSuccess, 0 before
	LastFetch   time.Time     // start of the last fetch, zero: never
	NextRefresh time.Time     // zero: not planned
	LastError   string        // of the last fetch, "" when it went well; no secret
	Fetches     uint64        // all of them
	Failures    uint64        // those that failed
	Generation  uint64
}

// KeyState is one key of a remote set, as the last good document had it.
type KeyState struct {
	ID     string `json:"kid"`
	Type   string `json:"type,omitempty"` // "RSA 2048", "P-256"
	Alg    string `json:"alg,omitempty"`
	Usable bool   `json:"usable"`
	Why    string `json:"why,omitempty"` // why it is unusable
}

// State tells how the set is doing.
func (r *Remote) State() State {
	at := r.at.Load()
	r.mu.Lock()
	defer r.mu.Unlock()
	s := State{
		Source: r.source, Issuer: r.issuer, Ready: at.usable(),
		Keys:        slices.Clone(r.stats.keys),
		LastSuccess: r.stats.lastSuccess, LastFetch: r.stats.lastFetch, NextRefresh: r.stats.nextRefresh,
		LastError: r.stats.lastError, Fetches: r.stats.fetches, Failures: r.stats.failures,
		Generation: at.generation,
	}
	select {
	case <-r.tried:
		s.Tried = true
	default:
	}
	if !s.LastSuccess.IsZero() {
		s.Age = r.now().Sub(s.LastSuccess)
	}
	return s
}

// describe parts the entries of a document into keys and what is told of them.
func describe(entries []entry) ([]KeyState, []*Key) {
	states := make([]KeyState, 0, len(entries))
	var keys []*Key
	for i := range entries {
		e := &entries[i]
		states = append(states, KeyState{ID: e.id, Type: e.about, Alg: string(e.alg), Usable: e.key != nil, Why: e.why})
		if e.key != nil {
			keys = append(keys, e.key)
		}
	}
	return states, keys
}

// States tells how every running set is doing, ordered by Source.
func (p *Pool) States() []State {
	p.mu.Lock()
	running := slices.Collect(maps.Values(p.sets))
	p.mu.Unlock()
	states := make([]State, 0, len(running))
	for _, s := range running {
		states = append(states, s.remote.State())
	}
	slices.SortFunc(states, func(a, b State) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Issuer, b.Issuer))
	})
	return states
}
