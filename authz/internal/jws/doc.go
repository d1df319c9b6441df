// Package jws reads compact JWS tokens and checks their signatures. It decides
// whether a text is one well-formed token and whether a given key signed it; it
// never chooses a key, never looks at a clock and never judges a claim.
//
// The gate is stricter than RFC 7515 asks: one token has one spelling. Exactly
// three parts in canonical base64url, one JSON object each for header and claims
// with every member once at any depth, no crit, no b64. Signatures are checked
// through jwx by one algorithm and one key, with what jwx leaves open (salt
// length of PSS, curve of ES*, weak keys) decided here.
//
// Order of the files: alg, refusal, token (Parse), segment, header, scan, text,
// object, value, date, key, disguise, strength, verify.
package jws
