package storetest

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// RedisBinary is the redis-server that tests run: $TOLLGATE_REDIS or the one on
// the PATH. A missing one fails the test.
func RedisBinary(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv("TOLLGATE_REDIS"); path != "" {
		return path
	}
	path, err := exec.LookPath("redis-server")
	if err != nil {
		tb.Fatal("redis-server is missing: install it (apt-get install redis-server) or set TOLLGATE_REDIS")
	}
	return path
}

// ValkeyBinary is the valkey-server that tests run: $TOLLGATE_VALKEY, the one
// under .tools of the checkout, or the one on the PATH.
func ValkeyBinary(tb testing.TB) string {
	tb.Helper()
	if path := os.Getenv("TOLLGATE_VALKEY"); path != "" {
		return path
	}
	for dir, err := os.Getwd(); err == nil && dir != "/"; dir = filepath.Dir(dir) {
		path := filepath.Join(dir, ".tools", "valkey", "valkey-server")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath("valkey-server")
	if err != nil {
		tb.Fatal("valkey-server is missing: put it at .tools/valkey/valkey-server or set TOLLGATE_VALKEY")
	}
	return path
}

// FreePorts are ports of 127.0.0.1 that nobody listens on, nor on the port
// 10,000 above, where a node of a cluster listens too.
func FreePorts(tb testing.TB, n int) []int {
	tb.Helper()
	var ports []int
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close() // it only held a port
		}
	}()
	listen := func(port int) (int, bool) {
		l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err != nil {
			return 0, false
		}
		held = append(held, l)
		addr, ok := l.Addr().(*net.TCPAddr)
		return addr.Port, ok
	}
	for range 100 * n {
		if len(ports) == n {
			return ports
		}
		port, ok := listen(0)
		if !ok || port > 55000 {
			continue
		}
		if _, ok := listen(port + 10000); ok {
			ports = append(ports, port)
		}
	}
	tb.Fatalf("only %d of %d free ports", len(ports), n)
	return nil
}

// process is a server that a test has started. It is gone when the test ends.
type process struct {
	binary string
	args   []string
	dir    string

	mu   sync.Mutex
	cmd  *exec.Cmd
	said *bytes.Buffer
	gone chan struct{}
}

func (p *process) start(tb testing.TB) {
	tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	//nolint:gosec // the binary is the test's choice; the test's context is over before its clean-up
	p.cmd = exec.CommandContext(context.WithoutCancel(tb.Context()), p.binary, p.args...)
	p.cmd.Dir = p.dir
	p.said = new(bytes.Buffer)
	p.cmd.Stdout, p.cmd.Stderr = p.said, p.said
	p.cmd.SysProcAttr = dieWithTest()
	if err := p.cmd.Start(); err != nil {
		tb.Fatalf("%s: %v", p.binary, err)
	}
	p.gone = make(chan struct{})
	go func(cmd *exec.Cmd, gone chan struct{}) {
		_ = cmd.Wait() // how it ended does not matter
		close(gone)
	}(p.cmd, p.gone)
	tb.Cleanup(p.kill)
}

// Signal sends a signal to the process.
func (p *process) signal(tb testing.TB, sig syscall.Signal) {
	tb.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		tb.Fatal(err)
	}
}

func (p *process) kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	_ = p.cmd.Process.Kill() // gone already or gone now
	<-p.gone
}

func (p *process) output() string {
	select {
	case <-p.gone:
		return p.said.String()
	default:
		return "(still running)"
	}
}

// Redis is one server.
type Redis struct {
	process
	Port    int
	TLSPort int
	Socket  string
	tls     *Certificates
	auth    []string // AUTH arguments for the test's own connections
}

// StartRedis starts a server without persistence on a free port, with more
// settings as `--name value` arguments.
func StartRedis(tb testing.TB, binary string, settings ...string) *Redis {
	tb.Helper()
	return startRedis(tb, binary, FreePorts(tb, 1)[0], settings)
}

func startRedis(tb testing.TB, binary string, port int, settings []string) *Redis {
	tb.Helper()
	r := &Redis{Port: port}
	r.binary = binary
	r.dir = shortDir(tb)
	r.Socket = filepath.Join(r.dir, "s")
	r.args = slices.Concat([]string{
		"--port", strconv.Itoa(port), "--bind", "127.0.0.1", "--unixsocket", r.Socket, "--save", "", "--appendonly", "no",
		"--repl-diskless-sync-delay", "0", "--dir", r.dir, "--daemonize", "no",
	}, settings)
	r.start(tb)
	r.await(tb)
	return r
}

// shortDir is a directory whose name leaves room for a socket's.
func shortDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "r") //nolint:usetesting // tb.TempDir is too long for a socket
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) }) // best effort
	return dir
}

// Addr is host and port.
func (r *Redis) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Port)) }

// URL is a store URL.
func (r *Redis) URL() string { return "redis://" + r.Addr() }

// await waits until the server answers.
func (r *Redis) await(tb testing.TB) {
	tb.Helper()
	Eventually(tb, replyTimeout, func() error {
		select {
		case <-r.gone:
			tb.Fatalf("%s ended: %s", r.binary, r.output())
		default:
		}
		_, err := r.try("PING")
		return err
	})
}

func (r *Redis) dial() (*Conn, error) {
	// The socket answers where TCP wants TLS.
	c, err := dial("unix", r.Socket, nil)
	if err != nil {
		return nil, err
	}
	if r.auth != nil {
		if _, err := c.Do(append([]string{"AUTH"}, r.auth...)...); err != nil {
			c.Close() // of no use
			return nil, err
		}
	}
	return c, nil
}

func (r *Redis) try(args ...string) (any, error) {
	c, err := r.dial()
	if err != nil {
		return nil, err
	}
	defer c.Close() // one command was all
	return c.Do(args...)
}

// Do runs one command on a connection of its own; an error fails the test.
func (r *Redis) Do(tb testing.TB, args ...string) any {
	tb.Helper()
	reply, err := r.try(args...)
	if err != nil {
		tb.Fatalf("%s on port %d: %v", args[0], r.Port, err)
	}
	return reply
}

// Text is Do for a command that answers text.
func (r *Redis) Text(tb testing.TB, args ...string) string {
	tb.Helper()
	text, ok := r.Do(tb, args...).(string)
	if !ok {
		tb.Fatalf("%s on port %d: no text", args[0], r.Port)
	}
	return text
}

// Info is one field of INFO.
func (r *Redis) Info(tb testing.TB, field string) string {
	tb.Helper()
	return infoField(r.Text(tb, "INFO", "everything"), field)
}

func infoField(info, field string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(line, field+":"); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Calls is how often a command was executed since the start or CONFIG RESETSTAT.
func (r *Redis) Calls(tb testing.TB, command string) int {
	tb.Helper()
	_, rest, ok := strings.Cut(r.Info(tb, "cmdstat_"+command), "calls=")
	if !ok {
		return 0
	}
	digits, _, _ := strings.Cut(rest, ",")
	n, err := strconv.Atoi(digits)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// Errors is how often the server answered an error with that first word.
func (r *Redis) Errors(tb testing.TB, word string) int {
	tb.Helper()
	count, ok := strings.CutPrefix(r.Info(tb, "errorstat_"+word), "count=")
	if !ok {
		return 0
	}
	n, err := strconv.Atoi(count)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// Number is a field of INFO that is a whole number.
func (r *Redis) Number(t testing.TB, field string) int {
	t.Helper()
	n, err := strconv.Atoi(r.Info(t, field))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Stop stops the process where it is (SIGSTOP): connections stay, nothing is
// answered, until Continue.
func (r *Redis) Stop(tb testing.TB) { tb.Helper(); r.signal(tb, syscall.SIGSTOP) }

// Continue lets a stopped process go on.
func (r *Redis) Continue(tb testing.TB) { tb.Helper(); r.signal(tb, syscall.SIGCONT) }

// Kill ends the process as kill -9 does.
func (r *Redis) Kill() { r.kill() }

// Restart starts a killed server again, on the same port, with an empty memory
// unless its settings keep it.
func (r *Redis) Restart(tb testing.TB) {
	tb.Helper()
	r.start(tb)
	r.await(tb)
}
