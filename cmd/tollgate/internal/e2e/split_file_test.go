package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"io/fs"
	mathrand "math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tollgate-authz/tollgate/envoy"
	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// opens asks a gate directly, as Envoy does.
func opens(t *testing.T, a *asker, half string) *envoy.Verdict {
	t.Helper()
	got, err := a.clients[0].Check(t.Context(), &envoy.HTTP{
		Method: "GET", Scheme: "http", Host: "api.example.com", Target: "/orders/1",
		Headers: []envoy.Field{{Name: "authorization", Value: "Bearer " + half}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestKilledGateKeepsAcknowledgedHalves: kill -9 of a gate on its embedded store
// while it issues, again and again: every half that a client was given opens
// afterwards, and the files show nothing of any token.
func TestKilledGateKeepsAcknowledgedHalves(t *testing.T) {
	kills, workers := 4, 8
	if long() {
		kills = 100
	}
	directory := filepath.Join(t.TempDir(), "store")
	o := newOffice(t, `store: "file:`+directory+`"`)
	cut := 0 // requests that were under way when a gate was killed
	for range kills {
		reached, over := make(chan struct{}), make(chan struct{})
		most, before := 20+mathrand.IntN(200), len(o.given)
		var once sync.Once
		go func() {
			defer close(over)
			var all sync.WaitGroup
			for range workers {
				all.Go(func() {
					for {
						half, _, _, err := issue(context.Background(), o.public)
						o.mutex.Lock()
						if err != nil || half == "" {
							cut++
							o.mutex.Unlock()
							return
						}
						o.given = append(o.given, half)
						if len(o.given)-before >= most {
							once.Do(func() { close(reached) })
						}
						o.mutex.Unlock()
					}
				})
			}
			all.Wait()
		}()
		select {
		case <-reached:
		case <-over:
			t.Fatalf("no halves: %s", o.gate.Output())
		}
		end(o.gate.Process)
		<-over
		o.open(t)
		a := newAsker(t, o.gate)
		for i, half := range o.given[before:] {
			if got := opens(t, a, half); !got.Allowed {
				t.Fatalf("acknowledged half %d of %d: %d %s", i, len(o.given)-before, got.Status, got.Metadata["reason"])
			}
		}
	}
	o.startFront(t, envoyconfig.Edge, o.gate.address)
	for _, half := range o.given[:min(len(o.given), 200)] {
		if status, reason := o.shown(t, half); status != 200 {
			t.Fatalf("through Envoy, after all kills: %d %s", status, reason)
		}
	}
	o.shown(t, o.given[0][:len(o.given[0])-2]+"AA") // so that something was denied
	if cut < kills {
		t.Errorf("%d requests under way in %d kills: the test did not test", cut, kills)
	}
	t.Logf("evidence: %d kills, %d halves acknowledged, all of them open; %d requests had no answer", kills, len(o.given), cut)
	o.saysNothing(t)
	o.nothingIn(t, directory)
}

// nothingIn searches every file of a store for what must not be in it.
func (o *office) nothingIn(t *testing.T, directory string) {
	t.Helper()
	secrets := o.secrets(t, 5)
	planted(t, secrets)
	searched, page := 0, make([]byte, 4096)
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		content = bytes.ReplaceAll(content, page, nil) // most of the file is still empty
		searched += len(content)
		for i, secret := range secrets {
			if shows(content, [][]byte{secret}) {
				t.Errorf("%s: secret %d is in it", filepath.Base(path), i)
			}
		}
		return nil
	})
	if err != nil || searched < 100*len(o.given) {
		t.Errorf("%d bytes searched for %d halves, %v", searched, len(o.given), err)
	}
	t.Logf("evidence: %d bytes of the store searched for %d secrets, raw, hex and base64 at every alignment", searched, len(secrets))
}

// TestFloodOfHalvesReachesRedisOnce: random halves from everywhere. Each asks Redis
// once while it is remembered, however often it is shown, and the gate's memory
// stays what it was.
func TestFloodOfHalvesReachesRedisOnce(t *testing.T) {
	count := 2000
	if long() {
		count = 100_000
	}
	server := storetest.StartRedis(t, storetest.RedisBinary(t))
	o := newOffice(t, `store: {url: "`+server.URL()+`", timeout: 5s}`+"\n"+`seal: {keys: [{id: k1, key: "`+sealKey(t)+`"}]}`)
	a := newAsker(t, o.gate)
	flood := func() {
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for range count / 8 {
					var signature [64]byte
					if _, err := rand.Read(signature[:]); err != nil {
						t.Error(err)
						return
					}
					question := envoy.Prepare(&envoy.HTTP{
						Method: "GET", Scheme: "http", Host: "api.example.com", Target: "/orders/1",
						Headers: []envoy.Field{{Name: "authorization", Value: "Bearer " + base64.RawURLEncoding.EncodeToString(signature[:])}},
					})
					for range 3 {
						got, err := a.clients[0].Ask(t.Context(), question)
						if err != nil || got.Status != http.StatusUnauthorized {
							t.Errorf("a half of nobody: %v", err)
							return
						}
					}
				}
			})
		}
		all.Wait()
	}
	flood()
	asked, resident := server.Calls(t, "get"), o.resident(t)
	flood()
	asked = server.Calls(t, "get") - asked
	if asked > count || asked < count/2 {
		t.Errorf("Redis was asked %d times for %d halves that were shown three times each", asked, count)
	}
	if grown := o.resident(t) - resident; grown > 32<<20 {
		t.Errorf("the gate grew by %d bytes", grown)
	} else {
		t.Logf("evidence: %d more halves, shown three times each: Redis asked %d times, %d kB resident before, %d kB more after", count, asked, resident>>10, grown>>10)
	}
	if half := o.gives(t); !opens(t, a, half).Allowed {
		t.Error("a good half after the flood does not open")
	}
}

// resident is the memory of the gate.
func (o *office) resident(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", o.gate.PID()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kilobytes int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kilobytes); err == nil {
			return kilobytes << 10
		}
	}
	t.Fatal("no VmRSS")
	return 0
}
