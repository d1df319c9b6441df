package jws

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
)

// slowVerify is the oracle of gate and verification: the same rules said slowly
// and obviously on the standard library. public is what crypto knows, or the
// secret.
func slowVerify(raw string, public any) bool {
	p := strings.Split(raw, ".")
	if len(raw) > DefaultMaxBytes || len(p) != 3 || len(p[0]) > maxHeader {
		return false
	}
	var plain [3][]byte
	for i, part := range p {
		text, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil || base64.RawURLEncoding.EncodeToString(text) != part || part == "" {
			return false
		}
		plain[i] = text
	}
	header, err := slowObject(string(plain[0]))
	if err != nil {
		return false
	}
	if _, err := slowObject(string(plain[1])); err != nil {
		return false
	}
	for _, name := range []string{"crit", "b64"} {
		if _, there := header[name]; there {
			return false
		}
	}
	for _, name := range []string{"kid", "typ"} {
		if v, there := header[name]; there {
			if _, text := v.(string); !text {
				return false
			}
		}
	}
	alg, _ := header["alg"].(string)
	return slowSignature(Alg(alg), p[0]+"."+p[1], plain[2], public)
}

func slowSignature(a Alg, signed string, sig []byte, public any) bool {
	var digest []byte
	if a.hash() != 0 {
		h := a.hash().New()
		h.Write([]byte(signed))
		digest = h.Sum(nil)
	}
	switch pub := public.(type) {
	case []byte:
		if a != HS256 && a != HS384 && a != HS512 {
			return false
		}
		h := hmac.New(a.hash().New, pub)
		h.Write([]byte(signed))
		return hmac.Equal(h.Sum(nil), sig)
	case *rsa.PublicKey:
		if a == RS256 || a == RS384 || a == RS512 {
			return rsa.VerifyPKCS1v15(pub, a.hash(), digest, sig) == nil
		}
		pss := a == PS256 || a == PS384 || a == PS512
		return pss && rsa.VerifyPSS(pub, a.hash(), digest, sig, &rsa.PSSOptions{SaltLength: a.hash().Size()}) == nil
	case *ecdsa.PublicKey:
		want := map[int]Alg{256: ES256, 384: ES384, 521: ES512}[pub.Params().BitSize]
		size := (pub.Params().BitSize + 7) / 8
		if a != want || len(sig) != 2*size {
			return false
		}
		return ecdsa.Verify(pub, digest, new(big.Int).SetBytes(sig[:size]), new(big.Int).SetBytes(sig[size:]))
	case ed25519.PublicKey:
		return a == EdDSA && ed25519.Verify(pub, []byte(signed), sig)
	}
	return false
}

// FuzzParse looks for a token that gate and Verify let through and the slow
// verifier does not, or the other way round. Header and payload are signed with
// a known secret, so that the fuzzer reaches what lies behind the signature.
func FuzzParse(f *testing.F) {
	secret := []byte(strings.Repeat("known secret ", 6))
	for _, h := range []string{
		`{"alg":"HS256","typ":"JWT","kid":"k"}`, `{"alg":"HS512"}`, `{"alg":"none"}`, `{"alg":"HS256","crit":[]}`,
		`{"alg":"HS256","\u0061lg":"HS256"}`, `{"ALG":"HS256"}`,
	} {
		f.Add(h, someClaims, "")
	}
	f.Add(`{"alg":"HS256"}`, `{"exp":1,"exp":2}`, "")
	f.Add(`{"alg":"HS256"}`, `{"a":"\ud800"}`, "\n")
	f.Add(`{"alg":"HS256"}`, sample, "=")
	key, err := NewInsecureSecret(secret)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, header, payload, tail string) {
		signed := b64([]byte(header)) + "." + b64([]byte(payload))
		for _, a := range []Alg{HS256, HS512} {
			h := hmac.New(a.hash().New, secret)
			h.Write([]byte(signed))
			agree(t, signed+"."+b64(h.Sum(nil))+tail, key, secret)
		}
		agree(t, header+"."+payload+"."+tail, key, secret)
	})
}

// FuzzVerify mutates the RFC's genuine tokens under their public keys.
func FuzzVerify(f *testing.F) {
	var examples []struct {
		Name, Token, Gate string
		Key               map[string]string
	}
	t := &testing.T{}
	readJSON(t, "testdata/rfc.json", &examples)
	type pair struct {
		key    *Key
		public any
	}
	var pairs []pair
	for _, e := range examples {
		f.Add(e.Token)
		if e.Key != nil && e.Key["kty"] != "oct" {
			pairs = append(pairs, pair{jwkKey(t, e.Key), jwkPublic(t, e.Key)})
		}
	}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, p := range pairs {
			agree(t, raw, p.key, p.public)
		}
	})
}

func agree(t *testing.T, raw string, key *Key, public any) {
	t.Helper()
	token, err := Parse(raw, 0)
	ours := err == nil && token.Verify(key) == nil
	if slow := slowVerify(raw, public); ours != slow {
		t.Fatalf("%q: allowed %v, the slow verifier says %v (%v)", raw, ours, slow, err)
	}
}

// FuzzClaims compares the scanner with encoding/json plus a check for repeated
// members.
func FuzzClaims(f *testing.F) {
	for _, seed := range jsonSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		compareWithSlow(t, text)
		o, err := ParseObject(text)
		if err != nil {
			return
		}
		for _, v := range o.All() {
			if at, state := v.Date(); state == DatePresent && (at.Year() < 1 || at.Year() > 9999) {
				t.Fatalf("%q is the year %d", v.Raw(), at.Year())
			}
		}
	})
}
