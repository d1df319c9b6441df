package tokens

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
)

// JWK is the verification half as a JSON Web Key (RFC 7517): the public key, or
// for HS* the secret itself.
func (k *Key) JWK() (map[string]any, error) {
	jwk := map[string]any{"alg": k.Alg}
	if k.Kid != "" {
		jwk["kid"] = k.Kid
	}
	if k.private == nil {
		jwk["kty"], jwk["k"] = "oct", encode(k.secret)
		return jwk, nil
	}
	jwk["use"] = "sig"
	switch public := k.private.Public().(type) {
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"] = "RSA", encode(public.N.Bytes())
		jwk["e"] = encode(big.NewInt(int64(public.E)).Bytes())
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 0x04, x, y at full width
		if err != nil {
			return nil, fmt.Errorf("public half of %s: %w", k, err)
		}
		width := (len(point) - 1) / 2
		jwk["kty"], jwk["crv"] = "EC", public.Params().Name
		jwk["x"], jwk["y"] = encode(point[1:1+width]), encode(point[1+width:])
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", encode(public)
	}
	return jwk, nil
}

// JWKS is a key set of the verification halves of keys.
func JWKS(keys ...*Key) ([]byte, error) {
	set := make([]map[string]any, 0, len(keys))
	for _, key := range keys {
		jwk, err := key.JWK()
		if err != nil {
			return nil, err
		}
		set = append(set, jwk)
	}
	return json.Marshal(map[string]any{"keys": set})
}

// PEM is the public half as a PUBLIC KEY block. HMAC keys have none.
func (k *Key) PEM() ([]byte, error) {
	if k.private == nil {
		return nil, fmt.Errorf("an %s key has no public half: use its secret", k.Alg)
	}
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		return nil, fmt.Errorf("public half of %s: %w", k, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), nil
}
