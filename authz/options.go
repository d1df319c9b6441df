package authz

import (
	"context"
	"time"
)

// Options is what an engine is made of. The zero value works: wall clock, no
// observer, no cache, and a configuration that needs a missing part is refused
// by Compile.
type Options struct {
	Now        func() time.Time // nil: time.Now
	Observer   Observer         // nil: nobody is told
	Replica    string           // names this process in decision ids; "" is "local"
	CacheBytes int64            // verified tokens (cache.tokens); 0 is off

	Limiter     Limiter     // counts; nil: policies with limits are refused
	Credentials Credentials // per-key secrets; nil: keys with credentials are refused
	Restorer    Restorer    // split tokens; nil: split is refused
	Revocations Revocations // nil: nothing is revoked
}

// Limiter takes what a request costs. One call is one round trip at most, and a
// refused request costs nothing.
type Limiter interface {
	// Take charges, or with Ask.Peek only looks.
	Take(ctx context.Context, ask *Ask) (Verdict, error)
}

// Ask is one request as the limits see it.
type Ask struct {
	API     *APISpec
	Session string
	Method  string
	Path    string // as decided on: without query
	Now     time.Time
	Peek    bool
}

// Verdict is what the limits say. Reason is "", RateLimited or QuotaExceeded.
// An error of Take is a store that cannot be asked where the failure mode
// denies: StoreUnavailable.
type Verdict struct {
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
	// Find looks a credential up; ErrNoCredential when there is none.
	Find(ctx context.Context, org, id string) (*Credential, error)
}

// Credential is what the engine needs of a stored credential.
type Credential struct {
	ID       string
	Version  uint64
	Inactive bool
	Expires  time.Time // zero: never
	Secrets  [][]byte  // HMAC secrets, at most two at once
	PEM      []byte    // or a public key
	Policies []string
	Tags     []string
	Meta     map[string]string
}

// Restorer makes a whole token of the half that the client holds.
type Restorer interface {
	// Restore gives the compact token; ErrNoToken when there is none.
	Restore(ctx context.Context, org, half string) (token string, err error)
}

// Revocations says whether something about a verified token was revoked.
type Revocations interface {
	// Check gives "", TokenRevoked or RevocationStale.
	Check(subject *Revocable, now time.Time) Reason
}

// Revocable names what can be revoked of one token.
type Revocable struct {
	Issuer   string
	Subject  string
	JWTID    string
	Client   string
	Session  string
	IssuedAt time.Time
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
