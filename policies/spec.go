package policies

import "time"

// Spec is one policy as the file says it (contract section 3, policies).
type Spec struct {
	ID            string
	Org           string // "" fits every org (native); Tyk policies name theirs
	Inactive      bool
	RequireScopes []string
	Rate          *Rate  // nil: unlimited
	Quota         *Quota // nil: unlimited
	PerAPI        bool
	Access        []AccessSpec
	Meta          map[string]string
	Tags          []string
	// Tyk holds what only policies from Tyk files have; nil for native ones.
	Tyk *TykSpec
}

// TykSpec is what a policy from a Tyk file says beyond a native one. Its numbers
// are Tyk's own: rates per seconds as written, 0 and -1 unlimited.
type TykSpec struct {
	// Partitions that the policy takes part in; none of the first four is all.
	ACL, Quota, RateLimit, Complexity bool
	PerAPI                            bool

	Limit  TykLimit
	Access []TykAccess
}

// TykLimit is rate and quota in Tyk's numbers. The zero value is empty: a right
// with an empty limit has that of its session.
type TykLimit struct {
	Rate, Per    float64 // requests per seconds
	QuotaMax     int64
	QuotaRenewal int64 // seconds; 0: never
}

// TykAccess is one access right of a Tyk policy or key.
type TykAccess struct {
	API       string
	Versions  []string
	URLs      []AllowSpec // allowed_urls as anchored patterns; empty: everything
	Limit     TykLimit
	Scope     string // allowance_scope, of keys
	Endpoints []TykEndpoint
}

// TykEndpoint is a rate of one method and path, instead of the rate of the key.
type TykEndpoint struct {
	Method    string // upper case
	Path      string // Tyk's pattern, which names the counter
	Pattern   string // the same as an anchored pattern
	Rate, Per float64
}

// Merge selects how several policies become one grant.
type Merge string

// The merge algorithms; "" is native.
const (
	MergeNative Merge = "native"
	MergeTyk    Merge = "tyk"
)

// AccessSpec is what a policy grants on one API.
type AccessSpec struct {
	API   string
	All   bool        // allow: all
	Allow []AllowSpec // empty without All: grants nothing
}

// AllowSpec is one allow entry.
type AllowSpec struct {
	Methods       []string
	Path          string // "/a/b", "/a/{id}", "/a/**" or "regex:^…$"
	RequireScopes []string
	Rate          *Rate
}

// Algorithm names a rate-limit algorithm.
type Algorithm string

// The algorithms; "" is sliding_window.
const (
	SlidingWindow Algorithm = "sliding_window"
	TokenBucket   Algorithm = "token_bucket"
	SlidingLog    Algorithm = "sliding_log"
	FixedWindow   Algorithm = "fixed_window"
)

// Rate is a number of requests per time. Requests -1 is unlimited, 0 none.
type Rate struct {
	Requests  int64
	Per       time.Duration
	Burst     int64 // token_bucket only; 0 is Requests
	Algorithm Algorithm
}

// Anchor says when a quota's period begins.
type Anchor string

// The anchors; "" is first_request.
const (
	FirstRequest Anchor = "first_request"
	Calendar     Anchor = "calendar"
)

// Quota is a number of requests in a period. Requests -1 is unlimited, 0 none.
type Quota struct {
	Requests int64
	Per      time.Duration
	Anchor   Anchor
	Zone     string // IANA name for calendar; "" is UTC
}

// SelectorSpec says how the claims of a token choose policies.
type SelectorSpec struct {
	Claims      []string            // names of policy claims
	Default     []string            // used when claims and scopes give none
	ScopeClaims []string            // nil: scope, scp
	ScopeMap    map[string][]string // scope → policy ids
	Org         string              // org of the API; its policies are looked up first
	// Tyk reads claims as Tyk does (compat: tyk): the first policy claim that
	// names something, scopes that map to nothing deny, unknown ids in Default
	// and ScopeMap are warnings.
	Tyk bool
}

// Problem is one thing that is wrong with a specification. At is a JSON pointer
// (RFC 6901) relative to the specification.
type Problem struct {
	At      string
	What    string // what is wrong, lower case, no full stop
	Instead string // what to write instead; may be empty
	Warning bool   // does not stop the start
}
