package tokens

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The other half of each algorithm, from the standard library, with the key that
// the JWK says. That the gate's own library agrees is what the case files prove.
func TestSignedTokensVerify(t *testing.T) {
	for _, alg := range Algorithms() {
		t.Run(alg, func(t *testing.T) {
			key, err := Generate(alg, "k1")
			if err != nil {
				t.Fatal(err)
			}
			token, err := key.Sign(map[string]any{"typ": "at+jwt"}, map[string]any{"sub": "ada"})
			if err != nil {
				t.Fatal(err)
			}
			input, signature := cutSignature(t, token)
			if err := verify(t, key, []byte(input), signature); err != nil {
				t.Error(err)
			}
			if err := verify(t, key, []byte(input+"x"), signature); err == nil {
				t.Error("another input verified")
			}
		})
	}
}

func TestPEMAndJWKAreTheSameKey(t *testing.T) {
	for _, alg := range []string{"RS256", "ES512", "EdDSA"} {
		key, err := Generate(alg, "k1")
		if err != nil {
			t.Fatal(err)
		}
		encoded, err := key.PEM()
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(encoded)
		public, err := x509.ParsePKIXPublicKey(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		if !key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(public) {
			t.Errorf("%s: the PEM holds another key", alg)
		}
	}
	hmacKey, err := Generate("HS256", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := hmacKey.PEM(); err == nil {
		t.Error("an HMAC key has a PEM")
	}
}

func verify(t *testing.T, key *Key, input, signature []byte) error {
	t.Helper()
	jwk, err := key.JWK()
	if err != nil {
		t.Fatal(err)
	}
	number := func(name string) *big.Int { return new(big.Int).SetBytes(decode(t, jwk[name].(string))) }
	hash := hashOf(key.Alg)
	sum := func() []byte { h := hash.New(); h.Write(input); return h.Sum(nil) }
	ok := false
	switch jwk["kty"] {
	case "oct":
		mac := hmac.New(hash.New, decode(t, jwk["k"].(string)))
		mac.Write(input)
		ok = hmac.Equal(mac.Sum(nil), signature)
	case "RSA":
		public := &rsa.PublicKey{N: number("n"), E: int(number("e").Int64())}
		if key.Alg[0] == 'P' {
			return rsa.VerifyPSS(public, hash, sum(), signature, nil)
		}
		return rsa.VerifyPKCS1v15(public, hash, sum(), signature)
	case "EC":
		public, err := ecdsa.ParseUncompressedPublicKey(curveOf(key.Alg),
			slices.Concat([]byte{4}, decode(t, jwk["x"].(string)), decode(t, jwk["y"].(string))))
		if err != nil {
			return err
		}
		half := len(signature) / 2
		ok = ecdsa.Verify(public, sum(), new(big.Int).SetBytes(signature[:half]), new(big.Int).SetBytes(signature[half:]))
	case "OKP":
		ok = ed25519.Verify(decode(t, jwk["x"].(string)), input, signature)
	}
	if !ok {
		return errors.New("signature does not verify")
	}
	return nil
}

func cutSignature(t *testing.T, token string) (string, []byte) {
	t.Helper()
	dot := strings.LastIndexByte(token, '.')
	return token[:dot], decode(t, token[dot+1:])
}

func TestHeaderMembersCanBeReplacedAndRemoved(t *testing.T) {
	key, err := Generate("HS256", "k1")
	if err != nil {
		t.Fatal(err)
	}
	token, err := key.SignPayload(map[string]any{"kid": nil, "typ": nil, "alg": "none", "crit": []string{"b64"}}, []byte(`{"a":1,"a":2}`))
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("%d parts", len(parts))
	}
	var header map[string]any
	if err := json.Unmarshal(decode(t, parts[0]), &header); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"alg": "none", "crit": []any{"b64"}}, header); diff != "" {
		t.Error(diff)
	}
	if got := string(decode(t, parts[1])); got != `{"a":1,"a":2}` {
		t.Errorf("payload %s", got)
	}
}

func TestParseReadsWhatPeopleHave(t *testing.T) {
	for _, alg := range []string{"RS256", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			key, err := Generate(alg, "")
			if err != nil {
				t.Fatal(err)
			}
			parsed, err := Parse(pkcs8(t, key.private), alg, "k2")
			if err != nil {
				t.Fatal(err)
			}
			if !key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(parsed.Public()) {
				t.Error("another key")
			}
			if parsed.Alg != alg || parsed.Kid != "k2" {
				t.Errorf("alg %s kid %s", parsed.Alg, parsed.Kid)
			}
		})
	}
	secret, err := Parse([]byte("a shared secret of some length\n"), "", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := string(secret.Secret()); secret.Alg != "HS256" || got != "a shared secret of some length" {
		t.Errorf("alg %s, %d bytes", secret.Alg, len(got))
	}
}

func TestParseRefuses(t *testing.T) {
	ec, err := Generate("ES256", "")
	if err != nil {
		t.Fatal(err)
	}
	public, err := ec.PEM()
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		data []byte
		alg  string
		want string
	}{
		"public half":      {public, "", "cannot sign"},
		"wrong algorithm":  {pkcs8(t, ec.private), "ES384", "it is for ES256"},
		"unknown":          {pkcs8(t, ec.private), "none", "it is for ES256"},
		"damaged":          {[]byte("-----BEGIN PRIVATE KEY-----\nAAAA"), "", "damaged"},
		"garbage in block": {pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("x")}), "", "does not parse"},
		"secret with RS":   {[]byte("secret"), "RS256", "shared secret"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse(test.data, test.alg, "")
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestKeysHideThemselves(t *testing.T) {
	key, err := FromSecret("HS256", "k1", []byte("canary-secret"))
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(verb, key); strings.Contains(got, "canary") || strings.Contains(got, "99 97 110 97 114 121") {
			t.Errorf("%s shows the secret", verb)
		}
	}
}

func pkcs8(t *testing.T, private any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func decode(t *testing.T, part string) []byte {
	t.Helper()
	data, err := base64.RawURLEncoding.DecodeString(part)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
