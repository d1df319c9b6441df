package e2e

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

func startUpstream(t *testing.T, s *composedService, address string) string {
	t.Helper()
	return startComposed(t, s, exchanged(t, s.Command, address, "127.0.0.1:0"))["upstream"]
}

// startComposedGate starts tollgate with its file, in which addresses are exchanged.
func startComposedGate(t *testing.T, s *composedService, dir string, where map[string]string) map[string]string {
	t.Helper()
	const mount = "/etc/tollgate/tollgate.yaml"
	text := s.mounted(t, mount)
	for from, to := range where {
		if !strings.Contains(text, from) {
			t.Fatalf("%s does not name %s", mount, from)
		}
		text = strings.ReplaceAll(text, from, to)
	}
	file := filepath.Join(dir, "tollgate.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// Redis may take longer on a busy machine than the shipped 25 ms.
	return startComposed(t, s, exchanged(t, s.Command, mount, file), "TOLLGATE_STORE_TIMEOUT=5s")
}

// startComposed runs a service of our own image and gives the addresses that it
// says it listens on.
func startComposed(t *testing.T, s *composedService, command []string, more ...string) map[string]string {
	t.Helper()
	if s.Build["dockerfile"] != "deploy/Dockerfile" || s.Build["context"] != "." {
		t.Fatalf("build is %v", s.Build)
	}
	process := startProcess(t, demo.Command{Path: tollgate(t), Args: command, Dir: t.TempDir(), Env: append(s.env(), more...)})
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	if _, err := process.AwaitLine(ctx, "ready"); err != nil {
		t.Fatal(err)
	}
	listening := map[string]string{}
	for line := range strings.Lines(process.Output()) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "listening" {
			listening[fields[1]] = fields[2]
		}
	}
	return listening
}

// env is the environment of a service.
func (s *composedService) env() []string {
	var env []string
	for name, value := range s.Environment {
		env = append(env, name+"="+value)
	}
	return env
}

func startProcess(t *testing.T, command demo.Command) *demo.Process {
	t.Helper()
	process, err := demo.Start(command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(process) })
	return process
}

// startComposedRedis starts Redis with the arguments of the file, on a port of
// loopback and in a directory of its own.
func startComposedRedis(t *testing.T, s *composedService) string {
	t.Helper()
	if !strings.HasPrefix(s.Image, "redis:8.") || len(s.Command) == 0 || s.Command[0] != "redis-server" {
		t.Fatalf("image %q, command %q", s.Image, s.Command)
	}
	for _, want := range []string{"--appendonly yes", "--maxmemory-policy noeviction"} {
		if !strings.Contains(strings.Join(s.Command, " "), want) {
			t.Errorf("Redis without %s can lose what was acknowledged", want)
		}
	}
	address := fixedAddress(t)
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	process := startProcess(t, demo.Command{
		Path: storetest.RedisBinary(t), Args: append(slices.Clone(s.Command[1:]), "--bind", "127.0.0.1", "--port", port), Dir: t.TempDir(),
	})
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	if err := process.Await(ctx, "start of Redis", func() bool { return strings.Contains(process.Output(), "Ready to accept connections") }); err != nil {
		t.Fatal(err)
	}
	return address
}

// startIssuer starts the script of the identity provider beside the packages that
// .ci/fetch npm has installed, which are of the same version.
func startIssuer(t *testing.T, s *composedService, address string) {
	t.Helper()
	built, ok := s.Build["context"]
	if !ok || len(s.Build) != 1 || !slices.Equal(s.Command, []string{"node", "issuer.mjs"}) {
		t.Fatalf("build %v, command %q", s.Build, s.Command)
	}
	if s.NetworkMode != "service:tollgate" || s.Environment["ISSUER"] != "http://127.0.0.1:9100" {
		t.Errorf("network %q, issuer %q: tollgate finds it on its own loopback", s.NetworkMode, s.Environment["ISSUER"])
	}
	folder := filepath.Join(repository, built)
	if ours, tools := dependency(t, filepath.Join(folder, "package.json")), dependency(t, filepath.Join(repository, ".ci", "npm", "package.json")); ours != tools {
		t.Errorf("oidc-provider %s in the image, %s here", ours, tools)
	}
	p := startProviderOf(t, filepath.Join(folder, "issuer.mjs"), "ISSUER=http://"+address, "CLIENT_SECRET="+s.Environment["CLIENT_SECRET"])
	if p.issuer != "http://"+address {
		t.Errorf("the issuer calls itself %s", p.issuer)
	}
}

// dependency is the version of oidc-provider that a package.json pins.
func dependency(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var said struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &said); err != nil || said.Dependencies["oidc-provider"] == "" {
		t.Fatalf("%s: %v", file, err)
	}
	return said.Dependencies["oidc-provider"]
}

// awaitIssuer waits until tollgate has the keys of the identity provider, which
// comes up after it.
func awaitIssuer(t *testing.T, admin demo.Admin) {
	t.Helper()
	for d := newDeadline(t); ; d.wait("the keys of the issuer") {
		command := exec.CommandContext(t.Context(), tollgate(t), "keys", "jwks", "--server", admin.URL)
		command.Env = append(os.Environ(), "TOLLGATE_ADMIN_SECRET="+admin.Secret)
		if out, err := command.CombinedOutput(); err == nil && strings.Contains(string(out), "kid compose") {
			return
		}
	}
}
