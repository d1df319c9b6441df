// Package keyset says which keys may have signed a token: static keys, key sets
// of identity providers, and unions of both. It decides by kid, issuer and
// algorithm; it never verifies a signature and never judges a token.
//
// Keys at hand are read from immutable indexes without locks. Remote sets are
// fetched by one goroutine each, beside the requests: a request waits for a
// fetch 50 ms at most, and only when its key is unknown.
//
// Order of the files: key (Key, Query, Set), index, static, union; source, pem,
// private, document, jwk, x5c; options, remote, refetch, run, schedule, fetch,
// discover, transport, dial, state, pool.
package keyset
