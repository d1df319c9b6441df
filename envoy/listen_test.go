package envoy

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// socketDir gives a directory with a short path.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "tg") //nolint:usetesting // the path of t.TempDir can be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

func TestSocketAndTCPTogether(t *testing.T) {
	path := filepath.Join(socketDir(t), "tollgate.sock")
	r := serveConfig(t, deciderFunc(allowAll), Config{Listeners: []Listener{{Address: "unix://" + path}, {Address: "127.0.0.1:0"}}})
	r.server.Ready()
	if v := r.ask(t, get()); !v.Allowed {
		t.Error("refused over the socket")
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("mode = %v, %v", info.Mode(), err)
	}
	tcp := &rig{Client: NewClient(dial(t, r.server.bound[1].Addr()))}
	if v := tcp.ask(t, get()); !v.Allowed {
		t.Error("refused over TCP")
	}
	r.stop()
	<-r.ended
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(socketDir(t), "s")
	killed, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	killed.SetUnlinkOnClose(false)
	_ = killed.Close()
	l, err := listenSocket(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

func TestListenRefuses(t *testing.T) {
	dir := socketDir(t)
	live, err := listenSocket(t.Context(), filepath.Join(dir, "live"))
	if err != nil {
		t.Fatal(err)
	}
	defer live.Close()
	if err := os.WriteFile(filepath.Join(dir, "file"), []byte("keep me"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct{ address, want string }{
		"live socket":   {"unix://" + filepath.Join(dir, "live"), "another process is serving"},
		"other file":    {"unix://" + filepath.Join(dir, "file"), "no socket"},
		"relative path": {"unix://tollgate.sock", "absolute"},
		"108 bytes":     {"unix:///" + strings.Repeat("a", 107), "at most 107 bytes"},
		"no directory":  {"unix://" + filepath.Join(dir, "none", "s"), "no such file"},
		"no port":       {"127.0.0.1", "missing port"},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewServer(New(deciderFunc(allowAll), Options{}), Config{
				Listeners: []Listener{{Address: "127.0.0.1:0"}, {Address: test.address}},
			})
			_, err := s.Listen(t.Context())
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
	if data, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(data) != "keep me" {
		t.Errorf("the other file: %q, %v", data, err)
	}
	conn, err := net.Dial("unix", filepath.Join(dir, "live"))
	if err != nil {
		t.Fatalf("the live socket: %v", err)
	}
	_ = conn.Close()
}

func TestLongestSocketPath(t *testing.T) {
	dir := socketDir(t)
	path := filepath.Join(dir, strings.Repeat("a", maxSocketPath-len(dir)-1))
	if len(path) != 107 {
		t.Fatalf("path has %d bytes", len(path))
	}
	l, err := listenSocket(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
}
