package jws

import (
	"crypto"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"testing"
)

// The examples of RFC 7515 appendix A, RFC 7520 section 4, RFC 7797 section 4
// and RFC 8037 appendix A.4. Gate "payload" marks those whose payload is a text:
// the gate refuses them for that, and only their signatures are checked.
func TestRFCExamples(t *testing.T) {
	var examples []struct {
		Name, Token, Gate string
		Key               map[string]string
	}
	readJSON(t, "testdata/rfc.json", &examples)
	if len(examples) != 14 {
		t.Fatalf("%d examples, want 14", len(examples))
	}
	for _, e := range examples {
		t.Run(e.Name, func(t *testing.T) {
			token, err := Parse(e.Token, 0)
			switch e.Gate {
			case "pass":
				if err != nil {
					t.Fatalf("Parse: %v", err)
				}
				if err := token.Verify(jwkKey(t, e.Key)); err != nil {
					t.Fatalf("Verify: %v", err)
				}
			case "payload":
				if !errors.Is(err, errNotObject) {
					t.Fatalf("Parse = %v, want %v", err, errNotObject)
				}
				checkRaw(t, e.Token, jwkKey(t, e.Key))
			case "alg":
				if !errors.Is(err, ErrAlg) {
					t.Fatalf("Parse = %v, want %v", err, ErrAlg)
				}
			case "malformed":
				if !errors.Is(err, ErrMalformed) {
					t.Fatalf("Parse = %v, want %v", err, ErrMalformed)
				}
			default:
				t.Fatalf("unknown gate %q", e.Gate)
			}
		})
	}
}

// checkRaw verifies the signature of a token whose payload is no object, and
// that one changed bit breaks it.
func checkRaw(t *testing.T, raw string, k *Key) {
	t.Helper()
	header, payload, signature, refusal := split(raw)
	if refusal != nil {
		t.Fatal(refusal)
	}
	token := Token{}
	if refusal = token.readHeader(header); refusal != nil {
		t.Fatal(refusal)
	}
	sig, refusal := decode(nil, signature)
	if refusal != nil {
		t.Fatal(refusal)
	}
	signed := []byte(header + "." + payload)
	if refusal := k.check(token.Alg, signed, sig); refusal != nil {
		t.Fatal(refusal)
	}
	sig[len(sig)/2] ^= 1
	if refusal := k.check(token.Alg, signed, sig); refusal != errBadSig {
		t.Fatalf("changed signature: %v, want %v", refusal, errBadSig)
	}
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// jwkKey makes a key of plain JWK members; the real reader is in keyset.
func jwkKey(t *testing.T, jwk map[string]string) *Key {
	t.Helper()
	if jwk["kty"] == "oct" {
		k, err := NewSecret(bin(t, jwk["k"]))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	k, err := NewPublic(jwkPublic(t, jwk))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func jwkPublic(t *testing.T, jwk map[string]string) crypto.PublicKey {
	t.Helper()
	number := func(name string) *big.Int { return new(big.Int).SetBytes(bin(t, jwk[name])) }
	switch jwk["kty"] {
	case "RSA":
		return &rsa.PublicKey{N: number("n"), E: int(number("e").Int64())}
	case "EC":
		curves := map[string]elliptic.Curve{"P-256": elliptic.P256(), "P-384": elliptic.P384(), "P-521": elliptic.P521()}
		return point(curves[jwk["crv"]], number("x"), number("y"))
	case "OKP":
		return ed25519.PublicKey(bin(t, jwk["x"]))
	}
	t.Fatalf("unknown kty %q", jwk["kty"])
	return nil
}

func bin(t *testing.T, part string) []byte {
	t.Helper()
	out, err := DecodeSegment(part)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
