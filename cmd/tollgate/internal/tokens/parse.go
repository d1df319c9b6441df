package tokens

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
)

// Parse reads a signing key: a PEM private key (PKCS 8, PKCS 1 or SEC 1), else
// the bytes are a shared secret. With alg "" the key's usual algorithm is taken.
func Parse(data []byte, alg, kid string) (*Key, error) {
	block, _ := pem.Decode(data)
	if block == nil {
		if bytes.Contains(data, []byte("-----BEGIN")) {
			return nil, errors.New("the PEM block is damaged")
		}
		return FromSecret(orElse(alg, "HS256"), kid, bytes.TrimRight(data, "\r\n"))
	}
	private, err := parsePrivate(block)
	if err != nil {
		return nil, err
	}
	usual, err := usualAlg(private)
	if err != nil {
		return nil, err
	}
	key := &Key{Alg: orElse(alg, usual), Kid: kid, private: private}
	if !fits(key.Alg, private) {
		return nil, fmt.Errorf("this key cannot sign %q: it is for %s", key.Alg, usual)
	}
	return key, nil
}

func parsePrivate(block *pem.Block) (crypto.Signer, error) {
	var parsed any
	var err error
	switch block.Type {
	case "RSA PRIVATE KEY":
		parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case "EC PRIVATE KEY":
		parsed, err = x509.ParseECPrivateKey(block.Bytes)
	case "PRIVATE KEY":
		parsed, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	default:
		return nil, fmt.Errorf("a %s cannot sign: give the private key, unencrypted", block.Type)
	}
	if err != nil {
		// The cause of x509 may quote bytes of the key.
		return nil, fmt.Errorf("the %s does not parse", block.Type)
	}
	signer, ok := parsed.(crypto.Signer)
	if !ok {
		return nil, fmt.Errorf("a key of type %T cannot sign", parsed)
	}
	return signer, nil
}

func usualAlg(private crypto.Signer) (string, error) {
	switch key := private.(type) {
	case *rsa.PrivateKey:
		return "RS256", nil
	case ed25519.PrivateKey:
		return "EdDSA", nil
	case *ecdsa.PrivateKey:
		for _, alg := range []string{"ES256", "ES384", "ES512"} {
			if curveOf(alg) == key.Curve {
				return alg, nil
			}
		}
		return "", fmt.Errorf("curve %s has no algorithm here", key.Params().Name)
	default:
		return "", fmt.Errorf("a key of type %T has no algorithm here", private)
	}
}

func fits(alg string, private crypto.Signer) bool {
	usual, err := usualAlg(private)
	if err != nil || !slices.Contains(Algorithms(), alg) {
		return false
	}
	return alg == usual || usual == "RS256" && (alg[0] == 'R' || alg[0] == 'P')
}

func orElse(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}
