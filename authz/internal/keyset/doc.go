// Package keyset says which keys may have signed a token: static keys, key sets
// of identity providers, and unions of both. It decides by kid, issuer and
// algorithm; it never verifies a signature and never judges a token.
//
// Keys at hand are read from immutable indexes without locks. Remote sets are
// fetched by one goroutine each, beside the requests: a request waits for a
// fetch 50 ms at most, and only when its key is unknown.
//
// Order of the files: key (Key, Query, Set), index, static, pem, jwk, document,
// union, remote, refresh, fetch, discover, dial, state, pool.
package keyset
