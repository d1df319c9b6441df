package e2e

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/demo"
)

// startup is how long a process may take to be ready on a busy machine.
const startup = time.Minute

// workshop is a directory that lives as long as the tests.
var workshop string

// binary builds tollgate once, for the test that asks first and all others.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(workshop, "tollgate")
	arguments := []string{"build", "-o", path}
	if os.Getenv("TOLLGATE_E2E_RACE") != "" {
		arguments = append(arguments, "-race")
	}
	command := exec.Command("go", append(arguments, "github.com/tollgate-authz/tollgate/cmd/tollgate")...)
	if out, err := command.CombinedOutput(); err != nil {
		return "", &buildError{out: string(out), err: err}
	}
	return path, nil
})

type buildError struct {
	out string
	err error
}

func (e *buildError) Error() string { return e.err.Error() + "\n" + e.out }

func TestMain(m *testing.M) {
	directory, err := os.MkdirTemp("", "tollgate-e2e-")
	if err != nil {
		panic(err)
	}
	workshop = directory
	code := m.Run()
	_ = os.RemoveAll(directory)
	os.Exit(code)
}

func tollgate(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	return path
}

// long says whether full counts are asked for.
func long() bool { return os.Getenv("TOLLGATE_LONG") == "1" }

// gate is a running `tollgate serve`.
type gate struct {
	*demo.Process
	config  string // its file
	address string // of listen.check
}

// startGate serves the configuration file and waits for its `ready`.
func startGate(t *testing.T, config string, env ...string) *gate {
	t.Helper()
	process, err := demo.Start(demo.Command{
		Path: tollgate(t), Args: []string{"serve", "--config", config}, Dir: filepath.Dir(config), Env: env,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { end(process) })
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	line, err := process.AwaitLine(ctx, "listening check ")
	if err == nil {
		_, err = process.AwaitLine(ctx, "ready")
	}
	if err != nil {
		t.Fatal(err)
	}
	return &gate{Process: process, config: config, address: strings.TrimPrefix(line, "listening check ")}
}

// end kills a process that a test may have stopped.
func end(p *demo.Process) {
	_ = p.Signal(syscall.SIGKILL)
	<-p.Ended()
}

// signal sends a signal to a gate that must be there.
func (g *gate) signal(t *testing.T, s syscall.Signal) {
	t.Helper()
	if err := g.Signal(s); err != nil {
		t.Fatalf("signal %v: %v", s, err)
	}
}

// await waits until the gate has written text.
func (g *gate) await(t *testing.T, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startup)
	defer cancel()
	if err := g.Await(ctx, text, func() bool { return strings.Contains(g.Output(), text) }); err != nil {
		t.Fatal(err)
	}
}
