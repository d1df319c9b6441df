package keyset

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/pem"
	"errors"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

var (
	errNoPublic  = errors.New("is no public key: PEM or DER of a public key or certificate is expected, or base64 of either")
	errBadBlock  = errors.New("holds a PEM block that is neither a public key nor a certificate")
	errBadKey    = errors.New("holds a public key that cannot be read: RSA, P-256, P-384, P-521 and Ed25519 are supported")
	errBadCert   = errors.New("holds a certificate that cannot be read")
	errTwoKeys   = errors.New("holds more than one public key: give each its own entry")
	errJWKIsHere = errors.New("is a JWK: configure it as jwk")
)

// ParsePEM reads one public key or certificate: PEM (PKIX, PKCS#1, certificate,
// EC), DER of the same, or base64 of either. Of a chain of certificates the
// first counts; their dates are not looked at. A private key is refused with the
// command that extracts the public half.
func ParsePEM(data []byte, b Binding) (*Key, error) {
	if err := checkSize(data); err != nil {
		return nil, err
	}
	pub, err := publicFrom(data)
	if errors.Is(err, errNoPublic) {
		if inner, ok := unbase64(data); ok {
			pub, err = publicFrom(inner)
		}
	}
	if err != nil {
		return nil, err
	}
	key, err := jws.NewPublic(pub)
	if err != nil {
		return nil, err
	}
	return b.bind(key), nil
}

func publicFrom(data []byte) (crypto.PublicKey, error) {
	text := bytes.TrimSpace(data)
	switch {
	case bytes.Contains(data, []byte("-----BEGIN ")):
		return publicFromPEM(data)
	case bytes.HasPrefix(text, []byte("{")):
		return nil, errJWKIsHere
	case bytes.HasPrefix(text, []byte("ssh-")) || bytes.HasPrefix(text, []byte("ecdsa-sha2-")):
		return nil, errPublicSSH
	default:
		return publicFromDER(data)
	}
}

// publicFromPEM wants one public key, or certificates of which the first counts.
func publicFromPEM(data []byte) (crypto.PublicKey, error) {
	var found crypto.PublicKey
	chain := false
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if err := privateBlock(block.Type); err != nil {
			return nil, err
		}
		if block.Type == "EC PARAMETERS" { // openssl writes it before a key
			continue
		}
		pub, err := publicFromBlock(block)
		if err != nil {
			return nil, err
		}
		certificate := block.Type == "CERTIFICATE"
		switch {
		case found == nil:
			found, chain = pub, certificate
		case !chain || !certificate:
			return nil, errTwoKeys
		}
	}
	if found == nil {
		return nil, errNoPublic
	}
	return found, nil
}

func publicFromBlock(block *pem.Block) (crypto.PublicKey, error) {
	switch block.Type {
	case "PUBLIC KEY":
		if pub, err := x509.ParsePKIXPublicKey(block.Bytes); err == nil {
			return pub, nil
		}
		return nil, errBadKey
	case "RSA PUBLIC KEY":
		if pub, err := x509.ParsePKCS1PublicKey(block.Bytes); err == nil {
			return pub, nil
		}
		return nil, errBadKey
	case "CERTIFICATE":
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil || certificate.PublicKey == nil {
			return nil, errBadCert
		}
		return certificate.PublicKey, nil
	default:
		return nil, errBadBlock
	}
}

func publicFromDER(der []byte) (crypto.PublicKey, error) {
	if pub, err := x509.ParsePKIXPublicKey(der); err == nil {
		return pub, nil
	}
	if pub, err := x509.ParsePKCS1PublicKey(der); err == nil {
		return pub, nil
	}
	if certificate, err := x509.ParseCertificate(der); err == nil && certificate.PublicKey != nil {
		return certificate.PublicKey, nil
	}
	if privateDER(der) {
		return nil, errPrivateDER
	}
	return nil, errNoPublic
}
