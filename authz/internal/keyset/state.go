package keyset

import "time"

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

// KeyState is one key of a remote set.
type KeyState struct {
	ID     string `json:"kid"`
	Type   string `json:"type,omitempty"` // "RSA 2048", "P-256"
	Alg    string `json:"alg,omitempty"`
	Usable bool   `json:"usable"`
	Why    string `json:"why,omitempty"` // why it is unusable
}
