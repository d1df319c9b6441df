package authz

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/authz/credential"
	"github.com/tollgate-authz/tollgate/authz/internal/jws"
	"github.com/tollgate-authz/tollgate/policies"
)

// Options is what an engine is made of. The zero value works: wall clock, no
// observer, no cache; a configuration that needs a part which is absent is
// refused by Compile.
type Options struct {
	Now        func() time.Time // nil: time.Now
	Observer   Observer         // nil: nobody is told
	Replica    string           // names this process in decision ids; "" is "local"
	CacheBytes int64            // verified tokens (cache.tokens); 0 is off

	Limiter     Limiter     // counts; nil: policies and APIs with limits are refused
	Credentials Credentials // per-key secrets; nil: keys with credentials are refused
	Restorer    Restorer    // split tokens; nil: split is refused
	Revocations Revocations // nil: nothing is revoked

	// Kept gives the three above, where they are nil, and lets Split and Revoke
	// work. The caller runs it.
	Kept *Kept
}

// Limiter takes what a request costs. One call is one round trip at most, and a
// refused request costs nothing.
type Limiter interface {
	// Take charges, or with Ask.Peek only looks. An error is a store that cannot
	// be asked where the failure mode denies: StoreUnavailable.
	Take(ctx context.Context, ask *Ask) (Taken, error)
}

// Ask is one request as the limits see it.
type Ask struct {
	API     *APISpec        // holds limits of all its callers
	Session string          // session id
	Rate    *policies.Limit // nil is unlimited
	Quota   *policies.Limit
	Now     time.Time
	Peek    bool // explain: charge nothing

	of     *apiLimits // what the snapshot knows of these limits
	table  *limitTable
	record string
}

// Taken is what the limits say. Reason is "", RateLimited or QuotaExceeded.
type Taken struct {
	Reason     Reason
	AllCallers bool // the limit of the API refused, not the session's own
	RetryAfter time.Duration
	Limit      string
	Remaining  string
	Degraded   string   // the failure mode that was used, "" for none
	Headers    []Header // for the client, on allow and deny
}

// Credentials finds the per-key secret that a token names.
type Credentials interface {
	// Find looks a credential up; ErrNoCredential when there is none. Every other
	// error is a store that cannot be asked.
	Find(ctx context.Context, org, id string) (*Credential, error)
}

// ErrNoCredential means that no credential has this id.
var ErrNoCredential = errors.New("no such credential")

// Credential is what the engine needs of a stored credential. A token that it
// verified takes policies, tags and identity from it alone.
type Credential struct {
	ID       string // the identity of its session
	Inactive bool
	Expires  time.Time  // zero: never
	Keys     []*jws.Key // at most two at once
	Policies []string
	Tags     []string
	Meta     map[string]string // before that of its policies
	// Own are rights, rate and quota of its own; nil for none. Compiled keeps what
	// they give; nil: it is compiled for each request.
	Own      *policies.Spec
	Compiled *atomic.Pointer[credential.Compiled]
}

// Restorer makes a whole token of the half that the client holds.
type Restorer interface {
	// Restore gives the compact token; ErrNoToken when there is none or half is
	// none that this service issued. Every other error is a store that cannot be
	// asked.
	Restore(ctx context.Context, org, half string) (token string, err error)
}

// ErrNoToken means that no split token belongs to a credential.
var ErrNoToken = errors.New("no such split token")

// Revocations knows what was revoked.
type Revocations interface {
	// Ended says whether something about a verified token was revoked, and for
	// how long its news has been missing (zero while it is up to date).
	Ended(subject *Revocable, now time.Time) (ended bool, staleFor time.Duration)
}

// Revocable names what can be revoked of one token.
type Revocable struct {
	Issuer   string
	Subject  string
	JWTID    string
	Token    string // names a token without jti: the hash of what its signature covers
	Client   string // client_id, else azp
	Session  string
	IssuedAt time.Time // zero: the token does not say
	Kind     CredentialKind
}

// CredentialKind is how a request was authenticated.
type CredentialKind string

// The kinds of credentials.
const (
	KindToken      CredentialKind = "token"
	KindSplit      CredentialKind = "split"
	KindCredential CredentialKind = "credential"
)
