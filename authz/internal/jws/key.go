package jws

import "crypto"

// Key is a verification key that passed the floors of strength. It never shows
// its material. A Key is immutable and safe for concurrent use.
type Key struct {
	family Family
}

// NewSecret makes an HMAC key. A secret fits the algorithms whose hash is not
// longer than it (RFC 7518 section 3.2); shorter than 32 bytes it is refused.
// What is a public key, a certificate or a JWK in disguise is refused too. The
// error is ErrKey.
func NewSecret(secret []byte) (*Key, error) { return nil, ErrKey }

// NewInsecureSecret makes an HMAC key of any length but zero that fits all three
// algorithms (insecure_short_secret).
func NewInsecureSecret(secret []byte) (*Key, error) { return nil, ErrKey }

// NewPublic makes a key of *rsa.PublicKey, *ecdsa.PublicKey or
// ed25519.PublicKey. The error is ErrKey: RSA below 2048 or over 8192 bits, an
// even or small exponent, known-weak moduli, a point off its curve, Ed25519 keys
// of small order, other types.
func NewPublic(pub crypto.PublicKey) (*Key, error) { return nil, ErrKey }

// Family gives the kind of key.
func (k *Key) Family() Family { return k.family }

// Fits says whether k can verify signatures by a.
func (k *Key) Fits(a Alg) bool { return false }

// String describes the key without its material: "RSA 2048", "P-256".
func (k *Key) String() string { return k.family.String() }
