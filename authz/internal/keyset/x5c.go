package keyset

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// certified gives the key of the first certificate of x5c (RFC 7517 section
// 4.7). Some gateways publish base64 of PEM text there instead of DER: both are
// read. Neither chain nor dates are checked: the set itself is what is trusted.
func certified(kty string, chain jws.Value) (crypto.PublicKey, string) {
	var first jws.Value
	for item := range chain.Items() {
		first = item
		break
	}
	if first.Kind() != jws.String {
		return nil, "x5c is no list of texts"
	}
	der, err := base64.StdEncoding.DecodeString(first.Text())
	if err != nil {
		return nil, "x5c is no base64"
	}
	if block, _ := pem.Decode(der); block != nil {
		der = block.Bytes
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, "x5c holds no certificate that can be read"
	}
	fits := false
	switch certificate.PublicKey.(type) {
	case *rsa.PublicKey:
		fits = kty == "RSA"
	case *ecdsa.PublicKey:
		fits = kty == "EC"
	case ed25519.PublicKey:
		fits = kty == "OKP"
	}
	if !fits {
		return nil, "x5c holds a key of another type than kty says"
	}
	return certificate.PublicKey, ""
}
