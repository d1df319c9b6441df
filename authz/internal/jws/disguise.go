package jws

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
)

// disguised says whether an HMAC secret is public key material, or base64 of
// such: whoever knows the public key could then sign (RFC 8725 section 3.1, the
// confusion of RS* with HS*).
func disguised(secret []byte) bool {
	if keyText(secret) {
		return true
	}
	compact := bytes.Join(bytes.Fields(secret), nil)
	for _, e := range []*base64.Encoding{
		base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding,
	} {
		if inner, err := e.AppendDecode(nil, compact); err == nil && keyText(inner) {
			return true
		}
	}
	return false
}

func keyText(text []byte) bool {
	text = bytes.TrimSpace(text)
	if bytes.Contains(text, []byte("-----BEGIN ")) {
		return true
	}
	for _, prefix := range []string{"ssh-rsa ", "ssh-ed25519 ", "ecdsa-sha2-"} {
		if bytes.HasPrefix(text, []byte(prefix)) {
			return true
		}
	}
	if bytes.HasPrefix(text, []byte("{")) {
		o, err := ParseDocument(string(text))
		return err == nil && (o.Get("kty").Kind() != Absent || o.Get("keys").Kind() != Absent)
	}
	if !bytes.HasPrefix(text, []byte{0x30}) { // no DER sequence
		return false
	}
	if _, err := x509.ParsePKIXPublicKey(text); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PublicKey(text); err == nil {
		return true
	}
	_, err := x509.ParseCertificate(text)
	return err == nil
}
