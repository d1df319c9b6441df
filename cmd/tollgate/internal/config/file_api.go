package config

// API is one API: which requests are its own, which tokens it takes, and what
// its upstream is told.
type API struct {
	ID   string `key:"id,required"`
	Name string `key:"name"`
	// The tenant: sessions, credentials and counters of two orgs never meet.
	Org    string `key:"org"`
	Active bool   `key:"active" default:"true"`
	// observe: counts and decides as enforce and lets every request through.
	Mode string `key:"mode" enum:"enforce observe" default:"enforce"`
	// tyk: Tyk's habits where they are safe.
	Compat string `key:"compat" enum:"none tyk" default:"none"`
	// Hosts and path prefixes; the longest prefix wins.
	Match []Match `key:"match"`
	// Routes that need no token. Their identity headers are removed.
	Public []Route `key:"public"`
	// allow: CORS preflights pass without a token.
	Preflight string   `key:"preflight" enum:"check allow" default:"check"`
	Token     Location `key:"token"`
	// The keys that may verify tokens: the union of all entries.
	Keys []Key `key:"keys"`
	// required: a token without kid is refused.
	Kid string `key:"kid" enum:"optional required" default:"optional"`
	// The algorithms that are taken. Empty: all that the keys can use.
	Algorithms []string `key:"algorithms" enum:"HS256 HS384 HS512 RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA"`
	Claims     Claims   `key:"claims"`
	// Claims that may name the caller: the first that is there and not empty.
	// sub is always the last resort.
	Identity []string `key:"identity" means:"[sub]"`
	Policies Selector `key:"policies"`
	Split    Split    `key:"split" feature:"split" unless:"none"`
	// Request headers for the upstream, in place of the default identity headers:
	// text, or $claims.NAME, $meta.NAME, $session.id, $subject, $issuer, $api,
	// $policies, $scopes, $tags.
	Inject Map[Value] `key:"inject"`
	// tyk: status, text and body of denials are Tyk's.
	Errors string    `key:"errors" enum:"standard tyk" default:"standard"`
	Limits APILimits `key:"limits" feature:"limits"`
}

// Match is one host and path prefix of an API.
type Match struct {
	// An exact host, *.suffix or *.
	Host Value `key:"host,required"`
	// A prefix of whole segments.
	Path string `key:"path" means:"/"`
}

// Route is a path pattern with its methods.
type Route struct {
	Methods []string `key:"methods,required"`
	// /a/b exact, /a/{id} one segment, /a/** anything below, regex:^…$ anchored.
	Path string `key:"path,required"`
}

// Location says where the token stands.
type Location struct {
	// A header; "Bearer " is needed on Authorization and optional elsewhere.
	Header string `key:"header" means:"Authorization"`
	Query  string `key:"query"`
	Cookie string `key:"cookie"`
	// Takes the token away before the request goes on.
	Strip bool `key:"strip" default:"false"`
}

// Key is one source of keys: exactly one of jwks, discover, secret, pem, jwk
// and credentials.
type Key struct {
	// The URL of a key set.
	JWKS Value `key:"jwks" feature:"keys.jwks"`
	// The issuer whose OIDC discovery names the key set.
	Discover Value `key:"discover" feature:"keys.discover"`
	// An HMAC secret.
	Secret Secret `key:"secret"`
	// A public key or certificate.
	PEM Value `key:"pem"`
	// A JWK or a key set.
	JWK Value `key:"jwk"`
	// The per-key secrets of the credential store.
	Credentials bool `key:"credentials" default:"false" feature:"keys.credentials" unless:"false"`

	// The issuer whose tokens the key verifies; any: those of every issuer.
	Issuer Value  `key:"issuer"`
	Kid    string `key:"kid"`
	// Says that an HMAC secret may be shorter than the hash.
	InsecureShortSecret bool `key:"insecure_short_secret" default:"false"`

	// How often a remote key set is fetched.
	Refresh Duration `key:"refresh" means:"5m"`
	// The least time between fetches for an unknown kid.
	Cooldown Duration `key:"cooldown" means:"10s"`
	// How long keys are used that cannot be fetched any more.
	MaxAge Duration `key:"max_age" means:"24h"`
	CA     PEMPath  `key:"ca"`
	Cert   PEMPath  `key:"cert"`
	Key    PEMPath  `key:"key"`
	Proxy  Value    `key:"proxy"`
	// Refuses key servers at private addresses.
	DenyPrivate bool `key:"deny_private" default:"false"`
	// Says that the key server may be asked without TLS.
	InsecureHTTP bool `key:"insecure_http" default:"false"`
}

// Claims is what the claims of a token must say.
type Claims struct {
	// Empty: only the issuer of the key that verified the token.
	Issuers   []Value `key:"issuers"`
	Audiences []Value `key:"audiences"`
	// Says that any audience will do.
	InsecureAnyAudience bool    `key:"insecure_any_audience" default:"false"`
	Subjects            []Value `key:"subjects"`
	// The typ of the header. Absent is fine unless this is written.
	Typ []string `key:"typ" means:"[JWT, at+jwt]"`
	// Claims that must be there.
	Require []string `key:"require" means:"[exp]"`
	Skew    Skew     `key:"skew"`
	// Time claims that are not looked at.
	InsecureSkip []string `key:"insecure_skip" enum:"exp nbf iat"`
	Rules        []Rule   `key:"rules"`
}

// Skew is the tolerance of each time claim.
type Skew struct {
	Exp Duration `key:"exp" default:"0s"`
	Nbf Duration `key:"nbf" default:"0s"`
	Iat Duration `key:"iat" default:"0s"`
}

// Rule is a rule about one claim.
type Rule struct {
	// A literal name first, then a path through objects (realm.roles).
	Claim string `key:"claim,required"`
	// The claim is one of these.
	Equals []Scalar `key:"equals"`
	// The claim, an array or a space separated text, has one of these.
	Contains []Scalar `key:"contains"`
	// Only says so in metadata and log.
	WarnOnly bool `key:"warn_only" default:"false"`
}

// Selector says how a token chooses its policies.
type Selector struct {
	// Names of policy claims (text or array).
	Claims []string `key:"claims"`
	// The policies of a token that names none.
	Default []string `key:"default"`
	Scopes  Scopes   `key:"scopes"`
}

// Scopes turns scopes into policies.
type Scopes struct {
	Claims []string `key:"claims" means:"[scope, scp]"`
	// One policy or a list for each scope.
	Map Map[Many] `key:"map"`
}

// Split says whether an API takes split tokens. The mode may stand alone.
type Split struct {
	Mode string `key:"mode" short:"yes" enum:"none allowed required" default:"none"`
	// What the upstream gets: the whole JWT, or only headers.
	Upstream string `key:"upstream" enum:"jwt headers" default:"jwt"`
	// The longest time that a half is kept.
	MaxTTL Duration `key:"max_ttl" default:"24h"`
}

// APILimits are limits of one API. What is not written inherits from limits.
type APILimits struct {
	// All callers together.
	Rate           *Rate             `key:"rate"`
	Mode           string            `key:"mode" enum:"exact local" later:"leased" means:"that of limits"`
	OnStoreFailure APIOnStoreFailure `key:"on_store_failure"`
}

// APIOnStoreFailure is what the limits of one API do while the store cannot be
// asked. One word sets both.
type APIOnStoreFailure struct {
	Rate  string `key:"rate" short:"yes" enum:"local_share allow deny" means:"that of limits"`
	Quota string `key:"quota" short:"yes" enum:"local_share allow deny" means:"that of limits"`
}
