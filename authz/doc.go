// Package authz decides: a request and one immutable snapshot of configuration
// in, an answer with a reason out. It knows nothing of transports, reads no
// files, and never lets a request through on a doubt.
//
// The walk of one decision, by the names of its steps in explain:
//
//	target      the request line: host and path in the one spelling that counts
//	match       the API: the front's hint, else host, else longest path
//	route       what needs no token: public routes, preflights
//	locate      the one credential: header, query or cookie
//	restore     the whole token of a half (split tokens)
//	parse       the strict gate; the algorithm is on the API's list
//	verify      the key, bound to the issuer, and its signature
//	claims      exp, nbf, iat; typ, required claims, issuer, audience, subject, rules
//	identity    who it is about, and the session that is counted under
//	revocation  nothing about the token was revoked
//	policies    the grant: chosen policies, merged
//	access      the grant allows this method and path, the scopes suffice
//	limits      rate and quota, taken together
//	mutate      what changes in the request on its way upstream
//
// Order of the files: engine, options, spec, compile and its parts, snapshot;
// then decide with match, locate, restore, verify, claims, identity, session,
// mutate in the order of the walk; answers, reasons and trace at last.
package authz
