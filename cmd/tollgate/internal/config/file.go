package config

// File is the whole configuration file (contract section 3).
type File struct {
	// The version of this format.
	Version int `key:"version,required" enum:"1"`

	Listen Listen `key:"listen"`
	// Where counters, credentials, split tokens and revocations are kept.
	Store Store `key:"store" feature:"store" restart:"store"`
	Seal  Seal  `key:"seal" feature:"seal" restart:"seal"`
	Admin Admin `key:"admin" feature:"admin"`

	// Patterns of further files, relative to this one: native fragments (apis,
	// policies) and Tyk files, told apart by their shape.
	Include []Path `key:"include"`

	Log     Log     `key:"log"`
	Token   Token   `key:"token"`
	Cache   Cache   `key:"cache"`
	Drain   Drain   `key:"drain"`
	Answers Answers `key:"answers"`

	// What happens to requests that match no API. allow: they pass without
	// identity headers.
	InsecureUnmatched string `key:"insecure_unmatched" enum:"deny allow" default:"deny"`

	Revocation Revocation `key:"revocation" feature:"revocation"`
	Tyk        Tyk        `key:"tyk" feature:"tyk"`

	APIs     []API    `key:"apis"`
	Policies []Policy `key:"policies"`

	// Endpoints of listen.public that issue split tokens.
	TokenEndpoints []TokenEndpoint `key:"token_endpoints" feature:"token_endpoints"`

	Limits Limits `key:"limits" feature:"limits"`
}

// Fragment is a native file that include names.
type Fragment struct {
	APIs     []API    `key:"apis"`
	Policies []Policy `key:"policies"`
}

// Log is what is logged, and how.
type Log struct {
	// The least level that is logged.
	Level string `key:"level" enum:"debug info warn error" default:"info"`
	// auto: text on a terminal, JSON elsewhere.
	Format string `key:"format" enum:"auto text json" default:"auto"`
	// The share of allowed requests that is logged, 0 to 1. Denials always are.
	AllowSample float64 `key:"allow_sample" min:"0" max:"1" default:"0"`
}

// Token bounds tokens.
type Token struct {
	// The longest token that is looked at.
	MaxBytes Size `key:"max_bytes" min:"256" max:"1048576" default:"16384"`
}

// Cache is what is kept in memory.
type Cache struct {
	// Room for verified tokens; 0 switches the cache off.
	Tokens Size `key:"tokens" default:"64MiB" restart:"cache.tokens"`
}

// Drain is the way out: not serving any more and still answering, then the last
// answers.
type Drain struct {
	// How long checks are answered after health turned NOT_SERVING.
	Delay Duration `key:"delay" default:"2s"`
	// How long the last answers may take.
	Timeout Duration `key:"timeout" default:"25s"`
}

// Answers shapes answers to clients.
type Answers struct {
	// public: what is wrong before a token is authenticated is token_invalid
	// towards the client. full: the exact code.
	Reasons string `key:"reasons" enum:"public full" default:"public"`
	// The realm of WWW-Authenticate.
	Realm Value `key:"realm" default:"tollgate"`
	// The URL of the protected resource's metadata (RFC 9728).
	ResourceMetadata Value `key:"resource_metadata" default:"\"\""`
}

// Seal is the keyring for credential secrets, ids and split tokens.
type Seal struct {
	// The first key seals, all of them open.
	Keys []SealKey `key:"keys"`
}

// SealKey is one key of the keyring.
type SealKey struct {
	ID string `key:"id,required"`
	// 32 bytes in base64.
	Key Secret `key:"key,required"`
}

// Store says where state is kept. The URL may stand alone.
type Store struct {
	// memory:, file:DIR, redis://, rediss://, redis+unix:///path,
	// redis+sentinel://h1,h2/MASTER or redis+cluster://h1,h2.
	URL      Value  `key:"url" short:"yes" default:"file:.tollgate"`
	Username Value  `key:"username"`
	Password Secret `key:"password"`
	// The PEM file of the authorities that may sign the server's certificate.
	CA PEMPath `key:"ca"`
	// The PEM files of our own certificate and its key.
	Cert PEMPath `key:"cert"`
	Key  PEMPath `key:"key"`
	// The name in the server's certificate, where it is not the host.
	ServerName Value `key:"server_name"`
	// What every key begins with.
	Prefix string `key:"prefix" default:"tollgate"`
	// How long a check waits for the store.
	Timeout Duration `key:"timeout" default:"25ms"`

	base string // where a relative file:DIR begins
}

// Admin says who may use the admin API.
type Admin struct {
	// One token with role write; at least 32 characters. Without any of secret,
	// tokens and mtls it is env://TOLLGATE_ADMIN_SECRET.
	Secret Secret `key:"secret" env:"no" means:"env://TOLLGATE_ADMIN_SECRET"`
	// Named tokens, several of which may be live at once.
	Tokens []AdminToken `key:"tokens"`
	// Client certificates, with listen.admin.tls.client_ca.
	MTLS []AdminPeer `key:"mtls"`
}

// AdminToken is a named token of the admin API.
type AdminToken struct {
	Name   string `key:"name,required"`
	Secret Secret `key:"secret,required"`
	Role   string `key:"role,required" enum:"read write"`
}

// AdminPeer is a client certificate of the admin API.
type AdminPeer struct {
	// A subject alternative name of the certificate.
	SAN  string `key:"san,required"`
	Role string `key:"role,required" enum:"read write"`
}

// Revocation says what happens while the feed of revocations is late.
type Revocation struct {
	// The feed is late after this time.
	StaleAfter Duration `key:"stale_after" default:"30s"`
	OnStale    OnStale  `key:"on_stale"`
}

// OnStale is the answer to each kind of request while revocations are late.
type OnStale struct {
	Split       string `key:"split" enum:"deny allow" default:"deny"`
	Credentials string `key:"credentials" enum:"deny allow" default:"deny"`
	Plain       string `key:"plain" enum:"deny allow" default:"allow"`
}

// Tyk says how Tyk files are read. A tyk.conf in include sets the first two.
type Tyk struct {
	// legacy: unanchored search, the built-in default of Tyk.
	Paths string `key:"paths" enum:"prefix_suffix legacy" default:"prefix_suffix"`
	// The form of ids shown as TykJWTSessionID.
	HashKeyFunction string `key:"hash_key_function" enum:"murmur32 murmur64 murmur128 sha256" default:"murmur64"`
	// How several policies become one.
	Merge string `key:"merge" enum:"tyk native" default:"tyk"`
}
