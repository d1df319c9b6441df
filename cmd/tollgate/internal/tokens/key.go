package tokens

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"slices"
)

// Key is a signing key with the one algorithm that it signs with.
type Key struct {
	Alg string // JWA name of RFC 7518 or RFC 8037
	Kid string // "" leaves kid out of the token's header

	private crypto.Signer // nil for HS*
	secret  []byte        // HS* only
}

// Algorithms are the signature algorithms that Generate and Sign know.
func Algorithms() []string {
	return []string{
		"HS256", "HS384", "HS512",
		"RS256", "RS384", "RS512",
		"PS256", "PS384", "PS512",
		"ES256", "ES384", "ES512", "EdDSA",
	}
}

// rsaBits is the size of generated RSA keys: the smallest that the gate takes.
const rsaBits = 2048

// Generate makes a throw-away key for alg.
func Generate(alg, kid string) (*Key, error) {
	key := &Key{Alg: alg, Kid: kid}
	var err error
	switch {
	case !slices.Contains(Algorithms(), alg):
		return nil, unknownAlg(alg)
	case alg == "EdDSA":
		_, key.private, err = ed25519.GenerateKey(rand.Reader)
	case alg[0] == 'H':
		key.secret = make([]byte, hashOf(alg).Size())
		_, err = rand.Read(key.secret)
	case alg[0] == 'E':
		key.private, err = ecdsa.GenerateKey(curveOf(alg), rand.Reader)
	default:
		key.private, err = rsa.GenerateKey(rand.Reader, rsaBits)
	}
	if err != nil {
		return nil, fmt.Errorf("generate %s key: %w", alg, err)
	}
	return key, nil
}

// FromSecret makes an HMAC key of a shared secret.
func FromSecret(alg, kid string, secret []byte) (*Key, error) {
	if !slices.Contains(Algorithms(), alg) || alg[0] != 'H' {
		return nil, fmt.Errorf("a shared secret signs HS256, HS384 or HS512, not %q", alg)
	}
	return &Key{Alg: alg, Kid: kid, secret: slices.Clone(secret)}, nil
}

// Secret is the shared secret of an HMAC key, nil for every other.
func (k *Key) Secret() []byte { return slices.Clone(k.secret) }

// Public is the public half, nil for an HMAC key.
func (k *Key) Public() crypto.PublicKey {
	if k.private == nil {
		return nil
	}
	return k.private.Public()
}

// String names the key and keeps it to itself.
func (k *Key) String() string { return "key " + k.Kid + " (" + k.Alg + ")" }

// GoString hides the key from %#v.
func (k *Key) GoString() string { return k.String() }

func unknownAlg(alg string) error {
	return fmt.Errorf("unknown algorithm %q: use one of %v", alg, Algorithms())
}

func hashOf(alg string) crypto.Hash {
	switch alg[2:] {
	case "256":
		return crypto.SHA256
	case "384":
		return crypto.SHA384
	default:
		return crypto.SHA512
	}
}

func curveOf(alg string) elliptic.Curve {
	switch alg {
	case "ES256":
		return elliptic.P256()
	case "ES384":
		return elliptic.P384()
	default:
		return elliptic.P521()
	}
}
