package jws

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"sync"
	"testing"
)

// keys are the private halves that tests sign with, made once per run.
type keys struct {
	secret []byte
	rsa    *rsa.PrivateKey
	ec     map[Alg]*ecdsa.PrivateKey
	ed     ed25519.PrivateKey
}

var testKeys = sync.OnceValue(func() keys {
	k := keys{secret: make([]byte, 64), ec: map[Alg]*ecdsa.PrivateKey{}}
	_, _ = rand.Read(k.secret)
	k.rsa = must(rsa.GenerateKey(rand.Reader, 2048))
	k.ec[ES256] = must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	k.ec[ES384] = must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	k.ec[ES512] = must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))
	_, k.ed, _ = ed25519.GenerateKey(rand.Reader)
	return k
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// verifier gives the public half for a.
func (k keys) verifier(tb testing.TB, a Alg) *Key {
	tb.Helper()
	var key *Key
	var err error
	switch a.Family() {
	case HMAC:
		key, err = NewSecret(k.secret)
	case RSA:
		key, err = NewPublic(&k.rsa.PublicKey)
	case EC:
		key, err = NewPublic(&k.ec[a].PublicKey)
	default:
		key, err = NewPublic(k.ed.Public())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// sign makes the signature of signed by a.
func (k keys) sign(tb testing.TB, a Alg, signed string) []byte {
	tb.Helper()
	digest := func() []byte {
		h := a.hash().New()
		h.Write([]byte(signed))
		return h.Sum(nil)
	}
	var sig []byte
	var err error
	switch a {
	case HS256, HS384, HS512:
		h := hmac.New(a.hash().New, k.secret)
		h.Write([]byte(signed))
		sig = h.Sum(nil)
	case RS256, RS384, RS512:
		sig, err = rsa.SignPKCS1v15(rand.Reader, k.rsa, a.hash(), digest())
	case PS256, PS384, PS512:
		sig, err = k.signPSS(a, digest(), rsa.PSSSaltLengthEqualsHash)
	case ES256, ES384, ES512:
		private := k.ec[a]
		r, s, signErr := ecdsa.Sign(rand.Reader, private, digest())
		if signErr != nil {
			tb.Fatal(signErr)
		}
		size := (private.Curve.Params().BitSize + 7) / 8
		sig = make([]byte, 2*size)
		r.FillBytes(sig[:size])
		s.FillBytes(sig[size:])
	default:
		sig, err = k.ed.Sign(nil, []byte(signed), crypto.Hash(0))
	}
	if err != nil {
		tb.Fatal(err)
	}
	return sig
}

func (k keys) signPSS(a Alg, digest []byte, salt int) ([]byte, error) {
	return rsa.SignPSS(rand.Reader, k.rsa, a.hash(), digest, &rsa.PSSOptions{SaltLength: salt, Hash: a.hash()})
}

// mint makes a whole token of the given texts.
func (k keys) mint(tb testing.TB, a Alg, header, payload string) string {
	tb.Helper()
	tb.Helper()
	signed := b64([]byte(header)) + "." + b64([]byte(payload))
	return signed + "." + b64(k.sign(tb, a, signed))
}

func b64(text []byte) string { return base64.RawURLEncoding.EncodeToString(text) }

const someClaims = `{"iss":"https://issuer.example/","sub":"user-1","aud":["orders"],"exp":4102444800,"iat":1700000000}`

func header(a Alg) string { return `{"alg":"` + string(a) + `","typ":"JWT","kid":"k1"}` }
