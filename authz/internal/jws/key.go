package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"slices"
	"strconv"

	"github.com/lestrrat-go/jwx/v2/jwa"
	jwx "github.com/lestrrat-go/jwx/v2/jws"
)

// Key is a verification key that passed the floors of strength. It never shows
// its material. A Key is immutable and safe for concurrent use.
type Key struct {
	family    Family
	about     string
	material  any // as the verifiers take it
	verifiers map[Alg]verifier
}

// verifier checks one algorithm; jwx's verifiers are of this shape.
type verifier interface {
	Verify(signed, signature []byte, key any) error
}

var (
	errEmptySecret = refuse(ErrKey, "the secret is empty")
	errShortSecret = refuse(ErrKey, "the secret is shorter than 32 bytes: make a longer one, or set insecure_short_secret")
	errDisguised   = refuse(ErrKey, "the secret is a public key, a certificate or a JWK: configure it as pem or jwk")
	errKeyType     = refuse(ErrKey, "the type of the key is none of RSA, EC and Ed25519")
	errCurve       = refuse(ErrKey, "the curve is none of P-256, P-384 and P-521")
	errOffCurve    = refuse(ErrKey, "the point is not on its curve")
)

// NewSecret makes an HMAC key. A secret fits the algorithms whose hash is not
// longer than it (RFC 7518 section 3.2); shorter than 32 bytes it is refused.
// What is a public key, a certificate or a JWK in disguise is refused too. The
// error is ErrKey.
func NewSecret(secret []byte) (*Key, error) {
	if len(secret) > 0 && len(secret) < crypto.SHA256.Size() {
		return nil, errShortSecret
	}
	algs := []Alg{HS256, HS384, HS512}
	return newSecret(secret, slices.DeleteFunc(algs, func(a Alg) bool { return len(secret) < a.hash().Size() }))
}

// NewInsecureSecret makes an HMAC key of any length but zero that fits all three
// algorithms (insecure_short_secret).
func NewInsecureSecret(secret []byte) (*Key, error) {
	return newSecret(secret, []Alg{HS256, HS384, HS512})
}

func newSecret(secret []byte, algs []Alg) (*Key, error) {
	if len(secret) == 0 {
		return nil, errEmptySecret
	}
	if disguised(secret) {
		return nil, errDisguised
	}
	return newKey(HMAC, "secret", slices.Clone(secret), algs...)
}

// NewPublic makes a key of *rsa.PublicKey, *ecdsa.PublicKey or
// ed25519.PublicKey. The error is ErrKey: RSA below 2048 or over 8192 bits, an
// even or small exponent, known-weak moduli, a point off its curve, Ed25519 keys
// of small order, other types.
func NewPublic(pub crypto.PublicKey) (*Key, error) {
	switch pub := pub.(type) {
	case *rsa.PublicKey:
		if refusal := checkRSA(pub); refusal != nil {
			return nil, refusal
		}
		about := "RSA " + strconv.Itoa(pub.N.BitLen())
		return newKey(RSA, about, pub, RS256, RS384, RS512, PS256, PS384, PS512)
	case *ecdsa.PublicKey:
		return newEC(pub)
	case ed25519.PublicKey:
		if refusal := checkEd25519(pub); refusal != nil {
			return nil, refusal
		}
		return newKey(OKP, "Ed25519", slices.Clone(pub), EdDSA)
	default:
		return nil, errKeyType
	}
}

// newEC binds the curve to its one algorithm (RFC 7518 section 3.4): jwx would
// take any curve under any ES*.
func newEC(pub *ecdsa.PublicKey) (*Key, error) {
	var a Alg
	switch pub.Curve {
	case elliptic.P256():
		a = ES256
	case elliptic.P384():
		a = ES384
	case elliptic.P521():
		a = ES512
	default:
		return nil, errCurve
	}
	if pub.X == nil || pub.Y == nil { //nolint:staticcheck // a point that is not there would panic below
		return nil, errOffCurve
	}
	if _, err := pub.ECDH(); err != nil {
		return nil, errOffCurve
	}
	return newKey(EC, pub.Curve.Params().Name, pub, a)
}

func newKey(f Family, about string, material any, algs ...Alg) (*Key, error) {
	k := &Key{family: f, about: about, material: material, verifiers: make(map[Alg]verifier, len(algs))}
	for _, a := range algs {
		switch a {
		case PS256, PS384, PS512:
			k.verifiers[a] = pss{hash: a.hash()}
		default:
			v, err := jwx.NewVerifier(jwa.SignatureAlgorithm(a))
			if err != nil {
				return nil, refuse(ErrKey, "no verifier for "+string(a))
			}
			k.verifiers[a] = v
		}
	}
	return k, nil
}

// Family gives the kind of key.
func (k *Key) Family() Family { return k.family }

// Fits says whether k can verify signatures by a.
func (k *Key) Fits(a Alg) bool {
	_, ok := k.verifiers[a]
	return ok
}

// String describes the key without its material: "RSA 2048", "P-256".
func (k *Key) String() string { return k.about }

// GoString keeps %#v from showing the material.
func (k *Key) GoString() string { return k.about }
