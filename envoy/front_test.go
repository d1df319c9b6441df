package envoy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/envoy/config"
)

// findEnvoy is the path of a real Envoy: $TOLLGATE_ENVOY, the one that make
// fetches, or one on PATH.
func findEnvoy(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("TOLLGATE_ENVOY"); path != "" {
		return path
	}
	if path, err := filepath.Abs("../.tools/envoy/envoy"); err == nil {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	path, err := exec.LookPath("envoy")
	if err != nil {
		t.Fatal("no Envoy: run .ci/fetch envoy, set TOLLGATE_ENVOY, or put envoy on PATH")
	}
	return path
}

// startEnvoy runs a real Envoy until the test ends and gives the base URL of its
// listener.
func startEnvoy(t *testing.T, shape config.Shape, p *config.Params) string {
	t.Helper()
	dir := t.TempDir()
	p.Listen, p.Admin, p.Log = config.Address{Host: "127.0.0.1"}, config.Address{Host: "127.0.0.1"}, "/dev/null"
	text, err := config.Render(shape, p)
	if err != nil {
		t.Fatal(err)
	}
	file, admin := filepath.Join(dir, "envoy.yaml"), filepath.Join(dir, "admin")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, findEnvoy(t), "--config-path", file, "--admin-address-path", admin,
		"--disable-hot-restart", "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "error")
	command.Stderr = &logBuffer{}
	if err := command.Start(); err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = command.Wait()
	})
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for waiting := soon(t); ; {
		if url := bound(ctx, admin); url != "" {
			return url
		}
		select {
		case <-again.C:
		case <-waiting.Done():
			t.Fatalf("Envoy does not serve: %v", command.Stderr)
		}
	}
}

// bound asks Envoy's admin interface where it listens, "" until it is ready.
func bound(ctx context.Context, file string) string {
	admin, err := os.ReadFile(file)
	if err != nil || len(admin) == 0 {
		return ""
	}
	ask := func(path string, into any) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+strings.TrimSpace(string(admin))+path, http.NoBody)
		if err != nil {
			return err
		}
		response, err := plainClient().Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", response.StatusCode)
		}
		if into == nil {
			return nil
		}
		return json.NewDecoder(response.Body).Decode(into)
	}
	var listed struct {
		Statuses []struct {
			Name    string
			Address struct {
				Socket struct {
					Port int `json:"port_value"`
				} `json:"socket_address"`
			} `json:"local_address"`
		} `json:"listener_statuses"`
	}
	if ask("/ready", nil) != nil || ask("/listeners?format=json", &listed) != nil {
		return ""
	}
	for _, l := range listed.Statuses {
		if l.Name == config.Listener {
			return fmt.Sprintf("http://127.0.0.1:%d", l.Address.Socket.Port)
		}
	}
	return ""
}

// plainClient keeps no connection.
func plainClient() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
}

// nonsense is a gate that is healthy and answers Checks with bytes that are no
// CheckResponse.
func nonsense(t *testing.T) config.Address {
	t.Helper()
	answer := func(w http.ResponseWriter, message string) {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Trailer", "Grpc-Status")
		_, _ = w.Write(append([]byte{0, 0, 0, 0, byte(len(message))}, message...))
		w.Header().Set("Grpc-Status", "0")
	}
	gate := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == checkMethod {
			answer(w, "\x0a\xff\xff") // a field that is longer than the message
			return
		}
		answer(w, "\x08\x01") // SERVING
	}))
	gate.Config.Protocols = &http.Protocols{}
	gate.Config.Protocols.SetUnencryptedHTTP2(true)
	gate.Start()
	t.Cleanup(gate.Close)
	return address(t, gate.Listener.Addr().String())
}

func address(t *testing.T, text string) config.Address {
	t.Helper()
	a, err := config.ParseAddress(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestFrontFailsClosed (row 68): with the gate down, slow, not ready, panicking
// or answering nonsense, the client gets 503 and the upstream nothing.
func TestFrontFailsClosed(t *testing.T) {
	var reached atomic.Int64
	upstream := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer upstream.Close()
	released := make(chan struct{})
	slow := serve(t, deciderFunc(func(ctx context.Context, r authz.Request) authz.Answer {
		<-released // whatever the deadline says
		return allowAll(ctx, r)
	}))
	unready := serveConfig(t, deciderFunc(allowAll), Config{Listeners: []Listener{{Address: "127.0.0.1:0"}}})
	panicking := serve(t, deciderFunc(func(context.Context, authz.Request) authz.Answer { panic("x") }))
	good := serve(t, deciderFunc(allowAll))
	for _, shape := range []config.Shape{config.Edge, config.Istio} {
		for _, test := range []struct {
			name   string
			gate   config.Address
			status int
		}{
			{"down", config.Address{Host: "127.0.0.1", Port: 1}, 503},
			{"slow", address(t, slow.addr.String()), 503},
			{"nonsense", nonsense(t), 503},
			{"not ready", address(t, unready.addr.String()), 503},
			{"panicking", address(t, panicking.addr.String()), 503},
			{"good", address(t, good.addr.String()), 200}, // the test can tell the difference
		} {
			t.Run(string(shape)+"/"+test.name, func(t *testing.T) {
				base := startEnvoy(t, shape, &config.Params{
					Upstream: address(t, upstream.Listener.Addr().String()), Gates: []config.Address{test.gate},
				})
				before := reached.Load()
				request, err := http.NewRequestWithContext(soon(t), http.MethodGet, base+"/orders/7", http.NoBody)
				if err != nil {
					t.Fatal(err)
				}
				response, err := plainClient().Do(request)
				if err != nil {
					t.Fatal(err)
				}
				_ = response.Body.Close()
				if response.StatusCode != test.status {
					t.Errorf("status = %d, want %d", response.StatusCode, test.status)
				}
				if got := reached.Load() - before; (got != 0) != (test.status == 200) {
					t.Errorf("%d requests reached the upstream", got)
				}
			})
		}
	}
	close(released)
}
