package jws

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
)

func TestSecretsFitHashesNotLongerThanThem(t *testing.T) {
	for length, want := range map[int][]Alg{
		32: {HS256}, 47: {HS256}, 48: {HS256, HS384}, 63: {HS256, HS384}, 64: {HS256, HS384, HS512}, 200: {HS256, HS384, HS512},
	} {
		k, err := NewSecret(bytes.Repeat([]byte{7}, length))
		if err != nil {
			t.Fatalf("%d bytes: %v", length, err)
		}
		for _, a := range Algs() {
			if k.Fits(a) != slices.Contains(want, a) {
				t.Errorf("%d bytes: fits %s: %v", length, a, k.Fits(a))
			}
		}
	}
	for _, length := range []int{1, 31} {
		secret := bytes.Repeat([]byte{7}, length)
		if _, err := NewSecret(secret); !errors.Is(err, errShortSecret) {
			t.Errorf("%d bytes: %v", length, err)
		}
		k, err := NewInsecureSecret(secret)
		if err != nil || !k.Fits(HS512) {
			t.Errorf("%d bytes, insecure: %v", length, err)
		}
	}
	for _, empty := range [][]byte{nil, {}} {
		if _, err := NewSecret(empty); !errors.Is(err, errEmptySecret) {
			t.Errorf("empty: %v", err)
		}
		if _, err := NewInsecureSecret(empty); !errors.Is(err, errEmptySecret) {
			t.Errorf("empty, insecure: %v", err)
		}
	}
}

func TestSecretIsCopiedAndHidden(t *testing.T) {
	secret := bytes.Repeat([]byte("canary"), 10)
	k, err := NewSecret(secret)
	if err != nil {
		t.Fatal(err)
	}
	shown := fmt.Sprintf("%v %+v %#v %s", k, k, k, k)
	if strings.Contains(shown, "canary") || strings.Contains(shown, "99 97 110") || strings.Contains(shown, hex.EncodeToString(secret[:6])) {
		t.Error("a format shows the secret")
	}
	clear(secret)
	if k.material.([]byte)[0] == 0 {
		t.Error("the key shares the caller's bytes")
	}
}

// RS* and ES* verify with a public key that everybody knows: as an HMAC secret
// it would let everybody sign (CVE-2016-10555, CVE-2022-29217).
func TestPublicKeysAreNoSecrets(t *testing.T) {
	public := &testKeys().rsa.PublicKey
	der := must(x509.MarshalPKIXPublicKey(public))
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	jwk := []byte(`{"kty":"RSA","n":"` + b64(public.N.Bytes()) + `","e":"AQAB"}`)
	for name, secret := range map[string][]byte{
		"pem":              text,
		"pem crlf":         bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")),
		"pem no eol":       bytes.TrimSpace(text),
		"pem indented":     append([]byte("\n  "), text...),
		"base64 of pem":    []byte(base64.StdEncoding.EncodeToString(text)),
		"der":              der,
		"pem body":         []byte(base64.StdEncoding.EncodeToString(der)),
		"pem body wrapped": bytes.Join(bytes.Split(text, []byte("\n"))[1:8], []byte("\n")),
		"base64url of der": []byte(b64(der)),
		"pkcs1":            x509.MarshalPKCS1PublicKey(public),
		"jwk":              jwk,
		"base64 of jwk":    []byte(base64.StdEncoding.EncodeToString(jwk)),
		"jwks":             []byte(`{"keys":[` + string(jwk) + `]}`),
		"openssh":          []byte("ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQC7 someone@example"),
		"private":          pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(testKeys().rsa)}),
	} {
		if _, err := NewSecret(secret); !errors.Is(err, errDisguised) {
			t.Errorf("%s: %v, want %v", name, err, errDisguised)
		}
		if _, err := NewInsecureSecret(secret); !errors.Is(err, errDisguised) {
			t.Errorf("%s, insecure: %v, want %v", name, err, errDisguised)
		}
	}
	for _, secret := range []string{
		"a passphrase of more than thirty-two bytes", `{"this is":"a JSON text, yet a secret"}`,
		base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0x30}, 40)),
	} {
		if _, err := NewSecret([]byte(secret)); err != nil {
			t.Errorf("%.12q…: %v", secret, err)
		}
	}
}

func TestRSAFloors(t *testing.T) {
	good := testKeys().rsa.N
	near := new(big.Int).Lsh(big.NewInt(1), 1024)
	p := nextPrime(near)
	tests := []struct {
		name string
		pub  *rsa.PublicKey
		want error
	}{
		{"2048", &rsa.PublicKey{N: good, E: 65537}, nil},
		{"large odd exponent", &rsa.PublicKey{N: good, E: 1<<31 - 1}, nil},
		{"no modulus", &rsa.PublicKey{E: 65537}, errRSAShort},
		{"zero modulus", &rsa.PublicKey{N: new(big.Int), E: 65537}, errRSAShort},
		{"negative modulus", &rsa.PublicKey{N: new(big.Int).Neg(good), E: 65537}, errRSAShort},
		{"2047 bits", &rsa.PublicKey{N: new(big.Int).Rsh(good, 1), E: 65537}, errRSAShort},
		{"8193 bits", &rsa.PublicKey{N: new(big.Int).SetBit(new(big.Int).Lsh(big.NewInt(1), 8192), 0, 1), E: 65537}, errRSALong},
		{"even modulus", &rsa.PublicKey{N: new(big.Int).Lsh(good, 1), E: 65537}, errRSAEven},
		{"e 0", &rsa.PublicKey{N: good, E: 0}, errRSAExponent},
		{"e 1", &rsa.PublicKey{N: good, E: 1}, errRSAExponent},
		{"e 3", &rsa.PublicKey{N: good, E: 3}, errRSAExponent},
		{"e negative", &rsa.PublicKey{N: good, E: -65537}, errRSAExponent},
		{"e even", &rsa.PublicKey{N: good, E: 65538}, errRSAExponent},
		{"e over 31 bits", &rsa.PublicKey{N: good, E: 1<<31 + 1}, errRSAExponent},
		{"square", &rsa.PublicKey{N: new(big.Int).Mul(p, p), E: 65537}, errClosePrimes},
		{"close primes", &rsa.PublicKey{N: new(big.Int).Mul(p, nextPrime(p)), E: 65537}, errClosePrimes},
		{"roca", &rsa.PublicKey{N: new(big.Int).Exp(big.NewInt(65537), big.NewInt(129), nil), E: 65537}, errROCA},
	}
	for _, tt := range tests {
		if _, err := NewPublic(tt.pub); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
}

func nextPrime(n *big.Int) *big.Int {
	p := new(big.Int).Add(n, big.NewInt(1))
	for !p.ProbablyPrime(5) {
		p.Add(p, big.NewInt(1))
	}
	return p
}

func TestECFloors(t *testing.T) {
	p256, p384 := elliptic.P256(), elliptic.P384()
	x, y := coordinates(testKeys().ec[ES256])
	p224 := must(ecdsa.GenerateKey(elliptic.P224(), rand.Reader)).PublicKey
	for name, pub := range map[string]*ecdsa.PublicKey{
		"P-224":        &p224,
		"no curve":     point(nil, x, y),
		"other curve":  point(p384, x, y),
		"off curve":    point(p256, x, new(big.Int).Add(y, big.NewInt(1))),
		"infinity":     point(p256, new(big.Int), new(big.Int)),
		"out of range": point(p256, new(big.Int).Add(x, p256.Params().P), y),
		"negative":     point(p256, new(big.Int).Neg(x), y),
		"no point":     {Curve: p256},
	} {
		if _, err := NewPublic(pub); !errors.Is(err, ErrKey) {
			t.Errorf("%s: %v, want %v", name, err, ErrKey)
		}
	}
	for _, pub := range []any{nil, "text", 5, testKeys().ec[ES256], testKeys().rsa, testKeys().ed, rsa.PublicKey{}, []byte("x")} {
		if _, err := NewPublic(pub); !errors.Is(err, errKeyType) {
			t.Errorf("%T: %v, want %v", pub, err, errKeyType)
		}
	}
}

// point makes a key without any check, as a careless reader would.
func point(c elliptic.Curve, x, y *big.Int) *ecdsa.PublicKey {
	return &ecdsa.PublicKey{Curve: c, X: x, Y: y} //nolint:staticcheck // it is to hold bad points
}

func coordinates(k *ecdsa.PrivateKey) (x, y *big.Int) {
	raw := must(k.PublicKey.Bytes())[1:]
	return new(big.Int).SetBytes(raw[:len(raw)/2]), new(big.Int).SetBytes(raw[len(raw)/2:])
}

// With a public key of small order anybody can make signatures that verify for
// many messages. The points are those of order 1, 2, 4 and 8 in every spelling.
func TestEd25519SmallOrder(t *testing.T) {
	for _, text := range []string{
		"0100000000000000000000000000000000000000000000000000000000000000", // order 1
		"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // order 2
		"0000000000000000000000000000000000000000000000000000000000000000", // order 4
		"0000000000000000000000000000000000000000000000000000000000000080",
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05", // order 8
		"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
	} {
		if _, err := NewPublic(ed25519.PublicKey(must(hex.DecodeString(text)))); !errors.Is(err, errEdSmall) {
			t.Errorf("%s: %v, want %v", text, err, errEdSmall)
		}
	}
	for _, text := range []string{
		"edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", // p, another 0
		"eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff", // p+1, another 1
		"0200000000000000000000000000000000000000000000000000000000000000", // no point
	} {
		if _, err := NewPublic(ed25519.PublicKey(must(hex.DecodeString(text)))); !errors.Is(err, errEdPoint) {
			t.Errorf("%s: %v, want %v", text, err, errEdPoint)
		}
	}
	for _, length := range []int{0, 31, 33} {
		if _, err := NewPublic(ed25519.PublicKey(make([]byte, length))); !errors.Is(err, errEdLength) {
			t.Errorf("%d bytes: %v, want %v", length, err, errEdLength)
		}
	}
	for range 20 {
		pub, _, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := NewPublic(pub); err != nil {
			t.Errorf("a fresh key: %v", err)
		}
	}
}
