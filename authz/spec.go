package authz

import (
	"time"

	"github.com/tollgate-authz/tollgate/policies"
)

// Spec is everything that one snapshot is compiled from. Values are resolved
// already: no references, no files. Compile reports every problem of a Spec at
// once, each with a JSON pointer (RFC 6901) into the Spec as the file spells it
// ("/apis/0/keys/1/pem"), so that a loader can say file, line and column.
type Spec struct {
	APIs       []APISpec
	Policies   []policies.Spec
	Unmatched  Unmatched
	Answers    AnswersSpec
	Token      TokenSpec
	Limits     LimitsSpec
	Revocation RevocationSpec
	Merge      policies.Merge // native unless Tyk files are loaded with tyk.merge: tyk
	Hash       string         // fingerprint of what the Spec was read from; shown, never compared
}

// Problem is one thing that is wrong with a Spec, or worth a warning.
type Problem = policies.Problem

// Unmatched says what happens to requests that match no API.
type Unmatched string

// The values of insecure_unmatched; "" is deny.
const (
	UnmatchedDeny  Unmatched = "deny"
	UnmatchedAllow Unmatched = "allow"
)

// AnswersSpec shapes answers to clients.
type AnswersSpec struct {
	FullReasons      bool   // answers.reasons: full
	Realm            string // "" is "tollgate"
	ResourceMetadata string // URL for RFC 9728, "" for none
}

// TokenSpec bounds tokens.
type TokenSpec struct {
	MaxBytes int // 0 is 16384
}

// APISpec is one API of the file (contract section 3, apis).
type APISpec struct {
	ID       string
	Name     string
	Org      string
	Inactive bool
	Observe  bool // mode: observe
	Tyk      bool // compat: tyk
	Match    []MatchSpec
	Public   []RouteSpec
	// PreflightAllow lets CORS preflights through without a token.
	PreflightAllow bool
	Token          LocationSpec
	Keys           []KeySpec
	KidRequired    bool
	Algorithms     []string // empty: all that the keys can use
	Claims         ClaimsSpec
	Identity       []string // empty: sub
	Policies       policies.SelectorSpec
	Split          SplitSpec
	// Inject replaces the default identity headers when InjectSet is true.
	Inject    []InjectSpec
	InjectSet bool
	// Remove are request headers that go on no further (Tyk definitions).
	Remove []string
	// TykErrors is errors: tyk.
	TykErrors bool
	Limits    APILimitsSpec
	// Definition is what only definitions from Tyk files say; nil for native APIs,
	// with and without compat: tyk.
	Definition *TykDefinition
}

// TykDefinition is what only an API definition of Tyk says and this gate heeds.
type TykDefinition struct {
	Classic bool // not OAS: other words for an empty sub
	// SkipKid finds a credential by the identity, whatever kid a token has.
	SkipKid bool
	// HashFunction is the form of TykJWTSessionID: hash_key_function of tyk.conf.
	HashFunction string
	// Context lets templates name $tyk_context variables (enable_context_vars).
	Context  bool
	Versions *TykVersions // nil: one version
	Paths    TykPaths
	// KeepQuota leaves the counters of keys alone when a Tyk-shaped document writes
	// them (dont_set_quota_on_create).
	KeepQuota bool
}

// TykPaths says how patterns of paths are read in the documents of keys, which
// come when the definition is loaded long since.
type TykPaths struct {
	Legacy bool     // tyk.paths: legacy
	Also   []string // where it listens besides its path, as regular expressions
}

// TykVersions is how a request of a versioned API names its version.
type TykVersions struct {
	Header, Query string // one of them (Header in lower case), or
	Path          string // the path, with a slash at its end, below which the first segment names the version
	InPath        bool
	Default       string
	Fallback      bool // the default stands in for the others, and for unknown ones
	Known         []string
	Rights        bool // policies must grant the version
	// Siblings are versions that are APIs of their own, by name: a request for one
	// is decided by that API alone.
	Siblings map[string]string
}

// MatchSpec is one host and path prefix of an API.
type MatchSpec struct {
	Host string // exact, "*.suffix" or "*"
	Path string // prefix of whole segments, "" is "/"
}

// RouteSpec is a path pattern with methods.
type RouteSpec struct {
	Methods []string
	Path    string
}

// LocationSpec says where the token stands. Header "" with neither Query nor
// Cookie is Authorization; HeaderOff (Tyk definitions) switches headers off.
type LocationSpec struct {
	Header    string
	HeaderOff bool
	Query     string
	Cookie    string
	Strip     bool
}

// IssuerAny is the issuer of a key that may verify tokens of any issuer.
const IssuerAny = "any"

// KeySpec is one entry of keys. Exactly one of JWKS, Discover, Secret, PEM, JWK
// and Credentials is set.
type KeySpec struct {
	JWKS        string // URL
	Discover    string // issuer URL
	Secret      Secret // HMAC secret, raw bytes
	PEM         []byte // public key or certificate: PEM, DER, or base64 of either
	JWK         []byte // JWK or JWKS document
	Credentials bool

	Issuer              string // "", an issuer, or IssuerAny
	Kid                 string
	InsecureShortSecret bool
	Remote              RemoteSpec // JWKS and Discover only
}

// RemoteSpec is how a remote key set is fetched. Zero values are the defaults.
type RemoteSpec struct {
	Refresh      time.Duration // 5m
	Cooldown     time.Duration // 10s
	MaxAge       time.Duration // 24h
	CA           string        // path of a PEM file
	Cert         string
	Key          string
	Proxy        string
	DenyPrivate  bool
	InsecureHTTP bool
}

// Secret is text that never shows itself: its String, GoString and MarshalText
// give "[redacted]".
type Secret []byte

// String hides the secret.
func (Secret) String() string { return "[redacted]" }

// GoString hides the secret from %#v.
func (Secret) GoString() string { return "[redacted]" }

// MarshalText hides the secret from encoders.
func (Secret) MarshalText() ([]byte, error) { return []byte("[redacted]"), nil }

// ClaimsSpec is what a token's claims must say.
type ClaimsSpec struct {
	Issuers             []string
	Audiences           []string
	InsecureAnyAudience bool
	Subjects            []string
	Typ                 []string // nil: JWT and at+jwt, and absent is fine
	Require             []string // nil: exp (a loader sets an empty, non-nil list for require: [])
	Skew                SkewSpec
	InsecureSkip        []string // of exp, nbf, iat
	Rules               []RuleSpec
}

// SkewSpec is the tolerance of each time claim.
type SkewSpec struct {
	Exp, Nbf, Iat time.Duration
}

// RuleSpec is a rule about one claim: present, or equal to one of Equals, or
// containing one of Contains.
type RuleSpec struct {
	Claim    string
	Equals   []any // string, json.Number, bool or nil
	Contains []any
	WarnOnly bool
}

// InjectSpec is one injected request header.
type InjectSpec struct {
	Header   string
	Template string // "$claims.sub", "$meta.plan", or a literal
}

// SplitMode says whether an API takes split tokens.
type SplitMode string

// The split modes; "" is none.
const (
	SplitNone     SplitMode = "none"
	SplitAllowed  SplitMode = "allowed"
	SplitRequired SplitMode = "required"
)

// SplitSpec is split of one API.
type SplitSpec struct {
	Mode    SplitMode
	Headers bool          // upstream: headers
	MaxTTL  time.Duration // 24h
}

// on says whether halves are taken.
func (s *SplitSpec) on() bool { return s.Mode != "" && s.Mode != SplitNone }

// LimitMode says where limits are counted.
type LimitMode string

// The limit modes; "" inherits, at the top it is exact.
const (
	LimitExact LimitMode = "exact"
	LimitLocal LimitMode = "local"
)

// StoreFailure says what a limit does while its store cannot be asked.
type StoreFailure string

// The failure modes; "" inherits.
const (
	FailLocalShare StoreFailure = "local_share"
	FailAllow      StoreFailure = "allow"
	FailDeny       StoreFailure = "deny"
)

// LimitsSpec is the top-level limits section.
type LimitsSpec struct {
	Mode        LimitMode
	OnRate      StoreFailure // "" is local_share
	OnQuota     StoreFailure // "" is deny
	Headers     string       // x-ratelimit | ietf | none; "" is x-ratelimit
	TrustedHops int
}

// APILimitsSpec is limits of one API.
type APILimitsSpec struct {
	Rate    *policies.Rate // all callers together
	Mode    LimitMode
	OnRate  StoreFailure
	OnQuota StoreFailure
	// SkipRate and SkipQuota switch the limits of policies off on this API
	// (disable_rate_limit and disable_quota of Tyk definitions).
	SkipRate, SkipQuota bool
}

// RevocationSpec says what happens while the feed of revocations is stale.
type RevocationSpec struct {
	StaleAfter                              time.Duration // 30s
	SplitAllow, CredentialsAllow, PlainDeny bool          // deviations from deny, deny, allow
}
