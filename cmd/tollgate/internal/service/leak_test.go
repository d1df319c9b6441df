package service

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/tokens"
)

// moving has everything that a reload could leave behind: a key set that moves from
// one good file to the next, credentials, limits.
const moving = `version: 1
listen: {check: "127.0.0.1:0", metrics: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
store: "memory:"
log: {level: error}
answers: {realm: "NUMBER"}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{jwk: file://keys.json, issuer: https://issuer.example/}, {jwks: KEYS/SET, issuer: https://remote.example/}, {credentials: true}]
    claims: {audiences: [orders]}
    policies: {default: [open]}
policies:
  - {id: open, meta: {number: "NUMBER"}, rate: {requests: 1000, per: 1s}, access: {orders: {allow: all}}}
`

// What a whole service holds after many reloads, good and broken in turn, is what
// it held after some: as the collector counts it, which is finer than what a
// process tells of itself.
func TestReloadsLeaveNothingBehind(t *testing.T) {
	reloads := 100
	if os.Getenv("TOLLGATE_LONG") != "" {
		reloads = 1000
	}
	key, err := tokens.Generate("ES256", "remote")
	if err != nil {
		t.Fatal(err)
	}
	set, err := tokens.JWKS(key)
	if err != nil {
		t.Fatal(err)
	}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(set) }))
	t.Cleanup(site.Close)
	file := func(n int) string {
		return strings.NewReplacer("NUMBER", strconv.Itoa(n), "KEYS", site.URL, "SET", strconv.Itoa(n/2%2)).Replace(moving)
	}
	dir := folder(t, file(0))
	s := running(t, dir, io.Discard)
	var early, late uint64
	var before, after int
	for i := range reloads {
		text, broken := file(i+1), i%2 == 1
		if broken {
			text = strings.Replace(text, "default: [open]", "default: [gone]", 1)
		}
		write(t, filepath.Join(dir, "tollgate.yaml"), text)
		if err := s.Reload(t.Context(), config.TriggerSignal); (err != nil) != broken {
			t.Fatalf("reload %d: %v", i, err)
		}
		switch i {
		case reloads / 2:
			early, before = settled(), runtime.NumGoroutine()
		case reloads - 2: // a good one, as that was
			late, after = settled(), runtime.NumGoroutine()
		}
	}
	if late > early+early/10+64<<10 { // so few bytes are in use that pools show
		t.Errorf("the heap grew from %d to %d bytes", early, late)
	}
	if after > before+before/10 {
		t.Errorf("there were %d goroutines, and then %d", before, after)
	}
	t.Logf("evidence: %d reloads of a whole service, heap %.2f then %.2f MB, goroutines %d then %d", reloads, float64(early)/1e6, float64(late)/1e6, before, after)
}

// settled is the heap that is in use.
func settled() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
