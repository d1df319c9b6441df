package keyset

import (
	"crypto/x509"
	"errors"
	"strings"
)

// The ways out for who gives tollgate a private key: it verifies and must not be
// able to sign.
var (
	errPrivatePEM = errors.New("is a private key: keep it with the issuer and give the public half, " +
		"made by: openssl pkey -in private.pem -pubout -out public.pem")
	errPrivateDER = errors.New("is a private key: keep it with the issuer and give the public half, " +
		"made by: openssl pkey -inform DER -in private.der -pubout -out public.pem")
	errPrivateSSH = errors.New("is a private key: keep it with the issuer and give the public half, " +
		"made by: ssh-keygen -e -m PKCS8 -f private > public.pem")
	errPublicSSH  = errors.New("is an OpenSSH public key: convert it by: ssh-keygen -e -m PKCS8 -f key.pub > public.pem")
	errPrivateJWK = errors.New("holds a private key: keep it with the issuer and leave the members " +
		"d, p, q, dp, dq, qi and oth out (from PEM: openssl pkey -in private.pem -pubout)")
)

// privateBlock says whether a PEM block of this type is a private key, and what
// to do about it.
func privateBlock(blockType string) error {
	switch {
	case strings.HasPrefix(blockType, "OPENSSH"):
		return errPrivateSSH
	case strings.HasSuffix(blockType, "PRIVATE KEY"):
		return errPrivatePEM
	}
	return nil
}

// privateDER recognises the private forms that a DER file can have.
func privateDER(der []byte) bool {
	if _, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		return true
	}
	if _, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		return true
	}
	_, err := x509.ParseECPrivateKey(der)
	return err == nil
}
