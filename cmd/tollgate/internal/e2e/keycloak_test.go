//go:build keycloak

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
)

const (
	keycloakExample  = "../../../../docs/examples/keycloak"
	keycloakHome     = "../../../../.tools/keycloak"
	keycloakPatience = 10 * time.Minute
)

// TestKeycloak: the quick start's realm and file, on a real Keycloak. What it
// issues and publishes is kept as case files, what was run in docs/evidence.
func TestKeycloak(t *testing.T) {
	started := time.Now()
	p := startKeycloak(t)
	took := time.Since(started)
	b := newBrowser(t, p.issuer)
	b.secret, b.user = "change-me-shop-secret", url.Values{"username": {"ada"}, "password": {"change-me-ada"}}

	text, err := os.ReadFile(filepath.Join(keycloakExample, "tollgate.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	w := behind(t, strings.NewReplacer(
		"https://keycloak.example/realms/tollgate", p.issuer, "127.0.0.1:9191", "127.0.0.1:0", "127.0.0.1:9192", "127.0.0.1:0",
	).Replace(string(text)), "/orders/7")

	var kept recordings
	application := b.credentials(t, nil)
	w.passes(t, subjectOf(t, application), application)
	kept.add("client_credentials", application, "allow")
	person := b.code(t)
	w.passes(t, subjectOf(t, person), person)
	kept.add("authorization_code", person, "allow")
	w.refused(t, altered(person), authz.SignatureInvalid)
	w.refused(t, foreign(t, b, "of-nobody"), authz.KeyUnknown)
	b.id, b.secret = "elsewhere", "change-me-elsewhere-secret"
	other := b.credentials(t, nil)
	w.refused(t, other, authz.AudienceRefused)
	kept.add("a client without the audience mapper", other, "deny, reason: audience_refused")

	_, _, keys := b.do(t, http.MethodGet, b.endpoint.JWKS, nil)
	if !strings.Contains(keys, `"use":"enc"`) {
		t.Error("the key set has no key for encryption: it should be there, and left alone")
	}
	if t.Failed() {
		return
	}
	kept.write(t, p.issuer, keys)
	writeEvidence(t, took, keys)
}

// startKeycloak starts Keycloak on loopback with the realm of the quick start and
// a database in memory.
func startKeycloak(t *testing.T) *provider {
	t.Helper()
	home, err := filepath.Abs(keycloakHome)
	if err != nil {
		t.Fatal(err)
	}
	realm, err := os.ReadFile(filepath.Join(keycloakExample, "realm.json"))
	if err != nil {
		t.Fatal(err)
	}
	imports := filepath.Join(home, "data", "import")
	if err := os.MkdirAll(imports, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(imports, "realm.json"), realm, 0o600); err != nil {
		t.Fatal(err)
	}
	_, port, _ := strings.Cut(fixedAddress(t), ":")
	process, err := demo.Start(demo.Command{
		Path: filepath.Join(home, "bin", "kc.sh"), Dir: home, Env: []string{"JAVA_OPTS_KC_HEAP=-Xms64m -Xmx512m"},
		Args: []string{"start-dev", "--db=dev-mem", "--http-host=127.0.0.1", "--http-port=" + port, "--import-realm"},
	})
	if err != nil {
		t.Fatalf("%v: run .ci/fetch keycloak", err)
	}
	t.Cleanup(func() { end(process) })
	ctx, cancel := context.WithTimeout(t.Context(), keycloakPatience)
	defer cancel()
	if err := process.Await(ctx, "start of Keycloak", func() bool { return strings.Contains(process.Output(), "Listening on:") }); err != nil {
		t.Fatal(err)
	}
	return &provider{Process: process, issuer: "http://127.0.0.1:" + port + "/realms/tollgate"}
}

// claimsOf reads what a token says.
func claimsOf(t *testing.T, token string) (claims struct {
	Sub string `json:"sub"`
	Iat int64  `json:"iat"`
},
) {
	t.Helper()
	inspection, err := authz.Inspect(token)
	if err == nil {
		err = json.Unmarshal(inspection.Claims, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

func subjectOf(t *testing.T, token string) string {
	t.Helper()
	return claimsOf(t, token).Sub
}

// recordings are tokens of a realm that is gone when the test is.
type recordings struct {
	cases strings.Builder
	last  string
}

func (r *recordings) add(name, token, decision string) {
	r.last = token
	fmt.Fprintf(&r.cases, "  - name: %s\n    token: {text: %s}\n    expect: {decision: %s}\n", name, token, decision)
}

// write keeps the key set and the tokens beside the quick start.
func (r *recordings) write(t *testing.T, issuer, keys string) {
	t.Helper()
	at := time.Unix(claimsOf(t, r.last).Iat, 0).UTC()
	text := strings.NewReplacer("ISSUER", issuer, "TIME", at.Format(time.RFC3339), "CASES\n", r.cases.String()).Replace(recordedCase)
	for name, content := range map[string]string{"recorded.case.yaml": text, "recorded.jwks.json": keys + "\n"} {
		if err := os.WriteFile(filepath.Join(keycloakExample, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

const recordedCase = `# yaml-language-server: $schema=../../cases.schema.json
# Written by make test-keycloak: what a real Keycloak issued and published. Its
# realm was thrown away with its keys.
about: Recorded tokens of a Keycloak.
time: TIME
config:
  version: 1
  apis:
    - id: orders
      match: [{host: "*", path: /orders}]
      keys: [{jwk: file://recorded.jwks.json, issuer: "ISSUER"}]
      claims: {audiences: [orders]}
      policies: {claims: [pol]}
  policies:
    - {id: reader, access: {orders: {allow: all}}}
request: {url: http://api.example.com/orders/7}
cases:
CASES
`

// writeEvidence writes down what ran.
func writeEvidence(t *testing.T, start time.Duration, keys string) {
	t.Helper()
	ask := func(path string, arguments ...string) string {
		out, err := exec.CommandContext(t.Context(), path, arguments...).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
		if _, version, found := strings.Cut(first, "version: "); found { // Envoy says its path, too
			return version
		}
		return first
	}
	version, err := os.ReadFile(filepath.Join(keycloakHome, "version.txt"))
	if err != nil {
		t.Fatal(err)
	}
	envoy, err := demo.FindEnvoy(os.Getenv("TOLLGATE_ENVOY"))
	if err != nil {
		t.Fatal(err)
	}
	var set struct {
		Keys []struct{ Kty, Alg, Use string }
	}
	if err := json.Unmarshal([]byte(keys), &set); err != nil {
		t.Fatal(err)
	}
	now := time.Now().UTC()
	text := fmt.Sprintf(`# Keycloak, %s

Written by make test-keycloak.

| part | version |
|---|---|
| Keycloak | %s |
| Java | %s |
| Envoy | %s |
| tollgate | commit %s |

Keycloak was ready %s after its start (dev mode, -Xmx512m). Its key set: %v, of which the key for
encryption must be left alone.

| token | through Envoy |
|---|---|
| client_credentials of a client with both mappers | 200, its sub and policy reach the upstream |
| authorization_code of a person who logged in | 200, likewise |
| the same with one character of the signature changed | 401 signature_invalid |
| signed by somebody else with an unknown kid | 401 key_unknown |
| client_credentials of a client without the audience mapper | 401 audience_refused |

The key set and the three tokens of Keycloak are kept in docs/examples/keycloak/recorded.* and decided
in make test.
`, now.Format(time.RFC3339), strings.TrimSpace(string(version)), ask("java", "-version"), ask(envoy, "--version"),
		ask("git", "rev-parse", "--short", "HEAD"), start.Round(time.Second), set.Keys)
	path := filepath.Join("../../../../docs/evidence", now.Format(time.DateOnly)+"-keycloak.md")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
