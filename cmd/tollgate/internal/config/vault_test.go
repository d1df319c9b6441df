package config

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bao is a real OpenBao server, which speaks Vault's HTTP API.
type bao struct {
	t       *testing.T
	address string
	token   string
}

// baoBinary finds the server: $TOLLGATE_BAO, .tools/openbao/bao, or on PATH.
func baoBinary(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("TOLLGATE_BAO"); path != "" {
		return path
	}
	local, err := filepath.Abs("../../../../.tools/openbao/bao")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(local); err == nil {
		return local
	}
	path, err := exec.LookPath("bao")
	if err != nil {
		t.Fatal("there is no OpenBao: run .ci/fetch openbao, or set TOLLGATE_BAO")
	}
	return path
}

// startBao starts a server in memory that is gone after the test.
func startBao(t *testing.T) *bao {
	t.Helper()
	port := freePort(t)
	const token = "root-of-the-test"
	cmd := exec.CommandContext(t.Context(), baoBinary(t), "server", "-dev", "-dev-no-store-token",
		"-dev-root-token-id="+token, "-dev-listen-address="+port)
	cmd.Env = []string{"HOME=" + t.TempDir(), "PATH=" + os.Getenv("PATH")}
	out, err := cmd.StdoutPipe()
	must(t, err)
	cmd.Stderr = cmd.Stdout
	must(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-t.Context().Done():
				return
			}
		}
	}()
	deadline := time.NewTimer(time.Minute)
	defer deadline.Stop()
	for ready := false; !ready; {
		select {
		case line, ok := <-lines:
			if !ok {
				t.Fatal("OpenBao ended before it was ready")
			}
			ready = strings.Contains(line, "Development mode should NOT be used")
		case <-deadline.C:
			t.Fatal("OpenBao is not ready after a minute")
		}
	}
	go func() { // so that it can go on writing
		for range lines {
			continue
		}
	}()
	return &bao{t: t, address: "http://" + port, token: token}
}

func freePort(t *testing.T) string {
	t.Helper()
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// do asks the server as root and gives the answer.
func (b *bao) do(method, path string, body any) map[string]any {
	b.t.Helper()
	encoded, err := json.Marshal(body)
	must(b.t, err)
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.address+"/v1/"+path, bytes.NewReader(encoded))
	must(b.t, err)
	req.Header.Set("X-Vault-Token", b.token)
	answer, err := http.DefaultClient.Do(req)
	must(b.t, err)
	defer answer.Body.Close()
	if answer.StatusCode >= http.StatusMultipleChoices {
		b.t.Fatalf("%s %s: %s", method, path, answer.Status)
	}
	var out map[string]any
	_ = json.NewDecoder(answer.Body).Decode(&out) // 204 has no body
	return out
}

// text follows keys through an answer.
func (b *bao) text(answer map[string]any, keys ...string) string {
	b.t.Helper()
	var v any = answer
	for _, k := range keys {
		object, ok := v.(map[string]any)
		if !ok {
			b.t.Fatalf("the answer has no %v", keys)
		}
		v = object[k]
	}
	s, ok := v.(string)
	if !ok {
		b.t.Fatalf("%v is no text", keys)
	}
	return s
}

// env gives variables as a lookup.
func env(pairs ...string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		for _, p := range pairs {
			if key, value, _ := strings.Cut(p, "="); key == name {
				return value, true
			}
		}
		return "", false
	}
}

// TestVault reads secrets of a real server, by token and by AppRole.
func TestVault(t *testing.T) {
	b := startBao(t)
	b.do(http.MethodPost, "secret/data/app/orders", map[string]any{"data": map[string]any{"hmac": "of version two", "count": 42, "list": []int{1}}})
	b.do(http.MethodPost, "sys/mounts/old/kv", map[string]any{"type": "kv", "options": map[string]string{"version": "1"}})
	b.do(http.MethodPost, "old/kv/app", map[string]any{"hmac": "of version one"})
	b.do(http.MethodPut, "sys/policies/acl/reader", map[string]any{"policy": `path "secret/data/app/*" { capabilities = ["read"] }`})
	b.do(http.MethodPost, "sys/auth/approle", map[string]any{"type": "approle"})
	b.do(http.MethodPost, "auth/approle/role/tollgate", map[string]any{"token_policies": "reader", "token_ttl": "1h"})
	role := b.text(b.do(http.MethodGet, "auth/approle/role/tollgate/role-id", nil), "data", "role_id")
	secret := b.text(b.do(http.MethodPost, "auth/approle/role/tollgate/secret-id", map[string]any{}), "data", "secret_id")
	byToken := env("VAULT_ADDR="+b.address, "VAULT_TOKEN="+b.token)
	byRole := env("VAULT_ADDR="+b.address, "VAULT_ROLE_ID="+role, "VAULT_SECRET_ID="+secret)

	for _, c := range []struct {
		name, target string
		env          func(string) (string, bool)
		want, fault  string
	}{
		{"version 2", "secret/app/orders#hmac", byToken, "of version two", ""},
		{"version 2 with data", "secret/data/app/orders#hmac", byToken, "of version two", ""},
		{"version 1", "old/kv/app#hmac", byToken, "of version one", ""},
		{"number", "secret/app/orders#count", byToken, "42", ""},
		{"slashes", "/secret/app/orders/#hmac", byToken, "of version two", ""},
		{"list", "secret/app/orders#list", byToken, "", "no text"},
		{"no such field", "secret/app/orders#nothing", byToken, "", "no such field"},
		{"no such secret", "secret/app/nothing#hmac", byToken, "", "does not exist"},
		{"no field", "secret/app/orders", byToken, "", "must be vault://PATH#FIELD"},
		{"AppRole", "secret/app/orders#hmac", byRole, "of version two", ""},
		{"AppRole elsewhere", "old/kv/app#hmac", byRole, "", "refused"},
		{"wrong token", "secret/app/orders#hmac", env("VAULT_ADDR="+b.address, "VAULT_TOKEN=wrong-token"), "", "refused"},
		{"wrong secret id", "secret/app/orders#hmac", env("VAULT_ADDR="+b.address, "VAULT_ROLE_ID="+role, "VAULT_SECRET_ID=wrong-id"), "", "AppRole"},
		{"no address", "secret/app/orders#hmac", env(), "", "needs VAULT_ADDR"},
		{"no token", "secret/app/orders#hmac", env("VAULT_ADDR=" + b.address), "", "needs VAULT_TOKEN"},
		{"nobody there", "secret/app/orders#hmac", env("VAULT_ADDR=http://127.0.0.1:1", "VAULT_TOKEN=x"), "", "cannot be asked for"},
		{"not verified", "secret/app/orders#hmac", env("VAULT_ADDR="+b.address, "VAULT_TOKEN=x", "VAULT_SKIP_VERIFY=1"), "", "verified"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := values{env: c.env, now: time.Now}
			got, err := v.fromVault(t.Context(), c.target)
			if string(got) != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%q, %v; want %q, %q", got, err, c.want, c.fault)
			}
			if err != nil && (strings.Contains(err.Error(), "wrong-") || strings.Contains(err.Error(), secret)) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
	t.Run("renewal", func(t *testing.T) { renewal(t, b, byRole) })
	t.Run("given token", func(t *testing.T) { givenToken(t, b) })
	t.Run("whole load", func(t *testing.T) { wholeLoad(t, byToken) })
}

// renewal: a token by AppRole is renewed at half of its life, and replaced when
// the server does not know it any more.
func renewal(t *testing.T, b *bao, byRole func(string) (string, bool)) {
	t.Helper()
	now := time.Now()
	v := values{env: byRole, now: func() time.Time { return now }}
	if next, err := v.renew(t.Context()); err != nil || !next.IsZero() {
		t.Fatalf("before the first use: %v, %v", next, err)
	}
	if _, err := v.fromVault(t.Context(), "secret/app/orders#hmac"); err != nil {
		t.Fatal(err)
	}
	first := v.vault.current()
	next, err := v.renew(t.Context())
	if err != nil || next.Sub(now) != 30*time.Minute {
		t.Fatalf("renewal in %v (%v), want half an hour", next.Sub(now), err)
	}
	now = next
	next, err = v.renew(t.Context())
	if err != nil || next.Sub(now) < 29*time.Minute || v.vault.current() != first {
		t.Fatalf("the token is not renewed: next in %v, %v", next.Sub(now), err)
	}
	b.do(http.MethodPost, "auth/token/revoke", map[string]string{"token": first})
	now = next
	if _, err := v.renew(t.Context()); err != nil || v.vault.current() == first {
		t.Fatalf("a revoked token is not replaced when it should be renewed: %v", err)
	}
	second := v.vault.current()
	b.do(http.MethodPost, "auth/token/revoke", map[string]string{"token": second})
	if got, err := v.fromVault(t.Context(), "secret/app/orders#hmac"); err != nil || string(got) != "of version two" {
		t.Fatalf("a revoked token is not replaced when it is used: %v", err)
	}
}

// givenToken: the life of a token that was given is asked for, and renewed.
func givenToken(t *testing.T, b *bao) {
	t.Helper()
	token := b.text(b.do(http.MethodPost, "auth/token/create", map[string]any{"policies": []string{"reader"}, "ttl": "10m"}), "auth", "client_token")
	now := time.Now()
	v := values{env: env("VAULT_ADDR="+b.address, "VAULT_TOKEN="+token), now: func() time.Time { return now }}
	if _, err := v.fromVault(t.Context(), "secret/app/orders#hmac"); err != nil {
		t.Fatal(err)
	}
	next, err := v.renew(t.Context())
	if err != nil || next.Sub(now) < 4*time.Minute || next.Sub(now) > 5*time.Minute {
		t.Fatalf("renewal in %v (%v), want about 5 minutes", next.Sub(now), err)
	}
	now = next
	if after, err := v.renew(t.Context()); err != nil || !after.After(next) {
		t.Fatalf("next renewal at %v (%v), after %v", after, err, next)
	}
	b.do(http.MethodPost, "auth/token/revoke", map[string]string{"token": token})
	now = now.Add(time.Hour)
	if _, err := v.renew(t.Context()); err == nil {
		t.Fatal("a revoked token is renewed")
	}
}

// wholeLoad: a file gets its secret, and what is missing is named by its place.
func wholeLoad(t *testing.T, env func(string) (string, bool)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tollgate.yaml")
	must(t, os.WriteFile(path, []byte(`version: 1
answers: {realm: "vault://secret/app/orders#hmac"}
apis:
  - {id: a, keys: [{secret: "vault://secret/app/orders#hmac"}, {secret: "vault://secret/app/nothing#hmac"}]}
`), 0o600))
	c, problems := (&Loader{Path: path, Env: env}).Load(t.Context())
	if got := c.Answers.Realm.Text(); got != "of version two" {
		t.Errorf("the realm is %q", got)
	}
	want := path + ":4:73: vault://secret/app/nothing#hmac does not exist: check the path, the field and the VAULT_… variables"
	if len(problems) != 1 || problems[0].String() != want {
		t.Errorf("the problems are\n%swant\n\t%s", lines(problems), want)
	}
	if dump := fmt.Sprintf("%v %+v %#v %v", c, c, c.File, c.File); strings.Contains(dump, "of version two") {
		t.Errorf("a printed configuration shows a secret:\n%s", dump)
	}
}

// TestVaultInTime: a server that does not answer keeps no load waiting for ever.
func TestVaultInTime(t *testing.T) {
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close() // it accepts and never answers
	v := values{env: env("VAULT_ADDR=http://"+l.Addr().String(), "VAULT_TOKEN=x"), now: time.Now}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := v.fromVault(ctx, "secret/a#b"); err == nil || !strings.Contains(err.Error(), "in time") {
		t.Errorf("the error is %v", err)
	}
}
