package jws

import "errors"

// The ways in which a token or a key is refused. Every error of this package is
// one of them, with a detail of fixed text: no error quotes a token, a claim or
// a key, so all may be logged and explained.
var (
	// ErrMalformed: the text is no token that this gate lets through.
	ErrMalformed = errors.New("token malformed")
	// ErrAlg: the header names "none" or an algorithm that is not in Algs.
	ErrAlg = errors.New("algorithm refused")
	// ErrAlgUnknown is the part of ErrAlg that names no algorithm of JOSE
	// signatures at all (not even "none"). errors.Is finds ErrAlg in it too.
	ErrAlgUnknown error = errAlgUnknown
	// ErrSignature: the key does not fit the algorithm or did not sign the token.
	ErrSignature = errors.New("signature invalid")
	// ErrKey: the key material cannot or must not verify anything.
	ErrKey = errors.New("key unusable")
)

var errAlgUnknown = refuse(ErrAlg, "the header's alg is no known signature algorithm")

// Refusal is the type of every error of this package.
type Refusal struct {
	Kind   error  // ErrMalformed, ErrAlg, ErrSignature or ErrKey
	Detail string // fixed text
}

// Error gives kind and detail.
func (r *Refusal) Error() string { return r.Kind.Error() + ": " + r.Detail }

// Unwrap gives the kind.
func (r *Refusal) Unwrap() error { return r.Kind }

func refuse(kind error, detail string) *Refusal { return &Refusal{Kind: kind, Detail: detail} }
