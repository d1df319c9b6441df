package keyset

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"
)

// privates are one private key of each type that tollgate verifies.
var privates = sync.OnceValue(func() map[string]crypto.Signer {
	ec := func(c elliptic.Curve) crypto.Signer { return must(ecdsa.GenerateKey(c, rand.Reader)) }
	return map[string]crypto.Signer{
		"RSA 2048": must(rsa.GenerateKey(rand.Reader, 2048)),
		"P-256":    ec(elliptic.P256()), "P-384": ec(elliptic.P384()), "P-521": ec(elliptic.P521()),
		"Ed25519": newSigner("").private,
	}
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func block(blockType string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: blockType, Bytes: der})
}

// certificate is self-signed and long expired.
func certificate(private crypto.Signer) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Unix(1e9, 0),
	}
	return must(x509.CreateCertificate(rand.Reader, template, template, private.Public(), private))
}

func TestParsePEMTakesEveryForm(t *testing.T) {
	for about, private := range privates() {
		spki := must(x509.MarshalPKIXPublicKey(private.Public()))
		text := block("PUBLIC KEY", spki)
		cert := certificate(private)
		forms := map[string][]byte{
			"pkix pem":         text,
			"pkix der":         spki,
			"certificate pem":  block("CERTIFICATE", cert),
			"certificate der":  cert,
			"chain":            append(block("CERTIFICATE", cert), block("CERTIFICATE", certificate(newSigner("").private))...),
			"text before":      append([]byte("subject: someone\n\n"), text...),
			"crlf":             bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
			"ec parameters":    append(block("EC PARAMETERS", []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}), text...),
			"base64 of pem":    []byte(base64.StdEncoding.EncodeToString(text)),
			"base64 of der":    []byte(base64.StdEncoding.EncodeToString(spki) + "\n"),
			"base64url of der": []byte(b64(spki)),
			"base64 of cert":   []byte(base64.StdEncoding.EncodeToString(block("CERTIFICATE", cert))),
			"wrapped base64":   []byte(wrap(base64.StdEncoding.EncodeToString(text))),
		}
		if public, ok := private.Public().(*rsa.PublicKey); ok {
			pkcs1 := x509.MarshalPKCS1PublicKey(public)
			forms["pkcs1 pem"] = block("RSA PUBLIC KEY", pkcs1)
			forms["pkcs1 der"] = pkcs1
			forms["base64 of pkcs1"] = []byte(base64.StdEncoding.EncodeToString(block("RSA PUBLIC KEY", pkcs1)))
		}
		for form, data := range forms {
			k, err := ParsePEM(data, Binding{Issuer: "i", ID: "k", HasID: true, Source: "pem"})
			if err != nil {
				t.Errorf("%s, %s: %v", about, form, err)
				continue
			}
			if k.String() != about || k.ID != "k" || !k.HasID || k.Issuer != "i" || k.Source != "pem" || k.Alg != "" {
				t.Errorf("%s, %s: %s, kid %q, issuer %q", about, form, k, k.ID, k.Issuer)
			}
		}
	}
}

func wrap(text string) string {
	var b strings.Builder
	for len(text) > 64 {
		b.WriteString(text[:64] + "\n")
		text = text[64:]
	}
	return b.String() + text
}

// A verifier that holds a private key could sign: it is refused in every form,
// with the command that helps.
func TestPrivateKeysAreRefusedWithTheWayOut(t *testing.T) {
	for about, private := range privates() {
		pkcs8 := must(x509.MarshalPKCS8PrivateKey(private))
		forms := map[string][]byte{
			"pkcs8 pem":      block("PRIVATE KEY", pkcs8),
			"encrypted":      block("ENCRYPTED PRIVATE KEY", []byte("x")),
			"pkcs8 der":      pkcs8,
			"base64 of pem":  []byte(base64.StdEncoding.EncodeToString(block("PRIVATE KEY", pkcs8))),
			"base64 of der":  []byte(base64.StdEncoding.EncodeToString(pkcs8)),
			"behind public":  append(block("PUBLIC KEY", must(x509.MarshalPKIXPublicKey(private.Public()))), block("PRIVATE KEY", pkcs8)...),
			"behind a chain": append(block("CERTIFICATE", certificate(private)), block("PRIVATE KEY", pkcs8)...),
		}
		switch private := private.(type) {
		case *rsa.PrivateKey:
			forms["pkcs1 pem"] = block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(private))
			forms["pkcs1 der"] = x509.MarshalPKCS1PrivateKey(private)
		case *ecdsa.PrivateKey:
			forms["sec1 pem"] = block("EC PRIVATE KEY", must(x509.MarshalECPrivateKey(private)))
			forms["sec1 der"] = must(x509.MarshalECPrivateKey(private))
		}
		for form, data := range forms {
			_, err := ParsePEM(data, Binding{})
			if err == nil || !strings.Contains(err.Error(), "openssl pkey") || !strings.Contains(err.Error(), "-pubout") {
				t.Errorf("%s, %s: %v", about, form, err)
			}
		}
	}
	_, err := ParsePEM(block("OPENSSH PRIVATE KEY", []byte("x")), Binding{})
	if err == nil || !strings.Contains(err.Error(), "ssh-keygen -e -m PKCS8") {
		t.Errorf("OpenSSH: %v", err)
	}
}

func TestParsePEMRefuses(t *testing.T) {
	ed := must(x509.MarshalPKIXPublicKey(newSigner("").private.Public()))
	short := must(x509.MarshalPKIXPublicKey(&rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 1023), 0, 1), E: 65537}))
	small := must(x509.MarshalPKIXPublicKey(ed25519.PublicKey(append([]byte{1}, make([]byte, 31)...))))
	for name, tt := range map[string]struct{ data, want string }{
		"nothing":         {"", "is empty"},
		"blanks":          {" \n", "is empty"},
		"too large":       {strings.Repeat("A", maxDocument+1), "larger than 1 MiB"},
		"text":            {"hello, world", "is no public key"},
		"broken pem":      {"-----BEGIN PUBLIC KEY-----\nxx", "is no public key"},
		"bad key":         {string(block("PUBLIC KEY", []byte("x"))), "cannot be read"},
		"bad pkcs1":       {string(block("RSA PUBLIC KEY", ed)), "cannot be read"},
		"bad certificate": {string(block("CERTIFICATE", ed)), "certificate that cannot be read"},
		"request":         {string(block("CERTIFICATE REQUEST", ed)), "neither a public key nor a certificate"},
		"two keys":        {string(append(block("PUBLIC KEY", ed), block("PUBLIC KEY", ed)...)), "more than one public key"},
		"jwk":             {newSigner("k").jwk(), "configure it as jwk"},
		"ssh":             {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI someone", "ssh-keygen -e -m PKCS8"},
		"1024 bits":       {string(block("PUBLIC KEY", short)), "RSA below 2048 bits"},
		"small order":     {string(block("PUBLIC KEY", small)), "small order"},
	} {
		_, err := ParsePEM([]byte(tt.data), Binding{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
}
