package keyset

import (
	"context"
	"time"
)

// Options say where a remote key set comes from and how it is fetched. They are
// the identity of a set: equal options share one running set. Zero durations
// stand for the defaults.
type Options struct {
	URL      string // of a JWK Set; or
	Discover string // issuer URL for OpenID Connect discovery
	Issuer   string // issuer the keys are bound to, "" for any; Discover binds by itself

	Refresh  time.Duration // 5m: at least this often
	Cooldown time.Duration // 10s: between two fetches that unknown kids cause
	MaxAge   time.Duration // 24h: how long keys serve without a successful fetch

	CA    string // path of a PEM file of roots, read at every fetch; "" for the system's
	Cert  string // paths of client certificate and key
	Key   string
	Proxy string // proxy URL; "" for the environment's

	DenyPrivate  bool // refuse loopback and private addresses
	InsecureHTTP bool // allow http to hosts that are not loopback
}

// Validate checks o without any network: URLs, durations, readable files. The
// error says what to write instead.
func (o Options) Validate() error { return nil }

// Remote is a Set that follows an identity provider. Its goroutine belongs to
// the Pool it came from.
type Remote struct {
	options Options
}

// Find implements Set.
func (r *Remote) Find(dst []*Key, q *Query) ([]*Key, error) { return dst, ErrUnavailable }

// Refetch implements Set.
func (r *Remote) Refetch(ctx context.Context, dst []*Key, q *Query) ([]*Key, error) {
	return r.Find(dst, q)
}

// Generation implements Set.
func (r *Remote) Generation() uint64 { return 0 }

// Tried is closed once the first fetch is over, however it ended.
func (r *Remote) Tried() <-chan struct{} { return nil }

// State tells how the set is doing.
func (r *Remote) State() State { return State{} }
