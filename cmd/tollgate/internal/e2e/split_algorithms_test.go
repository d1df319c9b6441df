package e2e

import (
	"bytes"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
)

// everyAlgorithm is splitConfiguration for a provider that signs with anything. The
// upstream of /told gets headers in the place of the half.
const everyAlgorithm = `
version: 1
listen: {check: "127.0.0.1:0", public: "127.0.0.1:0"}
store: {url: "STORE", timeout: 5s}
seal: {keys: [{id: k2, key: "SEAL2"}, {id: k1, key: "SEAL"}]}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: &keys [{discover: "ISSUER"}, {secret: a-made-up-secret-of-the-tests-0123456789, issuer: "ISSUER"}]
    claims: {audiences: [orders]}
    policies: {claims: [pol]}
    split: required
  - id: told
    match: [{host: "*", path: /told}]
    keys: *keys
    claims: {audiences: [orders]}
    policies: {claims: [pol]}
    split: {mode: required, upstream: headers}
policies:
  - {id: reader, access: {orders: {allow: all}, told: {allow: all}}}
token_endpoints:
  - {path: /token, upstream: "ENDPOINT", api: orders, timeout: 20s, rate: {requests: 1000, per: 1m}}
`

// TestSplitEveryAlgorithm: HS, RS, PS, ES and EdDSA by a real provider through a
// real Envoy and a real Redis. The client has 43 to 683 characters that say
// nothing, the upstream the whole token, and no other spelling of a half opens.
func TestSplitEveryAlgorithm(t *testing.T) {
	w, server := newIssuing(t, everyAlgorithm)
	secrets := [][]byte{[]byte("orders:read"), []byte("client_id"), []byte("reader"), []byte("eyJ")}
	lengths := map[string]int{"HS256": 43, "ES256": 86, "EdDSA": 86, "ES512": 176, "RS256": 342, "PS256": 342, "RS512": 683}
	refused := 0
	for alg, length := range lengths {
		half := w.half(t, alg)
		if len(half) != length {
			t.Errorf("%s: %d characters, expected %d", alg, len(half), length)
		}
		if got := send(t, w.address, "GET /orders/7", "authorization: Bearer "+half); got.status != 200 {
			t.Fatalf("%s: %d %s", alg, got.status, got.reason())
		}
		arrived := w.upstream.one(t)
		whole := strings.TrimPrefix(arrived.Header.Get("Authorization"), "Bearer ")
		if strings.Count(whole, ".") != 2 || !strings.HasSuffix(whole, "."+half) || arrived.Header.Get("X-Tollgate-Subject") != "shop" {
			t.Errorf("%s: the upstream does not get the whole token", alg)
		}
		secrets = append(secrets, partsOf(t, whole)...)
		if header, err := authz.Inspect(whole); err != nil || !strings.Contains(string(header.Header), `"`+alg+`"`) {
			t.Errorf("%s: the token is signed with something else", alg)
		}
		if got := send(t, w.address, "GET /told/7", "authorization: Bearer "+half); got.status != 200 {
			t.Fatalf("%s: headers only: %d %s", alg, got.status, got.reason())
		}
		arrived = w.upstream.one(t)
		if text, err := json.Marshal(arrived); err != nil || bytes.Contains(text, []byte(half)) || bytes.Contains(text, []byte("eyJ")) || arrived.Header.Get("X-Tollgate-Subject") != "shop" {
			t.Errorf("%s: headers only: the upstream gets a token, or no subject", alg)
		}
		for i, spelling := range spellings(t, half, alg) {
			got := send(t, w.address, "GET /orders/7", "authorization: Bearer "+spelling)
			if got.status != 401 && got.status != 400 {
				t.Errorf("%s: spelling %d of the half: %d %s", alg, i, got.status, got.reason())
			}
			refused++
		}
		w.upstream.none(t)
		if got := send(t, w.address, "GET /orders/7", "authorization: Bearer "+half); got.status != 200 {
			t.Errorf("%s: the half, after its other spellings: %d %s", alg, got.status, got.reason())
		}
		w.upstream.take()
	}
	dumped(t, server, secrets)
	t.Logf("evidence: %d algorithms, %d other spellings refused", len(lengths), refused)

	// A client that the provider does not know is told so, in its words.
	status, header, body := w.post(t, "/token", url.Values{"grant_type": {"client_credentials"}}, "nobody", "its-secret")
	if status != 401 || !strings.Contains(body, `"error":"invalid_client"`) || header.Get("Cache-Control") != "no-store" {
		t.Errorf("an unknown client: %d %s", status, body)
	}
	status, _, body = w.post(t, "/token", url.Values{"grant_type": {"client_credentials", "authorization_code"}}, "shop", "shop-secret")
	if status != 400 || !strings.Contains(body, `"error":"invalid_request"`) {
		t.Errorf("two grants: %d %s", status, body)
	}
}

// spellings are texts that a lenient reader takes for the same signature, or for
// another one that verifies.
func spellings(t *testing.T, half, alg string) []string {
	t.Helper()
	out := []string{
		half + "=", half + "==", half + ".", "." + half, ".." + half, half + "A", "A" + half, half[:len(half)-1], half[1:], half + half,
		strings.ToUpper(half), strings.ToLower(half), half[:5] + "%2D" + half[6:], half + "%3D", half[:7] + " " + half[7:], `"` + half + `"`,
		half + ",", half + ";", "Bearer " + half, half[:3] + "\u200b" + half[3:], half[:9] + "\t" + half[9:],
		strings.NewReplacer("-", "+", "_", "/").Replace(half) + "+", "eyJhbGciOiJub25lIn0.e30." + half, half[:4] + "\r\n " + half[4:],
	}
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	last := strings.IndexByte(alphabet, half[len(half)-1])
	for bits := 1; bits < 16; bits++ { // the unused bits of the last character
		out = append(out, half[:len(half)-1]+string(alphabet[last^bits]))
	}
	curve, ok := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES512": elliptic.P521()}[alg]
	if !ok {
		return out
	}
	raw, err := base64.RawURLEncoding.DecodeString(half)
	if err != nil {
		t.Fatal(err)
	}
	size := len(raw) / 2
	twin := new(big.Int).Sub(curve.Params().N, new(big.Int).SetBytes(raw[size:])).FillBytes(make([]byte, size))
	return append(out, base64.RawURLEncoding.EncodeToString(slices.Concat(raw[:size], twin)))
}

// post posts a form to the public listener as a client.
func (r *replica) post(t *testing.T, path string, form url.Values, id, secret string) (int, http.Header, string) {
	t.Helper()
	status, header, body, err := postForm(t.Context(), r.public+path, form, id, secret)
	if err != nil {
		t.Fatal(err)
	}
	return status, header, body
}
