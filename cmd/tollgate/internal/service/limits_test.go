package service

import (
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
	"github.com/tollgate-authz/tollgate/cmd/tollgate/internal/config"
	"github.com/tollgate-authz/tollgate/store/file"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

const limitedSecret = "a-made-up-secret-of-limits-0123456789-0123456789"

// limitedText has one API whose policy has a quota, in STORE.
const limitedText = `
version: 1
listen: {check: "127.0.0.1:0", metrics: "127.0.0.1:0"}
drain: {delay: 0s, timeout: 5s}
store: {url: "STORE", timeout: 5s}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{secret: "` + limitedSecret + `", issuer: any}]
    policies: {default: [reader]}
policies:
  - id: reader
    quota: {requests: 3, per: 24h}
    access: {orders: {allow: all}}
`

func limitedToken(t *testing.T) string {
	t.Helper()
	return signed(t, limitedSecret, "", map[string]any{"sub": "alice", "exp": time.Now().Add(time.Hour).Unix()})
}

// TestStoreIsSeenInMetrics: uses of the store are counted, and a value in it that
// is not ours is a miss that is counted.
func TestStoreIsSeenInMetrics(t *testing.T) {
	r := storetest.StartRedis(t, storetest.RedisBinary(t))
	s := running(t, folder(t, strings.Replace(limitedText, "STORE", r.URL(), 1)), io.Discard)
	token := limitedToken(t)
	if got := s.decide(t, "GET", "/orders", token); got.Outcome != authz.Allow || got.Metadata.Remaining != "2" {
		t.Fatalf("%s, %+v", got.Reason, got.Metadata)
	}
	keys, _ := r.Do(t, "KEYS", "tollgate:lim:*").([]any)
	if len(keys) != 1 {
		t.Fatalf("%d counters", len(keys))
	}
	name, _ := keys[0].(string)
	r.Do(t, "SET", name, "hello")
	if got := s.decide(t, "GET", "/orders", token); got.Outcome != authz.Allow || got.Metadata.Remaining != "2" {
		t.Errorf("with a foreign value: %s, %+v", got.Reason, got.Metadata)
	}
	_, body := get(t, http.DefaultClient, "http://"+s.address(t, "metrics")+"/metrics")
	for _, want := range []string{
		`tollgate_dependency_requests_total{dependency="store",result="ok"}`,
		`tollgate_dependency_requests_total{dependency="store record",result="unreadable lim"} 1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
}

// TestReloadRefusesAStoreThatIsHeld: limits that come with a reload open the
// store; where they cannot, the reload changes nothing and says why.
func TestReloadRefusesAStoreThatIsHeld(t *testing.T) {
	log := &journal{}
	dir := folder(t, "")
	at := filepath.Join(dir, "store")
	text := strings.Replace(limitedText, "STORE", "file:"+at, 1)
	plain := strings.Replace(text, "    quota: {requests: 3, per: 24h}\n", "", 1)
	name := filepath.Join(dir, "tollgate.yaml")
	write(t, name, plain)
	s := running(t, dir, log)
	token := limitedToken(t)
	if got := s.decide(t, "GET", "/orders", token); got.Outcome != authz.Allow || file.Exists(at) {
		t.Fatalf("%s, store %v", got.Reason, file.Exists(at))
	}
	if _, _, err := file.SealKey(at); err != nil {
		t.Fatal(err)
	}
	held, err := file.Open(at, file.Options{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, name, text)
	if err := s.Reload(t.Context(), config.TriggerSignal); !errors.Is(err, errRefused) {
		t.Errorf("a reload that needs a store that another one has: %v", err)
	}
	if !strings.Contains(log.String(), "configuration refused") || s.engine.Snapshot().Generation() != 1 {
		t.Errorf("the log does not say so:\n%s", log)
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Reload(t.Context(), config.TriggerSignal); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	passed := 0
	for range 5 {
		if s.decide(t, "GET", "/orders", token).Outcome == authz.Allow {
			passed++
		}
	}
	if passed != 3 {
		t.Errorf("%d of a quota of 3", passed)
	}
}

// TestCheckLooksAtCounters: an engine that is asked once sees what was counted and
// charges nothing; where nothing is stored it leaves nothing behind.
func TestCheckLooksAtCounters(t *testing.T) {
	dir := folder(t, "")
	at := filepath.Join(dir, "store")
	write(t, filepath.Join(dir, "tollgate.yaml"), strings.Replace(limitedText, "STORE", "file:"+at, 1))
	load := func() *config.Config {
		t.Helper()
		c, problems := options(dir, io.Discard).Loader.Load(t.Context())
		if config.Broken(problems) {
			t.Fatal(problems)
		}
		return c
	}
	look := func() authz.Answer {
		t.Helper()
		engine, closing, err := Single(t.Context(), load(), time.Now)
		if err != nil {
			t.Fatal(err)
		}
		defer closing()
		snapshot, found := engine.Compile(t.Context(), load().Spec)
		if snapshot == nil {
			t.Fatal(found)
		}
		engine.Swap(snapshot)
		asked, err := authz.ParsePlain("GET", "http://api.example/orders")
		if err != nil {
			t.Fatal(err)
		}
		asked.Add("authorization", "Bearer "+limitedToken(t))
		answer, _ := engine.Explain(t.Context(), asked, time.Time{})
		return answer
	}
	if got := look(); got.Metadata.Remaining != "3" || file.Exists(at) {
		t.Errorf("before: %s left, store %v", got.Metadata.Remaining, file.Exists(at))
	}
	s, _, err := Open(t.Context(), options(dir, io.Discard))
	if err != nil {
		t.Fatal(err)
	}
	if s.reloader.Start(t.Context()); s.decide(t, "GET", "/orders", limitedToken(t)).Outcome != authz.Allow {
		t.Error("not allowed")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := look(); got.Metadata.Remaining != "2" {
			t.Errorf("after one request %s are left", got.Metadata.Remaining)
		}
	}
}
