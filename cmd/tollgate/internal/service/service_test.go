package service

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/obs"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tyk"
)

const text = `
version: 1
listen: {check: "127.0.0.1:0", metrics: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{jwk: file://keys.json, issuer: any}]
    claims: {audiences: [orders]}
    policies: {default: [reader]}
policies:
  - {id: reader, access: {orders: {allow: all}}}
`

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// journal is a log that a test can read while it is written.
type journal struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.String()
}

// folder holds a configuration and its keys.
func folder(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	key, err := tokens.Generate("ES256", "one")
	if err != nil {
		t.Fatal(err)
	}
	set, err := tokens.JWKS(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "keys.json"), string(set))
	write(t, filepath.Join(dir, "tollgate.yaml"), text)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func options(dir string, log io.Writer) Options {
	return Options{
		Loader: &config.Loader{
			Path: filepath.Join(dir, "tollgate.yaml"),
			Env:  func(string) (string, bool) { return "", false }, Foreign: tyk.Foreign,
		},
		Log: log, Build: obs.Build{Version: "test"},
	}
}

// running opens and serves; the test ends with a drain.
func running(t *testing.T, dir string, log io.Writer) *Service {
	t.Helper()
	s, problems, err := Open(t.Context(), options(dir, log))
	if err != nil {
		t.Fatalf("%v %v", err, problems)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Serve(ctx, func() { close(ready) }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the end: %v", err)
		}
		http.DefaultClient.CloseIdleConnections()
	})
	select {
	case <-ready:
	case err := <-ended:
		t.Fatalf("it ended before it was ready: %v", err)
	}
	return s
}

func (s *Service) address(t *testing.T, name string) string {
	t.Helper()
	for _, bound := range s.Bound() {
		if bound.Name == name {
			return bound.Address
		}
	}
	t.Fatalf("no listener %s", name)
	return ""
}

func get(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestMetricsListenerTellsTheState(t *testing.T) {
	s := running(t, folder(t, text), io.Discard)
	base := "http://" + s.address(t, "metrics")
	if status, body := get(t, http.DefaultClient, base+"/readyz?verbose"); status != 200 || !strings.Contains(body, "[+] configuration") {
		t.Errorf("/readyz: %d %s", status, body)
	}
	if status, _ := get(t, http.DefaultClient, base+"/livez"); status != 200 {
		t.Errorf("/livez: %d", status)
	}
	_, body := get(t, http.DefaultClient, base+"/metrics")
	for _, want := range []string{`tollgate_build_info{`, "tollgate_config_generation 1", "tollgate_config_last_load_successful 1", `tollgate_calls_failed_total{cause="undecodable"} 0`} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

func TestReloadAppliesAllOrNothing(t *testing.T) {
	log := &journal{}
	dir := folder(t, text)
	s := running(t, dir, log)
	file := filepath.Join(dir, "tollgate.yaml")

	write(t, file, strings.Replace(text, "id: orders", "id: renamed", 1))
	if err := s.Reload(t.Context(), config.TriggerSignal); !errors.Is(err, errRefused) {
		t.Fatalf("error %v: the policy grants an API that is gone", err)
	}
	if snapshot := s.engine.Snapshot(); snapshot.Generation() != 1 || snapshot.APIs()[0].ID != "orders" {
		t.Errorf("generation %d decides after a refused reload", snapshot.Generation())
	}
	if !strings.Contains(log.String(), "tollgate.yaml:") || !strings.Contains(log.String(), "configuration refused") {
		t.Errorf("the log does not say what is wrong and where:\n%s", log)
	}
	_, body := get(t, http.DefaultClient, "http://"+s.address(t, "metrics")+"/metrics")
	if !strings.Contains(body, "tollgate_config_last_load_successful 0") {
		t.Error("the metric does not say that the last load was refused")
	}

	write(t, file, strings.ReplaceAll(text, "orders", "renamed"))
	if err := s.Reload(t.Context(), config.TriggerSignal); err != nil {
		t.Fatal(err)
	}
	if snapshot := s.engine.Snapshot(); snapshot.Generation() < 2 || snapshot.APIs()[0].ID != "renamed" {
		t.Errorf("generation %d decides after a good reload", snapshot.Generation())
	}
}

func TestOpenTellsEveryProblem(t *testing.T) {
	broken := strings.Replace(strings.Replace(text, "allow: all", "allow: some", 1), "version: 1", "version: 1\nsurprise: 1", 1)
	_, _, err := Open(t.Context(), options(folder(t, broken), io.Discard))
	found, ok := errors.AsType[*BrokenError](err)
	if !ok || len(found.Problems) < 2 {
		t.Fatalf("error %v, expected both problems", err)
	}
}

func TestOpenFreesWhatItTook(t *testing.T) {
	taken := running(t, folder(t, text), io.Discard)
	second := strings.Replace(text, `metrics: "127.0.0.1:0"`, `metrics: "`+taken.address(t, "metrics")+`"`, 1)
	if _, _, err := Open(t.Context(), options(folder(t, second), io.Discard)); err == nil {
		t.Fatal("two services have one address")
	}
}

func TestDrainAnswersProbes(t *testing.T) {
	s, _, err := Open(t.Context(), options(folder(t, strings.Replace(text, "delay: 0s", "delay: 3s", 1)), io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- s.Serve(ctx, func() { close(ready) }) }()
	<-ready
	cancel()
	url := "http://" + s.address(t, "metrics") + "/readyz"
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for status := 200; status == 200; {
		<-ticker.C
		status, _ = get(t, http.DefaultClient, url) // a closed listener fails the test
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	http.DefaultClient.CloseIdleConnections()
}
