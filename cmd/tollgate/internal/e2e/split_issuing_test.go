package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// newIssuing is a replica before a real provider and a real Redis, whose dump can be
// searched.
func newIssuing(t *testing.T, configuration string) (*replica, *storetest.Redis) {
	t.Helper()
	server := storetest.StartRedis(t, storetest.RedisBinary(t), "--rdbcompression", "no")
	b := newBrowser(t, startProvider(t, "oidc-provider.mjs").issuer)
	text := strings.NewReplacer("STORE", server.URL(), "SEAL2", sealKey(t), "SEAL", sealKey(t),
		"ISSUER", b.endpoint.Issuer, "ENDPOINT", b.endpoint.Token).Replace(configuration)
	return newReplica(t, text, newRecorder(t)), server
}

func sealKey(t testing.TB) string {
	t.Helper()
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(key)
}

// postForm posts a form as a client, from any goroutine.
func postForm(ctx context.Context, address string, form url.Values, id, secret string) (int, http.Header, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return 0, nil, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(id, secret)
	client := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(req)
	if err != nil {
		return 0, nil, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answer.StatusCode, answer.Header, string(body), err
}

// minting issues halves of the tokens of a made-up provider, which signs as fast as
// it is asked to.
const minting = `
version: 1
listen: {check: "127.0.0.1:0", public: "127.0.0.1:0"}
STORE
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{jwk: file://keys.json, issuer: https://issuer.example/}]
    claims: {audiences: [orders]}
    policies: {default: [reader]}
    split: required
policies:
  - {id: reader, access: {orders: {allow: all}}}
token_endpoints:
  - {path: /token, upstream: "ENDPOINT", api: orders, timeout: 20s, rate: {requests: 100000000, per: 1m}, clients: [{id: shop, secret: shop-secret}]}
`

// mint is the token endpoint of the made-up provider. It remembers what it made.
type mint struct {
	address string
	key     *tokens.Key
	more    map[string]any // claims of every token

	mutex sync.Mutex
	made  []string
}

func newMint(t testing.TB, key *tokens.Key) *mint {
	t.Helper()
	listener, err := demo.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mint{key: key}
	site := demo.Serve(listener, m)
	m.address = "http://" + site.Address + "/oauth/token"
	t.Cleanup(func() { _ = site.Close() })
	return m
}

// ServeHTTP makes a token that was never made before.
func (m *mint) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	now := time.Now()
	all := map[string]any{
		"iss": issuer, "sub": fmt.Sprintf("canary-subject-%d", len(m.made)), "aud": "orders", "jti": fmt.Sprintf("canary-id-%d", len(m.made)),
		"email": "canary@example.com", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
	maps.Copy(all, m.more)
	token, err := m.key.Sign(nil, all)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	m.made = append(m.made, token)
	fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, token)
}

// openly is how many of the secrets a log may show: the subject and its issuer.
const openly = 2

// secrets are the parts of some of the tokens that nobody may see: what is signed,
// its claims, the signature in bytes, the half.
func (m *mint) secrets(t *testing.T, most int) [][]byte {
	t.Helper()
	m.mutex.Lock()
	defer m.mutex.Unlock()
	out := [][]byte{[]byte("canary-subject"), []byte(issuer), []byte("canary-id"), []byte("canary@example.com"), []byte("eyJ")}
	for i := 0; i < len(m.made); i += max(1, len(m.made)/most) {
		out = append(out, partsOf(t, m.made[i])...)
	}
	return out
}

// partsOf are the parts of a token, as they are written and what they say.
func partsOf(t *testing.T, token string) [][]byte {
	t.Helper()
	var out [][]byte
	for part := range strings.SplitSeq(token, ".") {
		decoded, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, []byte(part), decoded)
	}
	return out
}

// issue asks for one token. half is "" where none was handed out.
func issue(ctx context.Context, public string) (half string, status int, body string, err error) {
	status, _, body, err = postForm(ctx, public+"/token", url.Values{"grant_type": {"client_credentials"}}, "shop", "shop-secret")
	if err != nil || status != http.StatusOK {
		return "", status, body, err
	}
	var answer struct {
		Token string `json:"access_token"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		return "", status, body, err
	}
	return answer.Token, status, body, nil
}

// shows says whether a text holds any of the secrets, however it is written.
func shows(text []byte, secrets [][]byte) bool {
	for _, secret := range secrets {
		if holds(text, secret) {
			return true
		}
	}
	return false
}

// planted makes sure that the search finds what it looks for.
func planted(t *testing.T, secrets [][]byte) {
	t.Helper()
	for _, secret := range secrets {
		hidden := "x" + base64.StdEncoding.EncodeToString(append([]byte("y"), secret...))
		if len(secret) >= 6 && !shows([]byte(hidden), [][]byte{secret}) || !shows(bytes.Join([][]byte{{1}, secret, {2}}, nil), [][]byte{secret}) {
			t.Fatal("the search finds nothing")
		}
	}
}
