// Package public is what clients reach: token endpoints that hand out split
// tokens, RFC 7009 revocation, RFC 7662 introspection and RFC 9728 metadata.
//
// A token endpoint stands in front of the provider's own. It sends the client's
// form on as it came, to a fixed URL, and replaces the access token of a good
// answer by the half that its client may hold. Whatever goes wrong on the way,
// no whole token leaves.
//
// Order of the files: spec.go (what is configured), handler.go (which path is
// what), form.go (what a client may send), admit.go (how often), upstream.go
// (asking the provider), answer.go (its answer, rewritten), tells.go (what it must
// not hold), token.go (the walk), client.go (who may revoke and introspect),
// revoke.go, introspect.go, resource.go.
package public
