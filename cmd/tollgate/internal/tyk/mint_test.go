package tyk

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha256"
	_ "crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"maps"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// testKeys are the keys that the scenarios name.
type testKeys struct {
	Secrets map[string]string
	Private map[string]string
	Forms   map[string]map[string]string
	JWKS    map[string]struct {
		Status     int
		Type, Body string
	}
	parsed map[string]crypto.Signer
}

func readKeys(t *testing.T) *testKeys {
	t.Helper()
	data, err := os.ReadFile("testdata/keys.json")
	if err != nil {
		t.Fatal(err)
	}
	k := &testKeys{parsed: map[string]crypto.Signer{}}
	if err := json.Unmarshal(data, k); err != nil {
		t.Fatal(err)
	}
	for name, text := range k.Private {
		block, _ := pem.Decode([]byte(text))
		key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			t.Fatalf("key %s: %v", name, err)
		}
		k.parsed[name] = key.(crypto.Signer)
	}
	return k
}

// secret gives the HMAC secret of a name.
func (k *testKeys) secret(t *testing.T, name string) []byte {
	t.Helper()
	if rest, ok := strings.CutPrefix(name, "raw:"); ok {
		return []byte(rest)
	}
	if rest, ok := strings.CutPrefix(name, "pem:"); ok {
		return []byte(k.Forms[rest]["pkix"])
	}
	if name == "empty" {
		return []byte{}
	}
	text, ok := k.Secrets[name]
	if !ok {
		t.Fatalf("no secret %s", name)
	}
	return []byte(text)
}

// mint makes a token at a time.
func (k *testKeys) mint(t *testing.T, tok *recordToken, now time.Time) string {
	t.Helper()
	header := map[string]any{"alg": tok.Alg, "typ": "JWT"}
	maps.Copy(header, tok.Header)
	payload := []byte(tok.Payload)
	if tok.Payload == "" {
		claims, _ := atTime(tok.Claims, now).(map[string]any)
		if claims == nil {
			claims = map[string]any{}
		}
		payload = mustJSON(t, claims)
	}
	text := b64(mustJSON(t, header)) + "." + b64(payload)
	return mutate(text+"."+b64(k.sign(t, tok, text)), tok.Mutate)
}

func (k *testKeys) sign(t *testing.T, tok *recordToken, text string) []byte {
	t.Helper()
	if len(tok.Alg) < 5 || tok.Alg == "none" || tok.Alg == "EdDSA" {
		return []byte("no signature of this algorithm is ever looked at")
	}
	hash := map[string]crypto.Hash{"256": crypto.SHA256, "384": crypto.SHA384, "512": crypto.SHA512}[tok.Alg[2:]]
	if hash == 0 {
		return []byte("no signature of this algorithm is ever looked at")
	}
	signer := k.parsed[tok.Key]
	if signer == nil || strings.EqualFold(tok.Alg[:2], "hs") {
		mac := hmac.New(hash.New, k.secret(t, tok.Key))
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	h := hash.New()
	h.Write([]byte(text))
	digest := h.Sum(nil)
	switch key := signer.(type) {
	case *rsa.PrivateKey:
		var opts crypto.SignerOpts = hash
		if strings.HasPrefix(tok.Alg, "PS") {
			opts = &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: hash}
		}
		sig, err := key.Sign(rand.Reader, digest, opts)
		if err != nil {
			t.Fatal(err)
		}
		return sig
	case *ecdsa.PrivateKey:
		r, s, err := ecdsa.Sign(rand.Reader, key, digest)
		if err != nil {
			t.Fatal(err)
		}
		size := (key.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
	return []byte("a key of another type")
}

// mutate breaks a token as a scenario wants it.
func mutate(token string, how []string) string {
	for _, m := range how {
		kind, rest, _ := strings.Cut(m, ":")
		parts := strings.Split(token, ".")
		switch kind {
		case "append":
			token += rest
		case "cut":
			n, _ := strconv.Atoi(rest)
			token = token[:len(token)-n]
		case "drop-signature":
			token = parts[0] + "." + parts[1]
		case "empty-signature":
			token = parts[0] + "." + parts[1] + "."
		case "flip-signature":
			sig, _ := base64.RawURLEncoding.DecodeString(parts[2])
			sig[0] ^= 1
			token = parts[0] + "." + parts[1] + "." + b64(sig)
		case "payload":
			token = parts[0] + "." + b64([]byte(rest)) + "." + parts[2]
		case "bad-header":
			token = b64([]byte("{not json")) + "." + parts[1] + "." + parts[2]
		default:
			panic("unknown mutation " + kind)
		}
	}
	return token
}

// atTime puts times in the place of {"$now": n}.
func atTime(v any, now time.Time) any {
	switch v := v.(type) {
	case map[string]any:
		if offset, ok := v["$now"]; ok {
			second := float64(now.Unix()) + offset.(float64)
			if v["as"] == "string" {
				return strconv.FormatInt(int64(second), 10)
			}
			if second != math.Trunc(second) {
				return second
			}
			return int64(second)
		}
		out := map[string]any{}
		for name, item := range v {
			out[name] = atTime(item, now)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = atTime(item, now)
		}
		return out
	}
	return v
}

func b64std(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

func b64(data []byte) string { return base64.RawURLEncoding.EncodeToString(data) }

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
