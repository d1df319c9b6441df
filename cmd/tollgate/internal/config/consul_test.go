package config

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// stubConsul replays the documented answers of Consul's KV endpoint: a list with
// one entry whose value is base64, 404 without a body for an unknown key, 403
// for a token that may not read it.
func stubConsul(t *testing.T, token string) http.Handler {
	t.Helper()
	answers := map[string]string{
		"/v1/kv/app/orders/hmac": `[{"LockIndex":0,"Key":"app/orders/hmac","Flags":0,"Value":"b2YgY29uc3Vs","CreateIndex":100,"ModifyIndex":200}]`,
		"/v1/kv/empty":           `[{"LockIndex":0,"Key":"empty","Flags":0,"Value":null,"CreateIndex":100,"ModifyIndex":200}]`,
		"/v1/kv/odd":             `not JSON`,
		"/v1/kv/two words":       `[{"LockIndex":0,"Key":"two words","Flags":0,"Value":"b2s=","CreateIndex":1,"ModifyIndex":1}]`,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Consul-Token") != token {
			http.Error(w, `Permission denied: token with AccessorID '00000000' lacks permission 'key:read'`, http.StatusForbidden)
			return
		}
		answer, ok := answers[r.URL.Path]
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
		case r.URL.Query().Get("ns") == "elsewhere":
			w.WriteHeader(http.StatusNotFound)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(answer))
		}
	})
}

func TestConsul(t *testing.T) {
	server := httptest.NewServer(stubConsul(t, "token-of-the-test"))
	defer server.Close()
	file := filepath.Join(t.TempDir(), "token")
	must(t, os.WriteFile(file, []byte("token-of-the-test\n"), 0o600))
	address := "CONSUL_HTTP_ADDR=" + server.URL
	good := "CONSUL_HTTP_TOKEN=token-of-the-test"
	for _, c := range []struct {
		name, key   string
		env         func(string) (string, bool)
		want, fault string
	}{
		{"value", "app/orders/hmac", env(address, good), "of consul", ""},
		{"leading slash", "/app/orders/hmac", env(address, good), "of consul", ""},
		{"host:port", "app/orders/hmac", env(strings.Replace(address, "http://", "", 1), good), "of consul", ""},
		{"token file", "app/orders/hmac", env(address, "CONSUL_HTTP_TOKEN_FILE="+file), "of consul", ""},
		{"blank", "two words", env(address, good), "ok", ""},
		{"empty", "empty", env(address, good), "", ""},
		{"unknown key", "nothing", env(address, good), "", "does not exist"},
		{"other namespace", "app/orders/hmac", env(address, good, "CONSUL_NAMESPACE=elsewhere"), "", "does not exist"},
		{"wrong token", "app/orders/hmac", env(address, "CONSUL_HTTP_TOKEN=wrong-token"), "", "refused"},
		{"no token file", "app/orders/hmac", env(address, "CONSUL_HTTP_TOKEN_FILE=/nowhere"), "", "CONSUL_HTTP_TOKEN_FILE"},
		{"odd answer", "odd", env(address, good), "", "cannot be read"},
		{"no key", "", env(address, good), "", "names no key"},
		{"nobody there", "a", env("CONSUL_HTTP_ADDR=127.0.0.1:1"), "", "cannot be asked for"},
		{"no TLS there", "a", env(strings.Replace(address, "http://", "", 1), good, "CONSUL_HTTP_SSL=true"), "", "cannot be asked for"},
		{"not verified", "a", env(address, "CONSUL_HTTP_SSL_VERIFY=false"), "", "verified"},
		{"no URL", "a", env("CONSUL_HTTP_ADDR=ftp://x"), "", "no http or https"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := values{env: c.env, now: time.Now}
			got, err := v.fromConsul(t.Context(), c.key)
			if string(got) != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%q, %v; want %q, %q", got, err, c.want, c.fault)
			}
			if err != nil && strings.Contains(err.Error(), "wrong-token") {
				t.Errorf("the error shows a token: %v", err)
			}
		})
	}
}

// TestConsulOnSocketAndTLS: the other two ways to reach it.
func TestConsulOnSocketAndTLS(t *testing.T) {
	secure := httptest.NewTLSServer(stubConsul(t, ""))
	defer secure.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pemOf(secure.Certificate().Raw), 0o600))
	socket := filepath.Join(t.TempDir(), "consul.sock")
	var c net.ListenConfig
	l, err := c.Listen(t.Context(), "unix", socket)
	must(t, err)
	local := &http.Server{Handler: stubConsul(t, ""), ReadHeaderTimeout: time.Second}
	go func() { _ = local.Serve(l) }()
	defer local.Close()
	for _, v := range []*values{
		{env: env("CONSUL_HTTP_ADDR="+secure.URL, "CONSUL_CACERT="+ca), now: time.Now},
		{env: env("CONSUL_HTTP_ADDR=unix://" + socket), now: time.Now},
	} {
		if got, err := v.fromConsul(t.Context(), "app/orders/hmac"); err != nil || string(got) != "of consul" {
			t.Errorf("%q, %v", got, err)
		}
	}
}

// TestRedirects: one is followed, and never away from TLS; the token goes along.
func TestRedirects(t *testing.T) {
	leader := httptest.NewServer(stubConsul(t, "token-of-the-test"))
	defer leader.Close()
	to := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, leader.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}
	standby := httptest.NewServer(http.HandlerFunc(to))
	defer standby.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(to))
	defer secure.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	must(t, os.WriteFile(ca, pemOf(secure.Certificate().Raw), 0o600))

	v := values{env: env("CONSUL_HTTP_ADDR="+standby.URL, "CONSUL_HTTP_TOKEN=token-of-the-test"), now: time.Now}
	if got, err := v.fromConsul(t.Context(), "app/orders/hmac"); err != nil || string(got) != "of consul" {
		t.Errorf("%q, %v", got, err)
	}
	v = values{env: env("CONSUL_HTTP_ADDR="+secure.URL, "CONSUL_CACERT="+ca, "CONSUL_HTTP_TOKEN=token-of-the-test"), now: time.Now}
	if _, err := v.fromConsul(t.Context(), "app/orders/hmac"); err == nil || !strings.Contains(err.Error(), "away from TLS") {
		t.Errorf("the error is %v", err)
	}
}

// TestDeadline: what is not resolved in time is unresolved.
func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		never := func(ctx context.Context, _ string) ([]byte, error) {
			<-ctx.Done()
			return nil, transient{unreachable(ctx.Err())}
		}
		begin := time.Now()
		refs := []*reference{{scheme: schemeVault, target: "a", written: "vault://a#b"}, {scheme: schemeVault, target: "c", written: "vault://c#d"}}
		problems := resolveAll(t.Context(), refs, map[scheme]resolver{schemeVault: never})
		if len(problems) != 2 || problems[0].What != "vault://a#b cannot be read in time" || !problems[0].retry {
			t.Errorf("the problems are\n%s", lines(problems))
		}
		if took := time.Since(begin); took != 10*time.Second {
			t.Errorf("given up after %v", took)
		}
	})
}

// TestResolveInParallel: references wait together, and equal ones are asked for
// once.
func TestResolveInParallel(t *testing.T) {
	arrived, release := make(chan string, 8), make(chan struct{})
	slow := func(ctx context.Context, target string) ([]byte, error) {
		arrived <- target
		select {
		case <-release:
			return []byte("value of " + target), nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	var refs []*reference
	for _, target := range []string{"a", "b", "a", "c"} {
		refs = append(refs, &reference{scheme: schemeEnv, target: target})
	}
	done := make(chan []Problem)
	go func() { done <- resolveAll(t.Context(), refs, map[scheme]resolver{schemeEnv: slow}) }()
	seen := map[string]bool{}
	for range 3 { // all wait at once, or this waits for ever
		seen[<-arrived] = true
	}
	close(release)
	if problems := <-done; len(problems) > 0 || len(seen) != 3 || len(arrived) > 0 {
		t.Errorf("%v, %v, %d more", problems, seen, len(arrived))
	}
	for _, r := range refs {
		if string(r.value) != "value of "+r.target {
			t.Errorf("%s is %q", r.target, r.value)
		}
	}
}
