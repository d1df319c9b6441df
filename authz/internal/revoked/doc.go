// Package revoked is the bounded set of revocations that every replica holds in
// memory: kept in the store, sealed, and spread by its feed.
//
// A revocation ends verified tokens, whatever their form: a whole JWT, one
// restored from a split token, one signed by a credential's holder. It names a
// jti, a token, a subject, a session, a client, an issuer, or everything, and
// may concern only what was issued before a time.
//
// A set that has not heard from its store for long is stale; what that means is
// the configuration's to say.
//
// Order of the files: rule.go (what is revoked), set.go (asking), keep.go
// (storing and deleting), follow.go (hearing of the others' rules).
package revoked
