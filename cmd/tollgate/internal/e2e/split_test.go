package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// splitConfiguration issues halves of the tokens of one provider.
const splitConfiguration = `
version: 1
listen: {check: "127.0.0.1:0", public: "127.0.0.1:0", metrics: "127.0.0.1:0"}
store: {url: "STORE", timeout: 5s}
seal: {keys: [{id: k1, key: "SEAL"}]}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{discover: "ISSUER"}]
    claims: {audiences: [orders]}
    policies: {claims: [pol]}
    split: required
policies:
  - {id: reader, access: {orders: {allow: all}}}
token_endpoints:
  - {path: /token, upstream: "ENDPOINT", api: orders, timeout: 20s}
`

// replica is one gate with its own Envoy.
type replica struct {
	*world
	public string
}

func newReplica(t *testing.T, configuration string, upstream *recorder) *replica {
	t.Helper()
	w := &world{dir: t.TempDir(), upstream: upstream}
	w.gate = startGate(t, w.write(t, "tollgate.yaml", configuration))
	w.startFront(t, envoyconfig.Edge, w.gate.address)
	return &replica{world: w, public: w.gate.publicURL(t)}
}

// publicURL is where the public listener of a gate is.
func (g *gate) publicURL(t *testing.T) string {
	t.Helper()
	for line := range strings.Lines(g.Output()) {
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "listening public "); ok {
			return "http://" + at
		}
	}
	t.Fatal("no public listener")
	return ""
}

// form posts to the public listener as the client of the provider.
func (r *replica) form(t *testing.T, path string, form url.Values) (int, string) {
	t.Helper()
	shop := "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("shop:shop-secret"))
	got := postFrom(t, strings.TrimPrefix(r.public, "http://"), path, form.Encode(), shop)
	return got.status, got.body
}

// half asks for a token as a client does.
func (r *replica) half(t *testing.T, alg string) string {
	t.Helper()
	status, body := r.form(t, "/token", url.Values{
		"grant_type": {"client_credentials"}, "scope": {"orders:read"}, "resource": {"https://orders.example/" + alg},
	})
	var answer struct {
		Token string `json:"access_token"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != 200 {
		t.Fatalf("/token: %d %s %v", status, answer.Error, err)
	}
	if strings.Contains(body, "eyJ") || len(answer.Token) < 43 || len(answer.Token) > 683 || strings.ContainsAny(answer.Token, ".=") {
		t.Fatalf("the client gets %d characters that are no half", len(answer.Token))
	}
	return answer.Token
}

// TestSplitTokens: the client has a half, the upstream the whole token, the store
// nothing that says anything, and what one replica ends is ended on the other.
func TestSplitTokens(t *testing.T) {
	server := storetest.StartRedis(t, storetest.RedisBinary(t), "--rdbcompression", "no")
	p := startProvider(t, "oidc-provider.mjs")
	b := newBrowser(t, p.issuer)
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	configuration := strings.NewReplacer("STORE", server.URL(), "SEAL", base64.StdEncoding.EncodeToString(key),
		"ISSUER", b.endpoint.Issuer, "ENDPOINT", b.endpoint.Token).Replace(splitConfiguration)
	up := newRecorder(t)
	one, other := newReplica(t, configuration, up), newReplica(t, configuration, up)

	secrets := [][]byte{[]byte(b.endpoint.Issuer), []byte("orders:read"), []byte("client_id"), []byte("reader"), []byte("eyJ")}
	halves := map[string]string{}
	for alg, length := range map[string]int{"RS256": 342, "ES256": 86} {
		half := one.half(t, alg)
		if len(half) != length {
			t.Errorf("%s: %d characters", alg, len(half))
		}
		halves[alg] = half
		for _, r := range []*replica{one, other} {
			if got := send(t, r.address, "GET /orders", "authorization: Bearer "+half); got.status != 200 {
				t.Fatalf("%s: %d %s", alg, got.status, got.reason())
			}
			whole := strings.TrimPrefix(up.one(t).Header.Get("Authorization"), "Bearer ")
			if strings.Count(whole, ".") != 2 || !strings.HasSuffix(whole, "."+half) {
				t.Fatalf("%s: the upstream does not get the whole token", alg)
			}
			if got := send(t, r.address, "GET /orders", "authorization: Bearer "+whole); got.status != 401 {
				t.Errorf("%s: a whole token where a half is required: %d", alg, got.status)
			}
			up.none(t)
			signature, err := base64.RawURLEncoding.DecodeString(half)
			if err != nil {
				t.Fatal(err)
			}
			signed := strings.TrimSuffix(whole, "."+half)
			claims, err := base64.RawURLEncoding.DecodeString(signed[strings.IndexByte(signed, '.')+1:])
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, []byte(half), signature, []byte(signed), claims)
		}
	}
	dumped(t, server, secrets)

	// Ended on one replica, denied on the other within a second; the test allows five.
	if status, _ := one.form(t, "/revoke", url.Values{"token": {halves["ES256"]}}); status != 200 {
		t.Fatalf("/revoke: %d", status)
	}
	began := time.Now()
	for {
		got := send(t, other.address, "GET /orders", "authorization: Bearer "+halves["ES256"])
		if got.status == 401 {
			t.Logf("denied on the other replica after %v", time.Since(began).Round(time.Millisecond))
			break
		}
		if time.Since(began) > 5*time.Second {
			t.Fatalf("still %d", got.status)
		}
	}
	up.take()
	if got := send(t, other.address, "GET /orders", "authorization: Bearer "+halves["RS256"]); got.status != 200 {
		t.Errorf("the other half: %d %s", got.status, got.reason())
	}
	up.take()

	// Nothing is issued that cannot be kept.
	server.Kill()
	status, body := one.form(t, "/token", url.Values{"grant_type": {"client_credentials"}, "resource": {"https://orders.example/ES256"}})
	if status != 503 || strings.Contains(body, "eyJ") || strings.Contains(body, "access_token") {
		t.Errorf("without a store: %d", status)
	}
	for _, r := range []*replica{one, other} {
		for _, half := range halves {
			if strings.Contains(r.gate.Output(), half) {
				t.Error("a half is in the log")
			}
		}
	}
}

// dumped searches everything that Redis has written for secrets in any spelling.
func dumped(t *testing.T, server *storetest.Redis, secrets [][]byte) {
	t.Helper()
	server.Do(t, "SAVE")
	directory, ok := server.Do(t, "CONFIG", "GET", "dir").([]any)
	if !ok || len(directory) != 2 {
		t.Fatalf("CONFIG GET dir gives %T", directory)
	}
	path, ok := directory[1].(string)
	if !ok {
		t.Fatalf("the directory is %T", directory[1])
	}
	dump, err := os.ReadFile(filepath.Join(path, "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(dump, []byte("tollgate")) || len(dump) < 1000 {
		t.Fatalf("a dump of %d bytes has nothing of ours", len(dump))
	}
	planted := append(bytes.Clone(dump), base64.StdEncoding.EncodeToString(append([]byte("x"), secrets[0]...))...)
	if !holds(planted, secrets[0]) {
		t.Fatal("the search finds nothing")
	}
	for i, secret := range secrets {
		if holds(dump, secret) {
			t.Errorf("secret %d of %d bytes is in the dump", i, len(secret))
		}
	}
}

// holds looks for a secret raw, as hex, and as base64 at any alignment.
func holds(dump, secret []byte) bool {
	forms := [][]byte{secret, []byte(hex.EncodeToString(secret)), []byte(strings.ToUpper(hex.EncodeToString(secret)))}
	if len(secret) >= 6 {
		for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
			for shift := range 3 {
				text := encoding.EncodeToString(append(make([]byte, shift), secret...))
				// The first and last characters depend on what stands beside it.
				first := []int{0, 2, 3}[shift]
				forms = append(forms, []byte(text[first:len(text)-1]))
			}
		}
	}
	for _, form := range forms {
		if bytes.Contains(dump, form) {
			return true
		}
	}
	return false
}
