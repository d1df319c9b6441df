package e2e

import (
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

const issuer = "https://issuer.example/"

// world is one Envoy with one gate and one upstream.
type world struct {
	dir      string
	key      *tokens.Key
	upstream *recorder
	gate     *gate
	front    *demo.Front
	address  string // where clients reach Envoy
}

// shapes are the fronts that every question is asked through.
var shapes = []envoyconfig.Shape{envoyconfig.Edge, envoyconfig.Istio}

// inEveryShape runs a test through each front.
func inEveryShape(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, shape := range shapes {
		t.Run(string(shape), func(t *testing.T) { test(t, newWorld(t, shape)) })
	}
}

func newWorld(t *testing.T, shape envoyconfig.Shape) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), upstream: newRecorder(t)}
	w.key = newKey(t, w.dir)
	w.gate = startGate(t, w.write(t, "tollgate.yaml", configuration))
	w.startFront(t, shape, w.gate.address)
	return w
}

// newKey makes a signing key and writes its public half to keys.json.
func newKey(t *testing.T, dir string) *tokens.Key {
	t.Helper()
	key, err := tokens.Generate("ES256", "e2e-1")
	if err != nil {
		t.Fatal(err)
	}
	set, err := tokens.JWKS(key)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "keys.json"), set, 0o600); err != nil {
		t.Fatal(err)
	}
	return key
}

func (w *world) write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(w.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// startFront runs Envoy in the given shape before the gates. It waits longer for
// an answer than the shipped half second: on a busy machine a check may take that
// long, and only TestGateAway asks what happens then.
func (w *world) startFront(t *testing.T, shape envoyconfig.Shape, gates ...string) {
	t.Helper()
	w.startFrontAs(t, patient(t, bootstrap(t, shape, w.log(), w.upstream.address, gates...)))
}

// startFrontAs runs Envoy on a bootstrap.
func (w *world) startFrontAs(t *testing.T, text string) {
	t.Helper()
	w.front = runFront(t, w.dir, text)
	w.address = w.front.Listeners[envoyconfig.Listener]
}

// log is the access log of Envoy.
func (w *world) log() string { return filepath.Join(w.dir, "access.log") }

func runFront(t *testing.T, dir, text string) *demo.Front {
	t.Helper()
	path, err := demo.FindEnvoy(os.Getenv("TOLLGATE_ENVOY"))
	if err != nil {
		t.Fatal(err)
	}
	front, err := demo.StartFront(t.Context(), path, dir, text)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(front.Process) })
	return front
}

// token signs for a subject; claims win over the usual ones.
func (w *world) token(t *testing.T, subject string, claims map[string]any) string {
	t.Helper()
	now := time.Now()
	all := map[string]any{"iss": issuer, "sub": subject, "aud": "orders", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(all, claims)
	token, err := w.key.Sign(nil, all)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// bearer is the header line with a token of subject.
func (w *world) bearer(t *testing.T, subject string) string {
	t.Helper()
	return "authorization: Bearer " + w.token(t, subject, nil)
}
