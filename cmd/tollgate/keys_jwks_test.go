package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/admin"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/obs"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

const adminSecret = "a-secret-of-the-admin-api-0123456789"

// keySetFile writes a configuration whose key set a site on loopback serves, with
// a key for encryption in it.
func keySetFile(t *testing.T) string {
	t.Helper()
	key, err := tokens.Generate("ES256", "k1")
	if err != nil {
		t.Fatal(err)
	}
	set, err := tokens.JWKS(key)
	if err != nil {
		t.Fatal(err)
	}
	both := strings.Replace(string(set), `{"keys":[`, `{"keys":[{"kty":"RSA","use":"enc","kid":"enc","n":"AQ","e":"AQAB"},`, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(both)) }))
	t.Cleanup(site.Close)
	path := filepath.Join(t.TempDir(), "tollgate.yaml")
	text := strings.ReplaceAll(keySetConfiguration, "SITE", site.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const keySetConfiguration = `version: 1
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{jwks: "SITE/keys?canary=query", issuer: "https://issuer.example/"}]
    claims: {audiences: [orders]}
    policies: {default: [reader]}
policies:
  - {id: reader, access: {orders: {allow: all}}}
`

// askKeys runs keys jwks.
func askKeys(t *testing.T, env map[string]string, args ...string) (status int, out string) {
	t.Helper()
	var text bytes.Buffer
	terminal := &terminal{out: &text, err: &text, now: time.Now, getenv: func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}}
	status = run(t.Context(), terminal, append([]string{"keys", "jwks"}, args...))
	return status, text.String()
}

// serving is an engine that decides by the file.
func serving(t *testing.T, path string) *authz.Engine {
	t.Helper()
	engine := authz.New(authz.Options{})
	t.Cleanup(engine.Close)
	loader := &config.Loader{Path: path, Env: func(string) (string, bool) { return "", false }, Check: engine.Check}
	loaded, problems := loader.Load(t.Context())
	if config.Broken(problems) {
		t.Fatal(problems)
	}
	snapshot, _ := engine.Compile(context.WithoutCancel(t.Context()), loaded.Spec)
	engine.Swap(snapshot)
	return engine
}

func TestKeysJWKSOffline(t *testing.T) {
	path := keySetFile(t)
	status, out := askKeys(t, nil, "--offline", "--config", path)
	if status != exitOK || !strings.Contains(out, "(issuer https://issuer.example/), for orders") || !strings.Contains(out, "kid k1 (P-256, ES256)\n") || !strings.Contains(out, `kid enc unusable: use is "enc"`) {
		t.Errorf("status %d\n%s", status, out)
	}
	if strings.Contains(out, "canary") {
		t.Error("the query of the URL is shown")
	}
	status, out = askKeys(t, nil, "--offline", "--config", path, "-o", "json")
	if status != exitOK || !strings.Contains(strings.ReplaceAll(out, `:  "`, `: "`), `"kid": "k1"`) {
		t.Errorf("status %d\n%s", status, out)
	}
}

func TestKeysJWKSOfAnAdminListener(t *testing.T) {
	auth, err := admin.NewAuth([]admin.Token{{Name: "ops", Secret: []byte(adminSecret), Role: admin.Read}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	server, err := admin.New(admin.Parts{Engine: serving(t, keySetFile(t))}, auth)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	site := httptest.NewServer(server)
	t.Cleanup(site.Close)
	secret := map[string]string{"TOLLGATE_ADMIN_SECRET": adminSecret, "TOLLGATE_SERVER": site.URL}
	if status, out := askKeys(t, secret); status != exitOK || !strings.Contains(out, "kid k1 (P-256, ES256)\n") || !strings.Contains(out, "unusable: ") {
		t.Errorf("status %d\n%s", status, out)
	}
	status, out := askKeys(t, map[string]string{"TOLLGATE_ADMIN_SECRET": "another" + adminSecret}, "--server", site.URL)
	if status != exitFail || !strings.Contains(out, "TOLLGATE_ADMIN_SECRET must be") || strings.Contains(out, adminSecret) {
		t.Errorf("a wrong secret: status %d\n%s", status, out)
	}
}

func TestKeysJWKSOfAMetricsListener(t *testing.T) {
	o, err := obs.New(obs.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	rows := []obs.Condition{{Name: "configuration", OK: true}, {Name: "keys of orders", OK: true, Detail: "jwks x; kid k1"}}
	site := httptest.NewServer(o.Handler(func() []obs.Condition { return rows }))
	t.Cleanup(site.Close)
	if status, out := askKeys(t, nil, "--server", site.URL); status != exitOK || out != "keys of orders: jwks x\n  kid k1\n" {
		t.Errorf("status %d\n%s", status, out)
	}
	if status, out := askKeys(t, nil, "--server", site.URL, "-o", "json"); status != exitUsage || !strings.Contains(out, "no admin listener") {
		t.Errorf("json: status %d\n%s", status, out)
	}
	rows = append(rows, obs.Condition{Name: "keys of shop", Advisory: true, Detail: "jwks y, never fetched"})
	if status, out := askKeys(t, nil, "--server", site.URL); status != exitFail || !strings.Contains(out, "keys of shop: jwks y, never fetched\n") {
		t.Errorf("a set without keys: status %d\n%s", status, out)
	}
}

func TestKeysJWKSAskedWrongly(t *testing.T) {
	secret := map[string]string{"TOLLGATE_ADMIN_SECRET": adminSecret}
	for _, args := range [][]string{
		{},
		{"--server", "ftp://127.0.0.1"},
		{"--server", "http://u:p@127.0.0.1"},
		{"--server", "http://gate.example:9193"},
		{"--offline", "--config", "absent.yaml"},
		{"--offline", "-o", "xml"},
		{"more"},
	} {
		if status, out := askKeys(t, secret, args...); status != exitUsage || strings.Contains(out, adminSecret) {
			t.Errorf("%v: status %d\n%s", args, status, out)
		}
	}
}
