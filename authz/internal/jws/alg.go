package jws

import "crypto"

// Alg is a signature algorithm of RFC 7518 section 3.1 or RFC 8037, spelled as
// in a token's header. The zero value is no algorithm.
type Alg string

// The algorithms that tokens may use. Nothing else verifies, "none" least of all.
const (
	HS256 Alg = "HS256"
	HS384 Alg = "HS384"
	HS512 Alg = "HS512"
	RS256 Alg = "RS256"
	RS384 Alg = "RS384"
	RS512 Alg = "RS512"
	PS256 Alg = "PS256"
	PS384 Alg = "PS384"
	PS512 Alg = "PS512"
	ES256 Alg = "ES256"
	ES384 Alg = "ES384"
	ES512 Alg = "ES512"
	EdDSA Alg = "EdDSA"
)

// Family is the kind of key that an algorithm needs.
type Family uint8

// The families. The zero value belongs to no algorithm and no key.
const (
	NoFamily Family = iota
	HMAC            // HS*: a shared secret
	RSA             // RS* and PS*
	EC              // ES*: each bound to its curve
	OKP             // EdDSA: Ed25519
)

// String names the family as JWK's kty does, with "secret" for HMAC.
func (f Family) String() string {
	switch f {
	case HMAC:
		return "secret"
	case RSA:
		return "RSA"
	case EC:
		return "EC"
	case OKP:
		return "Ed25519"
	case NoFamily:
	}
	return "none"
}

// ParseAlg compares name byte for byte with the algorithms' names (RFC 7515
// section 4.1.1: case-sensitive).
func ParseAlg(name string) (Alg, bool) {
	a := Alg(name)
	return a, a.Family() != NoFamily
}

// Algs gives all algorithms in the order of the constants.
func Algs() []Alg {
	return []Alg{HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA}
}

// Family gives the kind of key that a needs, NoFamily when a is no algorithm.
func (a Alg) Family() Family {
	switch a {
	case HS256, HS384, HS512:
		return HMAC
	case RS256, RS384, RS512, PS256, PS384, PS512:
		return RSA
	case ES256, ES384, ES512:
		return EC
	case EdDSA:
		return OKP
	default:
		return NoFamily
	}
}

// hash is the digest that a signs; 0 for EdDSA, which hashes by itself.
func (a Alg) hash() crypto.Hash {
	switch a {
	case HS256, RS256, PS256, ES256:
		return crypto.SHA256
	case HS384, RS384, PS384, ES384:
		return crypto.SHA384
	case HS512, RS512, PS512, ES512:
		return crypto.SHA512
	default:
		return 0
	}
}
