package service

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/admin"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

const issuing = `
version: 1
listen: {check: "", public: "127.0.0.1:0"}
store: "memory:"
answers: {resource_metadata: "https://api.example.com/.well-known/oauth-protected-resource"}
apis:
  - id: orders
    match: [{host: "*", path: /}]
    keys: [{secret: 0123456789abcdef0123456789abcdef, issuer: "https://issuer.example/"}]
    claims: {audiences: [orders]}
    policies: {default: [basic]}
    split: {mode: required, max_ttl: 10m}
policies:
  - id: basic
    access: {orders: {allow: all}}
token_endpoints:
  - {path: /token, upstream: "%s", api: orders, clients: [{id: rs, secret: rs-secret}], rate: {requests: 5, per: 1h}}
`

// post sends a form and gives status and body.
func post(t *testing.T, address string, form url.Values) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth("rs", "rs-secret")
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}

// The public listener from the file to the store and back.
func TestPublicIssuesAndEndsTokens(t *testing.T) {
	key, err := tokens.Parse([]byte("0123456789abcdef0123456789abcdef"), "HS256", "")
	if err != nil {
		t.Fatal(err)
	}
	var audience atomic.Value
	audience.Store("orders")
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		token, err := key.Sign(nil, map[string]any{
			"iss": "https://issuer.example/", "sub": "alice", "aud": audience.Load(), "exp": time.Now().Add(time.Hour).Unix(), "jti": "t1",
		})
		if err != nil {
			t.Error(err)
		}
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":3600}`, token)
	}))
	defer provider.Close()
	dir := folder(t, fmt.Sprintf(issuing, provider.URL))
	s := running(t, dir, io.Discard)
	base := "http://" + s.address(t, "public")
	grant := url.Values{"grant_type": {"client_credentials"}}

	status, body := post(t, base+"/token", grant)
	var issued struct {
		Token   string `json:"access_token"`
		Expires int    `json:"expires_in"`
	}
	if err := json.Unmarshal([]byte(body), &issued); err != nil || status != 200 {
		t.Fatalf("/token: %d %v", status, err)
	}
	if raw, err := base64.RawURLEncoding.DecodeString(issued.Token); err != nil || len(raw) != 32 || issued.Expires > 600 {
		t.Fatalf("a half of %d bytes for %d s, %v", len(raw), issued.Expires, err)
	}
	half := url.Values{"token": {issued.Token}}
	if status, body := post(t, base+"/introspect", half); status != 200 || !strings.Contains(body, `"active":true`) || !strings.Contains(body, `"sub":"alice"`) {
		t.Errorf("/introspect: %d", status)
	}
	view := ended{s.engine, s.kept}
	shown, err := view.Show(t.Context(), issued.Token, "")
	if err != nil || !shown.Active || shown.Kind != "split" || shown.Session == "" {
		t.Errorf("shown: %v %s %v", shown.Active, shown.Kind, err)
	}
	if status, _ := post(t, base+"/revoke", half); status != 200 {
		t.Errorf("/revoke: %d", status)
	}
	if status, body := post(t, base+"/introspect", half); status != 200 || body != `{"active":false}` {
		t.Errorf("/introspect after /revoke: %d %s", status, body)
	}
	rules, _, err := view.List(t.Context(), "")
	if err != nil || len(rules) != 1 || rules[0].Kind != "jti" || rules[0].By != byPublic {
		t.Errorf("rules %+v %v", rules, err)
	}
	if _, err := view.Create(t.Context(), admin.Revocation{Kind: "nobody", Value: "x"}); err == nil {
		t.Error("a rule of no kind was made")
	}
	if status, body := get(t, http.DefaultClient, base+"/.well-known/oauth-protected-resource"); status != 200 || !strings.Contains(body, `"https://issuer.example/"`) {
		t.Errorf("metadata: %d %s", status, body)
	}

	audience.Store("billing") // not for this API: nothing leaves
	if status, body := post(t, base+"/token", grant); status != 502 || strings.Contains(body, "eyJ") {
		t.Errorf("a token of another audience: %d", status)
	}
	for range 3 {
		post(t, base+"/token", grant)
	}
	if status, _ := post(t, base+"/token", grant); status != 429 {
		t.Errorf("over the rate: %d", status)
	}

	write(t, dir+"/tollgate.yaml", strings.Replace(fmt.Sprintf(issuing, provider.URL), "path: /token", "path: /oauth/token", 1))
	if err := s.Reload(t.Context(), config.TriggerSignal); err != nil {
		t.Fatal(err)
	}
	if status, _ := post(t, base+"/token", grant); status != 404 {
		t.Errorf("the path before the reload: %d", status)
	}
	audience.Store("orders")
	if status, _ := post(t, base+"/oauth/token", grant); status != 200 {
		t.Errorf("the path after the reload: %d", status)
	}
}
