package e2e

import (
	"context"
	"errors"
	"net/url"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

// providerConfiguration finds the keys of one provider in both ways: orders by
// the address of its key set, shop by discovery.
const providerConfiguration = `
version: 1
listen: {check: "127.0.0.1:0", metrics: "127.0.0.1:0"}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{jwks: "JWKS", issuer: "ISSUER", cooldown: 1s}]
    claims: {audiences: [orders]}
    policies: {claims: [pol]}
  - id: shop
    match: [{host: "*", path: /shop}]
    keys: [{discover: "ISSUER", cooldown: 1s}]
    claims: {audiences: [orders]}
    policies: {claims: [pol]}
policies:
  - {id: reader, access: {orders: {allow: all}, shop: {allow: all}}}
`

// doors is a world whose paths are opened by one provider's tokens.
type doors struct {
	*world
	paths []string
}

// behind puts a gate with the given configuration, and Envoy, before an upstream.
func behind(t *testing.T, configuration string, paths ...string) *doors {
	t.Helper()
	w := &world{dir: t.TempDir(), upstream: newRecorder(t)}
	w.gate = startGate(t, w.write(t, "tollgate.yaml", configuration))
	w.startFront(t, envoyconfig.Edge, w.gate.address)
	return &doors{world: w, paths: paths}
}

// bothWays is providerConfiguration for the provider of b.
func bothWays(b *browser) string {
	return strings.NewReplacer("JWKS", b.endpoint.JWKS, "ISSUER", b.endpoint.Issuer).Replace(providerConfiguration)
}

// passes: the token opens every door for subject.
func (w *doors) passes(t *testing.T, subject, token string) {
	t.Helper()
	for _, path := range w.paths {
		got := send(t, w.address, "GET "+path, "authorization: Bearer "+token)
		if got.status != 200 {
			t.Fatalf("%s of %s: status %d %s", path, subject, got.status, got.reason())
		}
		if up := w.upstream.one(t); up.Header.Get("x-tollgate-subject") != subject || up.Header.Get("x-tollgate-policies") != "reader" {
			t.Errorf("%s: the upstream was told %v, expected %s", path, identity(up), subject)
		}
	}
}

// refused: every door refuses the token, and the log has the exact reason.
func (w *doors) refused(t *testing.T, token string, reason authz.Reason) {
	t.Helper()
	for _, path := range w.paths {
		got := send(t, w.address, "GET "+path, "authorization: Bearer "+token)
		if got.status != 401 {
			t.Fatalf("%s: status %d, expected 401 for %s", path, got.status, reason)
		}
		id := got.denial(t).Decision
		w.gate.await(t, id)
		for line := range strings.Lines(w.gate.Output()) {
			if strings.Contains(line, id) && !strings.Contains(line, string(reason)) {
				t.Errorf("%s: the log says %q, expected %s", path, line, reason)
			}
		}
	}
	w.upstream.none(t)
}

// altered changes one character of a signature.
func altered(token string) string {
	at := strings.LastIndexByte(token, '.') + 10
	swapped := byte('A')
	if token[at] == swapped {
		swapped = 'B'
	}
	return token[:at] + string(swapped) + token[at+1:]
}

// foreign signs what the provider would, with a key of somebody else.
func foreign(t *testing.T, b *browser, kid string) string {
	t.Helper()
	key, err := tokens.Generate("ES256", kid)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{key: key}
	return w.token(t, "mallory", map[string]any{"iss": b.endpoint.Issuer, "pol": "reader"})
}

// TestTokensOfOIDCProvider: an application and a person get in with what a real
// OpenID provider gives them, whatever signed it.
func TestTokensOfOIDCProvider(t *testing.T) {
	b := newBrowser(t, startProvider(t, "oidc-provider.mjs").issuer)
	b.user = url.Values{"login": {"ada"}, "password": {"anything"}}
	w := behind(t, bothWays(b), "/orders/7", "/shop/7")
	for _, alg := range []string{"RS256", "ES256"} {
		token := b.credentials(t, url.Values{"resource": {"https://orders.example/" + alg}, "scope": {"orders:read"}})
		if header, err := authz.Inspect(token); err != nil || !strings.Contains(string(header.Header), alg) {
			t.Fatalf("no token signed with %s", alg)
		}
		w.passes(t, "shop", token)
	}
	person := b.code(t)
	w.passes(t, "ada", person)
	w.refused(t, altered(person), authz.SignatureInvalid)
	w.refused(t, foreign(t, b, "of-nobody"), authz.KeyUnknown)
}

// TestRotationOfAProvider: a new key counts without a restart, the old one goes on
// to, and both while the provider is away.
func TestRotationOfAProvider(t *testing.T) {
	p := startProvider(t, "oauth2-mock-server.mjs")
	b := newBrowser(t, p.issuer)
	w := behind(t, bothWays(b), "/orders/7", "/shop/7")
	old := b.credentials(t, nil)
	w.passes(t, "shop", old)
	w.passes(t, "ada", b.code(t))

	if err := p.Signal(syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	p.line(t, "rotated mock-2")
	next := b.signedBy(t, "mock-2")
	for _, path := range w.paths { // refused for as long as a cool-down lasts
		for d := newDeadline(t); send(t, w.address, "GET "+path, "authorization: Bearer "+next).status != 200; {
			d.wait("the new key")
		}
	}
	w.upstream.take()
	w.passes(t, "shop", next)
	w.passes(t, "shop", old)

	code, shown := w.keySets(t)
	if code != 0 || !strings.Contains(shown, "kid mock-1 (RSA 2048, RS256)") || !strings.Contains(shown, "kid mock-2 (P-256, ES256)") || strings.Contains(shown, "last fetch") {
		t.Errorf("keys jwks: status %d\n%s", code, shown)
	}

	end(p.Process)
	w.passes(t, "shop", next)
	w.passes(t, "shop", old)
	w.refused(t, foreign(t, b, "mock-3"), authz.KeyUnknown)
	w.passes(t, "shop", next)
	for d := newDeadline(t); strings.Count(shown, "last fetch: ") < 2; d.wait("the outage in keys jwks") {
		send(t, w.address, "GET /orders/7", "authorization: Bearer "+foreign(t, b, "mock-3"))
		send(t, w.address, "GET /shop/7", "authorization: Bearer "+foreign(t, b, "mock-3"))
		code, shown = w.keySets(t)
	}
	if code != 0 || !strings.Contains(shown, "kid mock-2") {
		t.Errorf("keys jwks during an outage: status %d\n%s", code, shown)
	}
}

// keySets runs `tollgate keys jwks` on the metrics listener of the gate.
func (w *doors) keySets(t *testing.T) (status int, out string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	line, err := w.gate.AwaitLine(ctx, "listening metrics ")
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(ctx, tollgate(t), "keys", "jwks", "--server", strings.TrimPrefix(line, "listening metrics "))
	text, err := command.CombinedOutput()
	if _, failed := errors.AsType[*exec.ExitError](err); err != nil && !failed {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), string(text)
}

// signedBy asks for tokens until one is signed by the key with this kid.
func (b *browser) signedBy(t *testing.T, kid string) string {
	t.Helper()
	for range 10 {
		token := b.credentials(t, nil)
		if header, err := authz.Inspect(token); err == nil && strings.Contains(string(header.Header), `"`+kid+`"`) {
			return token
		}
	}
	t.Fatalf("no token signed by %s", kid)
	return ""
}
