package keyset

import (
	"bytes"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzSet feeds one entry beside a good key. A usable key must pass a slow look
// at its JSON, and no entry may cost the good key.
func FuzzSet(f *testing.F) {
	good := newSigner("good")
	for about, private := range privates() {
		members := jwkOf(private.Public())
		f.Add(`{` + members + `}`)
		f.Add(`{"kid":"k","use":"sig","key_ops":["verify"],` + members + `}`)
		f.Add(`{"d":"AQ",` + members + `}`)
		f.Add(`{"kty":"` + ktyOf(about) + `","x5c":["` + base64.StdEncoding.EncodeToString(certificate(private)) + `"]}`)
	}
	f.Add(`{"kty":"oct","k":"AAAA"}`)
	f.Add(`5,[],{"kty":"RSA","kty":"EC"}`)
	f.Fuzz(func(t *testing.T, text string) {
		document := set(good.jwk(), text)
		entries, err := readSet(document, &Binding{})
		if err != nil {
			if plainJSON(document) {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		if entries[0].key == nil || entries[0].id != "good" {
			t.Fatalf("%q took the good key away", text)
		}
		var slow struct{ Keys []json.RawMessage }
		if err := json.Unmarshal([]byte(document), &slow); err != nil {
			t.Fatalf("%q is no JSON: %v", text, err)
		}
		for i, e := range entries {
			if e.key != nil && !slowUsable(slow.Keys[i]) {
				t.Fatalf("%s must not be usable", slow.Keys[i])
			}
		}
	})
}

// plainJSON is JSON in which nothing is left that our reader is stricter about
// than encoding/json.
func plainJSON(text string) bool {
	return json.Valid([]byte(text)) && utf8.ValidString(text) && !strings.Contains(text, `\u`) &&
		strings.Count(text, "[")+strings.Count(text, "{") < 60 && !longExponent(text)
}

func longExponent(text string) bool {
	for i, c := range []byte(text) {
		if c != 'e' && c != 'E' {
			continue
		}
		digits := strings.TrimLeft(text[i+1:], "+-")
		if len(digits) >= 4 && strings.Trim(digits[:4], "0123456789") == "" {
			return true
		}
	}
	return false
}

// slowUsable looks at one published key the obvious way.
func slowUsable(text json.RawMessage) bool {
	var m map[string]any
	if json.Unmarshal(text, &m) != nil {
		return false
	}
	for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "oth"} {
		if _, there := m[private]; there {
			return false
		}
	}
	if use, there := m["use"]; there && use != "sig" {
		return false
	}
	if ops, there := m["key_ops"]; there {
		list, _ := ops.([]any)
		if !slices.Contains(list, any("verify")) {
			return false
		}
	}
	want := map[any]string{"RSA": "RS256 RS384 RS512 PS256 PS384 PS512", "EC": "ES256 ES384 ES512", "OKP": "EdDSA"}[m["kty"]]
	if alg, there := m["alg"]; there {
		name, _ := alg.(string)
		if name == "" || !slices.Contains(strings.Fields(want), name) {
			return false
		}
	}
	if m["kty"] == "RSA" && m["n"] != nil {
		n, e := slowNumber(m["n"]), slowNumber(m["e"])
		return n.BitLen() >= 2048 && n.BitLen() <= 8192 && e.Cmp(big.NewInt(65537)) >= 0 && e.Bit(0) == 1
	}
	return want != ""
}

func slowNumber(v any) *big.Int {
	text, _ := v.(string)
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return new(big.Int)
	}
	return new(big.Int).SetBytes(raw)
}

// FuzzPEM must never give a key where a private one stands, and what it gives
// must be what crypto/x509 reads there.
func FuzzPEM(f *testing.F) {
	for _, private := range privates() {
		spki := must(x509.MarshalPKIXPublicKey(private.Public()))
		pkcs8 := must(x509.MarshalPKCS8PrivateKey(private))
		f.Add(block("PUBLIC KEY", spki))
		f.Add(spki)
		f.Add(certificate(private))
		f.Add(block("CERTIFICATE", certificate(private)))
		f.Add([]byte(base64.StdEncoding.EncodeToString(block("PUBLIC KEY", spki))))
		f.Add(block("PRIVATE KEY", pkcs8))
		f.Add(append(block("PUBLIC KEY", spki), block("PRIVATE KEY", pkcs8)...))
		f.Add([]byte(`{` + jwkOf(private.Public()) + `}`))
	}
	f.Add([]byte("-----BEGIN PUBLIC KEY-----\n\n-----END PUBLIC KEY-----"))
	f.Fuzz(func(t *testing.T, data []byte) {
		key, err := ParsePEM(data, Binding{})
		if (key == nil) == (err == nil) {
			t.Fatalf("key %v, error %v", key, err)
		}
		if keys, _, err := ParseJWK(data, Binding{}); err == nil && len(keys) == 0 {
			t.Fatal("no key and no error")
		}
		if key == nil {
			return
		}
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if strings.HasSuffix(block.Type, "PRIVATE KEY") {
				t.Fatal("a private key was taken")
			}
		}
		if !slowPublic(data) {
			t.Fatalf("%q holds no public key", data)
		}
	})
}

// slowPublic says whether data, or base64 of it, is a public key or certificate.
func slowPublic(data []byte) bool {
	if inner, err := base64.StdEncoding.DecodeString(string(bytes.Join(bytes.Fields(data), nil))); err == nil && slowForm(inner) {
		return true
	}
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if inner, err := e.DecodeString(string(bytes.Join(bytes.Fields(data), nil))); err == nil && slowForm(inner) {
			return true
		}
	}
	return slowForm(data)
}

func slowForm(data []byte) bool {
	ders := [][]byte{data}
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		ders = append(ders, block.Bytes)
	}
	return slices.ContainsFunc(ders, func(der []byte) bool {
		_, errPKIX := x509.ParsePKIXPublicKey(der)
		_, errPKCS1 := x509.ParsePKCS1PublicKey(der)
		_, errCert := x509.ParseCertificate(der)
		return errPKIX == nil || errPKCS1 == nil || errCert == nil
	})
}
