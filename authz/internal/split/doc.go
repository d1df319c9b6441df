// Package split keeps tokens whose client holds a meaningless half.
//
// A JWT is header.payload.signature. The client gets the signature; the store
// gets header and payload, sealed under a key that is derived from the decoded
// signature and the seal keyring, at an id derived likewise. The store alone,
// the keyring alone and both together open nothing: the client's half is part
// of every key. The half alone is good for nothing but to be presented here,
// and what comes out is verified in full as any other token.
//
// The package never verifies a token: whoever calls Store has done so, and
// whoever calls Restore does so with the result.
//
// Order of the files: half.go (what a client may present), record.go (the
// sealed form), pack.go (the plain form, smaller), splitter.go (storing,
// restoring, ending), cache.go (what a replica remembers).
package split
