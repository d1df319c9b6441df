package e2e

import (
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

// TestKeyFilesAreFollowed: another key in the file counts without a signal and
// without a restart, and the one before no longer does. A file with no key in it
// changes nothing.
func TestKeyFilesAreFollowed(t *testing.T) {
	w := &world{dir: t.TempDir(), upstream: newRecorder(t)}
	old, oldFile := pemKey(t)
	next, nextFile := pemKey(t)
	path := w.write(t, "orders.pem", oldFile)
	w.gate = startGate(t, w.write(t, "tollgate.yaml", strings.ReplaceAll(configuration, "jwk: file://keys.json", "pem: file://orders.pem")))
	w.startFront(t, envoyconfig.Edge, w.gate.address)
	w.key = old
	before := w.bearer(t, "alice")
	w.key = next
	after := w.bearer(t, "alice")
	until(t, w, 200, before)
	until(t, w, 401, after)

	replace(t, path, "no key\n")
	w.gate.await(t, "configuration refused")
	until(t, w, 200, before)

	replace(t, path, nextFile)
	until(t, w, 200, after)
	until(t, w, 401, before)
}

// pemKey makes a signing key without a kid, and the file of its public half.
func pemKey(t *testing.T) (*tokens.Key, string) {
	t.Helper()
	key, err := tokens.Generate("ES256", "")
	if err != nil {
		t.Fatal(err)
	}
	file, err := key.PEM()
	if err != nil {
		t.Fatal(err)
	}
	return key, string(file)
}
