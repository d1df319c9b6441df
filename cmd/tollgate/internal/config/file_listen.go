package config

// Listen says where tollgate can be reached. An empty address is off.
type Listen struct {
	// gRPC: envoy.service.auth.v3.Authorization and grpc.health.v1.
	Check Listener `key:"check" default:"127.0.0.1:9191" restart:"listen.check"`
	// HTTP: /token, /revoke, /introspect and /.well-known.
	Public Listener `key:"public" default:"\"\"" feature:"listen.public" unless:"" restart:"listen.public"`
	// HTTP: admin API and console.
	Admin Listener `key:"admin" default:"\"\"" feature:"listen.admin" unless:"" restart:"listen.admin"`
	// HTTP: /metrics, /livez and /readyz.
	Metrics Listener `key:"metrics" default:"\"\"" restart:"listen.metrics"`
}

// Listener is one listening address. The address may stand alone.
type Listener struct {
	// host:port, or unix:///path for a socket of mode 0660.
	Address string `key:"address" short:"yes"`
	TLS     *TLS   `key:"tls"`
	// Says that a TCP address that is not loopback may do without TLS.
	InsecurePlaintext bool `key:"insecure_plaintext" default:"false"`
}

// TLS is the certificate of a listener. The files are followed when they change.
type TLS struct {
	// The PEM files of the certificate and its key.
	Cert PEMPath `key:"cert,required"`
	Key  PEMPath `key:"key,required"`
	// The PEM file of the authorities of client certificates, which are required
	// with it.
	ClientCA PEMPath `key:"client_ca"`
}

// Limits says how limits count, for all APIs.
type Limits struct {
	// exact: every request is counted in the store. local: each replica counts
	// alone. leased is for later.
	Mode string `key:"mode" enum:"exact local" later:"leased" default:"exact"`
	// What a limit does while the store cannot be asked.
	OnStoreFailure OnStoreFailure `key:"on_store_failure"`
	// The headers that tell clients about their limits.
	Headers []string `key:"headers" enum:"x-ratelimit ietf none" default:"[x-ratelimit]"`
	// How many proxies in front of Envoy may be believed, for limits by address.
	TrustedHops int `key:"trusted_hops" min:"0" max:"64" default:"0"`
}

// OnStoreFailure is what limits do while the store cannot be asked. One word
// sets both.
type OnStoreFailure struct {
	Rate  string `key:"rate" short:"yes" enum:"local_share allow deny" default:"local_share"`
	Quota string `key:"quota" short:"yes" enum:"local_share allow deny" default:"deny"`
}

// TokenEndpoint is one endpoint of listen.public that issues split tokens.
type TokenEndpoint struct {
	Path string `key:"path,required"`
	// The issuer's own token endpoint.
	Upstream Value `key:"upstream,required"`
	// The API whose keys and claims the token has to satisfy.
	API          string  `key:"api,required"`
	RefreshToken string  `key:"refresh_token" enum:"pass drop" default:"pass"`
	IDToken      string  `key:"id_token" enum:"pass drop" default:"drop"`
	Opaque       string  `key:"opaque" enum:"refuse pass" default:"refuse"`
	CA           PEMPath `key:"ca"`
	// How long the issuer may take.
	Timeout Duration `key:"timeout" default:"5s"`
	// The grants that are passed on.
	Grants []string `key:"grants" default:"[client_credentials, authorization_code, refresh_token]"`
	// A limit per client and address.
	Rate *Rate `key:"rate" means:"{requests: 30, per: 1m}"`
	// The clients that may introspect and revoke.
	Clients []Client `key:"clients"`
}

// Client may introspect and revoke tokens.
type Client struct {
	ID     string `key:"id,required"`
	Secret Secret `key:"secret,required"`
}
