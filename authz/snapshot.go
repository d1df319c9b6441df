package authz

import "time"

// Snapshot is one compiled configuration. It never changes.
type Snapshot struct {
	generation uint64
	hash       string
}

// Generation numbers the snapshots of one engine.
func (s *Snapshot) Generation() uint64 { return s.generation }

// Hash is the fingerprint of the configuration that the loader gave in Spec.
func (s *Snapshot) Hash() string { return s.hash }

// APIInfo is what can be shown of an API.
type APIInfo struct {
	ID       string
	Name     string
	Org      string
	Inactive bool
	Observe  bool
	Match    []MatchSpec
}

// APIs are the APIs in the order of the file.
func (s *Snapshot) APIs() []APIInfo { return nil }

// KeySetState is the state of one source of keys of one API.
type KeySetState struct {
	API     string
	Source  string // URL of a remote set, else "static"
	Issuer  string
	Keys    int
	Fetched time.Time // last success
	Tried   time.Time // last attempt
	Error   string    // of the last attempt, "" when it worked
	Usable  bool
}

// KeySets tells the state of every source of keys.
func (s *Snapshot) KeySets() []KeySetState { return nil }
