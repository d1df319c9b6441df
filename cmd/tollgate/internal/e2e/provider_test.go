package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
)

// provider is a running identity provider.
type provider struct {
	*demo.Process
	issuer string
}

// startProvider runs a script of testdata/providers beside the packages that
// .ci/fetch npm has installed.
func startProvider(t *testing.T, script string) *provider {
	t.Helper()
	return startProviderOf(t, filepath.Join("testdata/providers", script))
}

// startProviderOf runs a script that stands somewhere.
func startProviderOf(t *testing.T, path string, env ...string) *provider {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatalf("%v: install Node.js 20 or newer", err)
	}
	modules, err := filepath.Abs("../../../../.tools/npm/node_modules")
	if err == nil {
		_, err = os.Stat(modules)
	}
	if err != nil {
		t.Fatalf("%v: run .ci/fetch npm", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dir, script := t.TempDir(), filepath.Base(path)
	if err := os.WriteFile(filepath.Join(dir, script), text, 0o600); err != nil {
		t.Fatal(err)
	}
	// node looks for packages beside the script.
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	process, err := demo.Start(demo.Command{Path: node, Args: []string{script}, Dir: dir, Env: env})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(process) })
	p := &provider{Process: process}
	p.issuer = strings.TrimPrefix(p.line(t, "issuer "), "issuer ")
	return p
}

// line waits for a line of the provider's output.
func (p *provider) line(t *testing.T, prefix string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	line, err := p.AwaitLine(ctx, prefix)
	if err != nil {
		t.Fatal(err)
	}
	return line
}
