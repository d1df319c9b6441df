package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
)

// generation is a configuration that lets exactly one person in and puts its own
// name on every answer: as realm of a denial and as policy of an allow.
func generation(name, person string) string {
	return strings.NewReplacer("NAME", name, "PERSON", person).Replace(`
version: 1
listen: {check: "127.0.0.1:0"}
answers: {realm: NAME}
apis:
  - id: orders
    match: [{host: "*", path: /orders}]
    keys: [{jwk: file://keys.json, issuer: https://issuer.example/}]
    claims: {audiences: [orders], subjects: [PERSON]}
    policies: {default: [NAME]}
policies:
  - {id: NAME, access: {orders: {allow: all}}}
`)
}

// TestReloadIsAllOrNothing swaps two generations under load. A lets alice in and
// refuses bob, B the reverse; every answer names its generation, so an answer made
// of both would show.
func TestReloadIsAllOrNothing(t *testing.T) {
	swaps, answers := 12, int64(2000)
	if long() {
		swaps, answers = 120, 50_000
	}
	w := &world{dir: t.TempDir(), upstream: newRecorder(t)}
	w.upstream.quiet = true
	w.key = newKey(t, w.dir)
	file := w.write(t, "tollgate.yaml", generation("gen-a", "alice"))
	w.gate = startGate(t, file)
	w.startFront(t, envoyconfig.Edge, w.gate.address)
	people := map[string]string{"alice": w.bearer(t, "alice"), "bob": w.bearer(t, "bob")}
	until(t, w, 200, people["alice"])

	tally := &tally{seen: map[string]int64{}}
	const clients = 8
	keepers := make([]keeper, clients)
	c := gather(clients, 0, func(client int) error {
		person := []string{"alice", "bob"}[client%2]
		k := &keepers[client]
		k.address, k.request = w.address, request("/orders/7", people[person])
		got, err := k.ask()
		if err != nil {
			return err
		}
		return tally.judge(person, got)
	})
	done := 0
	for ; done < swaps || c.answers.Load() < answers; done++ {
		name, person := "gen-b", "bob"
		if done%2 == 1 {
			name, person = "gen-a", "alice"
		}
		replace(t, file, generation(name, person))
		w.gate.signal(t, syscall.SIGHUP)
		until(t, w, 200, people[person])
		c.more(t, min(100, answers/int64(swaps)))
	}
	c.leave()
	for i := range keepers {
		keepers[i].close()
	}
	if wrong := c.wrong.Load(); wrong > 0 {
		t.Errorf("%d of %d answers were wrong, the first: %s", wrong, c.answers.Load(), c.first)
	}
	for _, kind := range []string{"alice 200 gen-a", "alice 401 gen-b", "bob 200 gen-b", "bob 401 gen-a"} {
		if tally.seen[kind] == 0 {
			t.Errorf("no answer %q: the swaps were not seen", kind)
		}
	}
	t.Logf("evidence: %d swaps, %d answers (%v), %d that no generation gives", done, c.answers.Load(), tally.seen, c.wrong.Load())
}

// replace exchanges a file as a whole, as a mount or an editor does.
func replace(t *testing.T, path, text string) {
	t.Helper()
	next := filepath.Join(filepath.Dir(path), "next")
	if err := os.WriteFile(next, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, path); err != nil {
		t.Fatal(err)
	}
}

// tally counts answers by what they say.
type tally struct {
	mutex sync.Mutex
	seen  map[string]int64
}

// judge counts an answer, and refuses one that neither generation would give.
func (y *tally) judge(person string, got *reply) error {
	name := ""
	switch got.status {
	case 200:
		var up received
		if err := json.Unmarshal([]byte(got.body), &up); err != nil {
			return err
		}
		name = up.Header.Get("x-tollgate-policies")
		if subject := up.Header.Get("x-tollgate-subject"); subject != person {
			return fmt.Errorf("%s passed as %s", person, subject)
		}
	case 401:
		_, name, _ = strings.Cut(got.header.Get("www-authenticate"), `realm="`)
		name, _, _ = strings.Cut(name, `"`)
		if got.reason() != "subject_refused" {
			return fmt.Errorf("%s: 401 %s", person, got.reason())
		}
	}
	kind := fmt.Sprintf("%s %d %s", person, got.status, name)
	y.mutex.Lock()
	y.seen[kind]++
	y.mutex.Unlock()
	switch kind {
	case "alice 200 gen-a", "alice 401 gen-b", "bob 200 gen-b", "bob 401 gen-a":
		return nil
	}
	return fmt.Errorf("%s: no generation gives that", kind)
}

// TestBrokenReloadKeepsTheOld: a file that does not load changes nothing, says
// why, and does not stand in the way of the next good one.
func TestBrokenReloadKeepsTheOld(t *testing.T) {
	w := &world{dir: t.TempDir(), upstream: newRecorder(t)}
	w.key = newKey(t, w.dir)
	file := w.write(t, "tollgate.yaml", generation("gen-a", "alice"))
	w.gate = startGate(t, file)
	w.startFront(t, envoyconfig.Edge, w.gate.address)
	alice, bob := w.bearer(t, "alice"), w.bearer(t, "bob")
	until(t, w, 200, alice)

	broken := strings.Replace(generation("gen-b", "bob"), "policies: {default: [gen-b]}", "policies: {default: [gone]}\n    surprise: 1", 1)
	replace(t, file, broken)
	w.gate.signal(t, syscall.SIGHUP)
	w.gate.await(t, "gone")
	w.gate.await(t, "surprise")
	for range 20 {
		if got := send(t, w.address, "GET /orders/7", alice); got.status != 200 {
			t.Fatalf("alice: status %d %s after a reload that failed", got.status, got.reason())
		}
		if got := send(t, w.address, "GET /orders/7", bob); got.status != 401 {
			t.Fatalf("bob: status %d after a reload that failed", got.status)
		}
	}
	replace(t, file, generation("gen-b", "bob"))
	w.gate.signal(t, syscall.SIGHUP)
	until(t, w, 200, bob)
	until(t, w, 401, alice)
}
