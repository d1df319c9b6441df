package tokens

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256" // SHA-256
	_ "crypto/sha512" // SHA-384 and SHA-512
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
)

// Sign makes a compact token of claims. header holds further header members;
// they win over alg, typ and kid, and one that is nil removes its member.
func (k *Key) Sign(header map[string]any, claims any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("claims: %w", err)
	}
	return k.SignPayload(header, payload)
}

// SignPayload is Sign over a payload that is taken byte for byte, so that a case
// can sign what no encoder would write (duplicate members, broken JSON).
func (k *Key) SignPayload(header map[string]any, payload []byte) (string, error) {
	head, err := json.Marshal(k.header(header))
	if err != nil {
		return "", fmt.Errorf("header: %w", err)
	}
	input := encode(head) + "." + encode(payload)
	signature, err := k.signature([]byte(input))
	if err != nil {
		return "", fmt.Errorf("sign with %s: %w", k.Alg, err)
	}
	return input + "." + encode(signature), nil
}

func (k *Key) header(more map[string]any) map[string]any {
	header := map[string]any{"alg": k.Alg, "typ": "JWT"}
	if k.Kid != "" {
		header["kid"] = k.Kid
	}
	maps.Copy(header, more)
	maps.DeleteFunc(header, func(_ string, value any) bool { return value == nil })
	return header
}

// signature signs after RFC 7518 section 3 and RFC 8037 section 3.1.
func (k *Key) signature(input []byte) ([]byte, error) {
	if k.Alg == "EdDSA" {
		return k.private.Sign(rand.Reader, input, crypto.Hash(0))
	}
	hash := hashOf(k.Alg)
	if k.private == nil {
		mac := hmac.New(hash.New, k.secret)
		mac.Write(input)
		return mac.Sum(nil), nil
	}
	digest := hash.New()
	digest.Write(input)
	switch private := k.private.(type) {
	case *rsa.PrivateKey:
		if k.Alg[0] == 'P' {
			return rsa.SignPSS(rand.Reader, private, hash, digest.Sum(nil), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
		}
		return rsa.SignPKCS1v15(rand.Reader, private, hash, digest.Sum(nil))
	case *ecdsa.PrivateKey:
		return signECDSA(private, digest.Sum(nil))
	default:
		return nil, fmt.Errorf("a key of type %T cannot sign %s", private, k.Alg)
	}
}

// signECDSA gives r and s at the full width of the curve (RFC 7518 section 3.4).
func signECDSA(private *ecdsa.PrivateKey, digest []byte) ([]byte, error) {
	r, s, err := ecdsa.Sign(rand.Reader, private, digest)
	if err != nil {
		return nil, err
	}
	width := (private.Params().BitSize + 7) / 8
	signature := make([]byte, 2*width)
	r.FillBytes(signature[:width])
	s.FillBytes(signature[width:])
	return signature, nil
}

func encode(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }
