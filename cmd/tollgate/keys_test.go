package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/service"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

const (
	keysSecret = "the-admin-secret-of-the-test-0123456789"
	keysFile   = `
version: 1
listen: {check: "127.0.0.1:0", admin: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
store: "file:data"
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{credentials: true}]
    algorithms: [HS256]
    claims: {insecure_any_audience: true}
policies:
  - {id: basic, rate: {requests: 5, per: 1m}, access: {orders: {allow: [{methods: [GET], path: "/orders/**"}]}}}
`
)

// shell runs commands against one folder.
type shell struct {
	dir  string
	more []string // flags of every command
	in   string   // standard input of every command
	env  map[string]string
}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{dir: t.TempDir(), env: map[string]string{
		"TOLLGATE_ADMIN_SECRET": keysSecret, "HOLDER": "a-secret-of-the-holder-0123456789-abcdef",
	}}
	if err := os.WriteFile(s.config(), []byte(keysFile), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *shell) config() string { return filepath.Join(s.dir, "tollgate.yaml") }

func (s *shell) getenv(name string) (string, bool) {
	value, ok := s.env[name]
	return value, ok
}

// runs runs a command and gives its exit status and everything that it printed.
func (s *shell) runs(t *testing.T, args ...string) (int, string) {
	t.Helper()
	var out bytes.Buffer
	term := &terminal{in: strings.NewReader(s.in), out: &out, err: &out, getenv: s.getenv, now: time.Now}
	code := run(t.Context(), term, append(args, s.more...))
	return code, out.String()
}

func (s *shell) expect(t *testing.T, code int, text string, args ...string) string {
	t.Helper()
	got, out := s.runs(t, args...)
	if got != code || !strings.Contains(out, text) {
		t.Errorf("tollgate %s: exit %d, not %d, or no %q in\n%s", strings.Join(args, " "), got, code, text, out)
	}
	if strings.Contains(out, keysSecret) || strings.Contains(out, s.env["HOLDER"]) {
		t.Error("a secret is printed")
	}
	return out
}

// serve runs a service on the folder and gives the address of its admin listener.
func (s *shell) serve(t *testing.T) string {
	t.Helper()
	gate, problems, err := service.Open(t.Context(), service.Options{
		Loader: &config.Loader{Path: s.config(), Env: s.getenv, Now: time.Now}, Log: io.Discard,
	})
	if err != nil {
		t.Fatal(err, problems)
	}
	serveUntilEnd(t, gate)
	for _, bound := range gate.Bound() {
		if bound.Name == "admin" {
			return "http://" + bound.Address
		}
	}
	t.Fatal("no admin listener")
	return ""
}

// serveUntilEnd serves until the test ends, and returns when it is ready.
func serveUntilEnd(t *testing.T, gate *service.Service) {
	t.Helper()
	ctx, end := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- gate.Serve(ctx, func() { close(ready) }) }()
	t.Cleanup(func() {
		end()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("it ended before it was ready: %v", err)
	}
}

func TestKeysOverTheAdminAPI(t *testing.T) {
	s := newShell(t)
	s.env["TOLLGATE_SERVER"] = s.serve(t)
	lookAfterKeys(t, s)

	key, err := tokens.FromSecret("HS256", "partner-8", []byte(s.env["HOLDER"]))
	if err != nil {
		t.Fatal(err)
	}
	token, err := key.Sign(nil, map[string]any{"exp": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		t.Fatal(err)
	}
	s.expect(t, exitOK, `"id"`, "keys", "create", "--id", "partner-8", "--policy", "basic", "--secret", "env://HOLDER", "-o", "json")
	asked := []string{"check", "--url", "http://api.example/orders/7", "-H", "authorization: Bearer " + token}
	s.expect(t, exitOK, "allow", asked...)
	s.expect(t, exitFail, "access_refused", append(asked, "-X", "DELETE")...)
	s.expect(t, exitFail, "step", append(asked, "-X", "DELETE", "--explain")...)
	s.expect(t, exitFail, "", "usage", "get", "partner-8") // checks charge nothing
	s.expect(t, exitOK, "reset", "usage", "reset", "partner-8")

	s.env["TOLLGATE_ADMIN_SECRET"] = "another-secret-that-the-service-lacks-01"
	s.expect(t, exitFail, "is none of its admin secrets", "keys", "list")
	delete(s.env, "TOLLGATE_ADMIN_SECRET")
	s.expect(t, exitUsage, "TOLLGATE_ADMIN_SECRET is not set", "keys", "list")
	s.env["TOLLGATE_ADMIN_SECRET"] = keysSecret

	// The store is held: the command says so, and what to do.
	delete(s.env, "TOLLGATE_SERVER")
	s.expect(t, exitUsage, "--server", "keys", "list", "--offline", "-c", s.config())
}

func TestKeysOffline(t *testing.T) {
	s := newShell(t)
	s.more = []string{"--offline", "-c", s.config()}
	lookAfterKeys(t, s)
	s.more = nil
	s.expect(t, exitUsage, "whose?", "keys", "list")
	s.expect(t, exitUsage, "give one of them", "keys", "list", "--offline", "--server", "http://127.0.0.1:1")
	// A flag outdoes the environment, also where it says otherwise.
	s.env["TOLLGATE_SERVER"] = "http://127.0.0.1:1"
	s.expect(t, exitOK, "", "keys", "list", "--offline", "-c", s.config())
	s.env["TOLLGATE_OFFLINE"] = "true"
	s.expect(t, exitUsage, "give one of them", "keys", "list")
	delete(s.env, "TOLLGATE_SERVER")
	s.expect(t, exitFail, "127.0.0.1:1", "keys", "list", "--server", "http://127.0.0.1:1")
}

// lookAfterKeys is what both ways can do.
func lookAfterKeys(t *testing.T, s *shell) {
	t.Helper()
	pem := filepath.Join(s.dir, "holder.pem")
	key, err := tokens.Generate("ES256", "x")
	if err != nil {
		t.Fatal(err)
	}
	public, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(pem, public, 0o600); err != nil {
		t.Fatal(err)
	}
	s.expect(t, exitOK, "shown only now", "keys", "create", "--id", "partner-7", "--policy", "basic", "--alias", "Partner", "--meta", "plan=a")
	s.expect(t, exitFail, "exists", "keys", "create", "--id", "partner-7", "--policy", "basic")
	s.expect(t, exitFail, "no policy", "keys", "create", "--policy", "nope")
	s.expect(t, exitUsage, "wants a reference", "keys", "create", "--policy", "basic", "--secret", "literal")
	s.expect(t, exitUsage, "give one of them", "keys", "create", "--policy", "basic", "--secret", "env://HOLDER", "--public-key", pem)
	s.expect(t, exitOK, "public_key", "keys", "create", "--id", "a/b {c}", "--policy", "basic", "--public-key", pem)
	s.expect(t, exitOK, `"a/b {c}"`, "keys", "get", "a/b {c}")
	s.expect(t, exitOK, `"partner-7"`, "keys", "list")
	s.expect(t, exitOK, "inactive", "keys", "update", "partner-7", "--inactive")
	s.expect(t, exitOK, "Partner", "keys", "update", "partner-7", "--inactive=false", "--expires", "2100-01-01T00:00:00Z")
	if out := s.expect(t, exitOK, "2100-01-01", "keys", "get", "partner-7"); !strings.Contains(out, "active") {
		t.Error(out)
	}
	s.expect(t, exitOK, "until", "keys", "rotate", "partner-7", "--overlap", "1h", "--secret", "env://HOLDER")
	s.expect(t, exitUsage, "", "keys", "get")
	s.expect(t, exitOK, "deleted", "keys", "delete", "partner-7", "a/b {c}")
	s.expect(t, exitFail, "no key has this id", "keys", "delete", "partner-7")
	s.expect(t, exitFail, "no key has this id", "keys", "get", "partner-7")
}
