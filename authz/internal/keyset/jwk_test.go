package keyset

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tollgate-authz/tollgate/authz/internal/jws"
)

// jwkOf writes the members of a public key, without braces.
func jwkOf(public crypto.PublicKey) string {
	switch public := public.(type) {
	case *rsa.PublicKey:
		return fmt.Sprintf(`"kty":"RSA","n":"%s","e":"%s"`, b64(public.N.Bytes()), b64(big.NewInt(int64(public.E)).Bytes()))
	case *ecdsa.PublicKey:
		size := (public.Params().BitSize + 7) / 8
		point := must(public.Bytes())[1:]
		return fmt.Sprintf(`"kty":"EC","crv":"%s","x":"%s","y":"%s"`, public.Params().Name, b64(point[:size]), b64(point[size:]))
	case ed25519.PublicKey:
		return fmt.Sprintf(`"kty":"OKP","crv":"Ed25519","x":"%s"`, b64(public))
	}
	panic("unknown key")
}

func TestParseJWKTakesEveryForm(t *testing.T) {
	for about, private := range privates() {
		members := jwkOf(private.Public())
		for form, data := range map[string]string{
			"jwk":            `{` + members + `}`,
			"jwk with kid":   `{"kid":"k",` + members + `}`,
			"set":            ` {"keys":[{` + members + `}]} `,
			"base64 of jwk":  base64.StdEncoding.EncodeToString([]byte(`{` + members + `}`)),
			"base64 of set":  wrap(base64.StdEncoding.EncodeToString([]byte(set(`{` + members + `}`)))),
			"other members":  `{"x-owner":{"a":[1]},"x5t":5,"oth5":null,` + members + `}`,
			"certificate":    `{"kty":"` + ktyOf(about) + `","x5c":["` + base64.StdEncoding.EncodeToString(certificate(private)) + `"]}`,
			"pem in x5c":     `{"kty":"` + ktyOf(about) + `","x5c":["` + base64.StdEncoding.EncodeToString(block("CERTIFICATE", certificate(private))) + `"]}`,
			"both the same":  `{` + members + `,"x5c":["` + base64.StdEncoding.EncodeToString(certificate(private)) + `"]}`,
			"x5c unreadable": `{` + members + `,"x5c":["x"]}`,
			"use and ops":    `{` + members + `,"use":"sig","key_ops":["sign","verify"]}`,
		} {
			keys, unusable, err := ParseJWK([]byte(data), Binding{Issuer: "i", Source: "jwk"})
			if err != nil || len(keys) != 1 || len(unusable) != 0 {
				t.Errorf("%s, %s: %d keys, %v, %v", about, form, len(keys), unusable, err)
				continue
			}
			k := keys[0]
			if k.String() != about || k.HasID != strings.Contains(data, `"kid"`) || k.Issuer != "i" || k.Source != "jwk" {
				t.Errorf("%s, %s: %s, kid %q, issuer %q", about, form, k, k.ID, k.Issuer)
			}
		}
	}
}

func ktyOf(about string) string {
	switch about[0] {
	case 'R':
		return "RSA"
	case 'P':
		return "EC"
	}
	return "OKP"
}

func TestUnusableEntriesCostNoOther(t *testing.T) {
	rsaKey := privates()["RSA 2048"].Public().(*rsa.PublicKey)
	ecKey := privates()["P-256"].Public().(*ecdsa.PublicKey)
	n := b64(rsaKey.N.Bytes())
	point := must(ecKey.Bytes())[1:]
	x, y := b64(point[:32]), b64(point[32:])
	ed := jwkOf(newSigner("").private.Public())
	foreign := base64.StdEncoding.EncodeToString(certificate(newSigner("").private))
	for entry, want := range map[string]string{
		`5`:                         "is no object",
		`null`:                      "is no object",
		`{"kty":"OKP","kty":"OKP"}`: "JSON repeats a member",
		`{}`:                        "kty is missing or no text",
		`{"kty":7}`:                 "kty is missing or no text",
		`{"kty":"FOO"}`:             `kty "FOO" is not supported`,
		`{"kty":"rsa","n":"` + n + `","e":"AQAB"}`: `kty "rsa" is not supported`,
		`{"KTY":"RSA"}`:                                 "kty is missing or no text",
		`{"kid":5,` + ed + `}`:                          "kid is no text",
		`{"kid":null,` + ed + `}`:                       "kid is no text",
		`{"use":"enc",` + ed + `}`:                      `use is "enc", not sig`,
		`{"use":1,` + ed + `}`:                          `use is "1", not sig`,
		`{"use":"SIG",` + ed + `}`:                      `use is "SIG", not sig`,
		`{"key_ops":["sign"],` + ed + `}`:               "key_ops does not list verify",
		`{"key_ops":[],` + ed + `}`:                     "key_ops does not list verify",
		`{"key_ops":"verify",` + ed + `}`:               "key_ops does not list verify",
		`{"key_ops":null,` + ed + `}`:                   "key_ops does not list verify",
		`{"use":"enc","key_ops":["verify"],` + ed + `}`: `use is "enc", not sig`,
		`{"alg":"RS256",` + ed + `}`:                    `alg "RS256" does not fit a key of type Ed25519`,
		`{"alg":"none",` + ed + `}`:                     `alg "none" is no signature algorithm`,
		`{"alg":"RSA-OAEP",` + ed + `}`:                 `alg "RSA-OAEP" is no signature algorithm`,
		`{"alg":256,` + ed + `}`:                        "alg is no text",
		`{"alg":"HS256",` + ed + `}`:                    `alg "HS256" does not fit a key of type Ed25519`,
		`{"alg":"ES384","kty":"EC","crv":"P-256","x":"` + x + `","y":"` + y + `"}`:        `alg "ES384" does not fit a key of type P-256`,
		`{"kty":"RSA","n":"` + n + `"}`:                                                   "e is missing or no base64url",
		`{"kty":"RSA","e":"AQAB"}`:                                                        "n is missing or no base64url",
		`{"kty":"RSA","n":null,"e":"AQAB"}`:                                               "n is missing or no base64url",
		`{"kty":"RSA","n":"` + n + `=","e":"AQAB"}`:                                       "n is missing or no base64url",
		`{"kty":"RSA","n":"` + n[:200] + `","e":"AQAB"}`:                                  "RSA below 2048 bits",
		`{"kty":"RSA","n":"` + strings.Repeat(n, 5) + `","e":"AQAB"}`:                     "RSA over 8192 bits",
		`{"kty":"RSA","n":"` + n + `","e":"Aw"}`:                                          "RSA exponent is even, below 65537 or over 31 bits",
		`{"kty":"RSA","n":"` + n + `","e":"AQAA"}`:                                        "RSA exponent is even, below 65537 or over 31 bits",
		`{"kty":"RSA","n":"` + n + `","e":"AAAA"}`:                                        "RSA exponent is 0 or over 32 bits",
		`{"kty":"RSA","n":"` + n + `","e":"AQABAQABAQAB"}`:                                "RSA exponent is 0 or over 32 bits",
		`{"kty":"RSA","n":"` + n + `","e":"_____w"}`:                                      "RSA exponent is even, below 65537 or over 31 bits",
		`{"kty":"EC","x":"` + x + `","y":"` + y + `"}`:                                    "crv is missing or no text",
		`{"kty":"EC","crv":"P-192","x":"` + x + `","y":"` + y + `"}`:                      `crv "P-192" is not supported for EC`,
		`{"kty":"EC","crv":"secp256k1","x":"` + x + `","y":"` + y + `"}`:                  `crv "secp256k1" is not supported for EC`,
		`{"kty":"EC","crv":"Ed25519","x":"` + x + `"}`:                                    `crv "Ed25519" is not supported for EC`,
		`{"kty":"EC","crv":"P-384","x":"` + x + `","y":"` + y + `"}`:                      "x has 32 bytes, not 48",
		`{"kty":"EC","crv":"P-256","x":"` + y + `","y":"` + x + `"}`:                      "the point is not on its curve",
		`{"kty":"EC","crv":"P-256","x":"` + x + `"}`:                                      "y is missing or no base64url",
		`{"kty":"EC","crv":"P-256","x":"` + x[:40] + `","y":"` + y + `"}`:                 "x has 30 bytes, not 32",
		`{"kty":"OKP","crv":"X25519","x":"` + x + `"}`:                                    `crv "X25519" is not supported for OKP`,
		`{"kty":"OKP","crv":"Ed25519","x":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}`: "the Ed25519 key is of small order: every signature would pass",
		`{"kty":"OKP","crv":"Ed25519"}`:                                                   "x is missing or no base64url",
		`{` + ed + `,"x5c":["` + foreign + `"]}`:                                          "x5c holds another key",
		`{"kty":"RSA","x5c":["` + foreign + `"]}`:                                         "x5c holds a key of another type than kty says",
		`{"kty":"RSA","x5c":[]}`:                                                          "x5c is no list of texts",
		`{"kty":"RSA","x5c":["?"]}`:                                                       "x5c is no base64",
		`{"kty":"RSA","x5c":["AAAA"]}`:                                                    "x5c holds no certificate that can be read",
		`{"d":"AQ",` + ed + `}`:                                                           whyPrivate,
		`{"kty":"RSA","n":"` + n + `","e":"AQAB","p":"AQ"}`:                               whyPrivate,
		`{"kty":"oct","k":"` + b64(make([]byte, 32)) + `"}`:                               whySecret,
	} {
		good := newSigner("good")
		for _, document := range []string{set(good.jwk(), entry), set(entry, good.jwk())} {
			entries, err := readSet(document, &Binding{})
			if err != nil {
				t.Errorf("%.80s: %v", entry, err)
				continue
			}
			states, keys := describe(entries)
			if len(keys) != 1 || keys[0].ID != "good" {
				t.Errorf("%.80s: %d keys, want the good one", entry, len(keys))
			}
			for _, s := range states {
				if s.ID != "good" && s.Why != want {
					t.Errorf("%.80s: %q, want %q", entry, s.Why, want)
				}
			}
		}
	}
}

func TestBadDocuments(t *testing.T) {
	for document, want := range map[string]string{
		``:                      "is no JSON Web Key Set",
		`null`:                  "is no JSON Web Key Set",
		`[]`:                    "is no JSON Web Key Set",
		`{}`:                    "is no JSON Web Key Set",
		`{"keys":null}`:         "is no JSON Web Key Set",
		`{"keys":{}}`:           "is no JSON Web Key Set",
		`{"KEYS":[]}`:           "is no JSON Web Key Set",
		`{"error":"not found"}`: "is no JSON Web Key Set",
		`{"keys":[],"keys":[]}`: "repeats a member",
		`{"keys":[]} x`:         "followed by other text",
		`{"keys":[`:             "does not follow the grammar",
		"{\"keys\":[\"\xff\"]}": "not valid UTF-8",
		`<html>{"keys":[]}`:     "is HTML or XML",
		newSigner("k").jwk():    "is no JSON Web Key Set", // a bare JWK is no set
		`{"keys":` + strings.Repeat("[", 70) + strings.Repeat("]", 70) + `}`: "deeper than 64",
	} {
		if _, err := readSet(document, &Binding{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", document, err, want)
		}
	}
	entries, err := readSet(`{"keys":[]}`, &Binding{})
	if err != nil || len(entries) != 0 {
		t.Errorf("an empty set: %d entries, %v", len(entries), err)
	}
	var many []string
	for range 150 {
		many = append(many, newSigner("k").jwk())
	}
	entries, err = readSet(set(many...), &Binding{})
	if err != nil || len(entries) != maxKeys+1 || !strings.Contains(entries[maxKeys].why, "limit of 100") {
		t.Errorf("150 keys: %d entries, %v", len(entries), err)
	}
}

func TestLocalJWK(t *testing.T) {
	secret := `{"kty":"oct","kid":"s","k":"` + b64(bytes.Repeat([]byte{7}, 48)) + `"}`
	keys, unusable, err := ParseJWK([]byte(set(secret, newSigner("k").jwk(), newSigner("e").jwk(`,"use":"enc"`))), Binding{})
	if err != nil || len(keys) != 2 || !keys[0].Fits(jws.HS384) || keys[0].Fits(jws.HS512) {
		t.Fatalf("%d keys, %v", len(keys), err)
	}
	if diff := cmp.Diff([]Unusable{{Index: 2, ID: "e", Why: `use is "enc", not sig`}}, unusable); diff != "" {
		t.Error(diff)
	}
	short := `{"kty":"oct","k":"c2hvcnQ"}`
	if _, _, err := ParseJWK([]byte(short), Binding{}); err == nil || !strings.Contains(err.Error(), "shorter than 32 bytes") {
		t.Errorf("short secret: %v", err)
	}
	if keys, _, err := ParseJWK([]byte(short), Binding{ShortSecret: true}); err != nil || len(keys) != 1 {
		t.Errorf("short secret, allowed: %v", err)
	}
	named, _, err := ParseJWK([]byte(newSigner("own").jwk()), Binding{ID: "configured", HasID: true})
	if err != nil || named[0].ID != "configured" {
		t.Errorf("configured kid: %v", err)
	}
	two := set(newSigner("a").jwk(), newSigner("b").jwk())
	for data, want := range map[string]string{
		``:                                      "is empty",
		`{}`:                                    "neither a JWK nor",
		`hello`:                                 "neither a JWK nor",
		`{"keys":[]}`:                           "holds no usable key",
		set(newSigner("e").jwk(`,"use":"enc"`)): `holds no usable key: use is "enc", not sig`,
		newSigner("p").jwk(`,"d":"AQ"`):         "holds a private key",
		set(newSigner("a").jwk(), newSigner("p").jwk(`,"d":"AQ"`)): "holds a private key",
		string(block("PUBLIC KEY", []byte("x"))):                   "configure it as pem",
		`{"kty":"OKP","kty":"OKP"}`:                                "repeats a member",
	} {
		if _, _, err := ParseJWK([]byte(data), Binding{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", data, err, want)
		}
	}
	if _, _, err := ParseJWK([]byte(two), Binding{ID: "x", HasID: true}); err == nil {
		t.Error("one kid for two keys was taken")
	}
}
