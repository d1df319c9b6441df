package e2e

import (
	"bytes"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// office is a gate with its Envoy that issues halves of a mint's tokens.
type office struct {
	*world
	*mint
	public string

	mutex sync.Mutex
	given []string // halves that were acknowledged
	said  []string // bodies of answers without one
}

// newOffice serves store, a line of YAML.
func newOffice(t *testing.T, store string) *office {
	t.Helper()
	w := &world{dir: t.TempDir(), upstream: newRecorder(t)}
	w.upstream.quiet = true
	w.key = newKey(t, w.dir)
	o := &office{world: w, mint: newMint(t, w.key)}
	w.write(t, "tollgate.yaml", strings.NewReplacer("STORE", store, "ENDPOINT", o.mint.address).Replace(minting))
	o.open(t)
	return o
}

// open starts the gate, anew after it was killed.
func (o *office) open(t *testing.T) {
	t.Helper()
	o.gate = startGate(t, filepath.Join(o.dir, "tollgate.yaml"))
	o.public = o.gate.publicURL(t)
}

// asks for a token once: the half, or "" with the status.
func (o *office) asks(t *testing.T) (string, int) {
	t.Helper()
	half, status, body, err := issue(t.Context(), o.public)
	if err != nil {
		t.Fatal(err)
	}
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if half != "" {
		o.given = append(o.given, half)
	} else {
		o.said = append(o.said, body)
	}
	return half, status
}

// gives waits until a token is given: a store that was away is found again.
func (o *office) gives(t *testing.T) string {
	t.Helper()
	for d := newDeadline(t); ; d.wait("a half") {
		half, status := o.asks(t)
		if half != "" {
			return half
		}
		if status != 503 {
			t.Fatalf("/token: %d; expected 503 while the store is away", status)
		}
	}
}

// shown sends a half through Envoy.
func (o *office) shown(t *testing.T, half string) (int, string) {
	t.Helper()
	got := send(t, o.world.address, "GET /orders/7", "authorization: Bearer "+half)
	if got.status != 200 {
		o.mutex.Lock()
		o.said = append(o.said, got.body)
		o.mutex.Unlock()
	}
	return got.status, got.reason()
}

// becomes waits until a half gets a status. On the way it is refused or 503, never
// anything else.
func (o *office) becomes(t *testing.T, half string, want int) {
	t.Helper()
	for d := newDeadline(t); ; d.wait("the half") {
		status, reason := o.shown(t, half)
		if status == want {
			return
		}
		if status != 503 && (status != 200 || want == 200) {
			t.Fatalf("%d %s; expected 503, then %d", status, reason, want)
		}
	}
}

// unavailable: without its store the gate says 503 to everyone, at once where a
// store that does not answer would let it wait. half was never shown.
func (o *office) unavailable(t *testing.T, half string) {
	t.Helper()
	began := time.Now()
	if given, status := o.asks(t); given != "" || status != 503 {
		t.Errorf("/token: %d", status)
	}
	if status, reason := o.shown(t, half); status != 503 || reason != "store_unavailable" {
		t.Errorf("a half that is in the store: %d %s", status, reason)
	}
	for _, path := range []string{"/introspect", "/revoke"} {
		status, _, body, err := postForm(t.Context(), o.public+path, url.Values{"token": {half}}, "shop", "shop-secret")
		if err != nil || status != 503 || !strings.Contains(body, "temporarily_unavailable") {
			t.Errorf("%s: %d %v", path, status, err)
		}
		o.said = append(o.said, body)
	}
	if took := time.Since(began); took > 5*4*storeTimeout {
		t.Errorf("four answers took %v", took)
	}
}

// storeTimeout is that of the stores in these tests.
const storeTimeout = 250 * time.Millisecond

// saysNothing searches everything that was answered and logged.
func (o *office) saysNothing(t *testing.T) {
	t.Helper()
	secrets := o.secrets(t, 50)
	planted(t, secrets)
	access, err := os.ReadFile(o.log())
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"answers": strings.Join(o.said, "\n"), "tollgate's log": o.gate.Output(), "envoy's log": string(access),
	} {
		if len(text) == 0 {
			t.Errorf("%s: nothing was said: the test does not test", name)
		}
		for i, secret := range secrets {
			if i < openly && name != "answers" { // logs name who was let in by whom
				continue
			}
			if shows([]byte(text), [][]byte{secret}) {
				t.Errorf("%s: secret %d is in there", name, i)
			}
		}
	}
}

// wire stands between a gate and its Redis. When it is armed it loses the answer to
// the next record that is written, and everything after that.
type wire struct {
	to      string
	armed   atomic.Bool
	written chan struct{} // closed when Redis had answered
	once    sync.Once
	address string
}

func newWire(t *testing.T, to string) *wire {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	w := &wire{to: to, written: make(chan struct{}), address: listener.Addr().String()}
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go w.carry(near)
		}
	}()
	return w
}

func (w *wire) carry(near net.Conn) {
	defer near.Close()
	far, err := net.Dial("tcp", w.to)
	if err != nil {
		return
	}
	defer far.Close()
	var writes atomic.Bool // the last command of this connection writes a half
	go func() {
		defer far.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := near.Read(buffer)
			if n > 0 && bytes.Contains(buffer[:n], []byte("\r\nSET\r\n")) && bytes.Contains(buffer[:n], []byte("tollgate:split:")) {
				writes.Store(true)
			}
			if _, failed := far.Write(buffer[:n]); err != nil || failed != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := far.Read(buffer)
		if n > 0 && writes.Load() && w.armed.Load() {
			w.once.Do(func() { close(w.written) })
			return
		}
		if _, failed := near.Write(buffer[:n]); err != nil || failed != nil {
			return
		}
		writes.Store(false)
	}
}

// TestSplitWithoutItsRedis: whatever happens to Redis, /token and the check say 503
// or 401, what was acknowledged opens again, and nobody is told anything.
func TestSplitWithoutItsRedis(t *testing.T) {
	// Redis answers when its log is with the kernel, which is not killed.
	whole := t
	server := storetest.StartRedis(t, storetest.RedisBinary(t), "--appendonly", "yes", "--appendfsync", "no")
	w := newWire(t, server.Addr())
	o := newOffice(t, `store: {url: "redis://`+w.address+`", timeout: `+storeTimeout.String()+`}`+"\n"+
		`seal: {keys: [{id: k1, key: "`+sealKey(t)+`"}]}`)
	o.startFront(t, envoyconfig.Edge, o.gate.address)
	// Halves that were never shown are in the store only.
	var unshown []string
	for range 8 {
		unshown = append(unshown, o.gives(t))
	}
	next := func() string {
		half := unshown[0]
		unshown = unshown[1:]
		return half
	}
	o.becomes(t, o.gives(t), 200)

	t.Run("killed between store and answer", func(t *testing.T) {
		w.armed.Store(true)
		answered := make(chan int, 1)
		go func() {
			half, status, body, err := issue(t.Context(), o.public)
			if half != "" || err != nil || strings.Contains(body, "access_token") {
				status = 0
			}
			answered <- status
		}()
		<-w.written
		server.Kill()
		if status := <-answered; status != 503 {
			t.Errorf("/token: %d; expected 503 and no half", status)
		}
		w.armed.Store(false)
		o.unavailable(t, unshown[0])
		server.Restart(whole) // it outlives this part
		o.becomes(t, next(), 200)
		o.gives(t)
		kept, ok := server.Do(t, "KEYS", "tollgate:split:*").([]any)
		if !ok || len(kept) <= len(o.given) {
			t.Errorf("%d halves are stored, %d were given: the one between was not stored, or one was lost", len(kept), len(o.given))
		}
	})
	t.Run("paused", func(t *testing.T) {
		server.Do(t, "CLIENT", "PAUSE", "2000", "ALL") // nothing ends it earlier
		o.unavailable(t, unshown[0])
		o.becomes(t, next(), 200)
		o.gives(t)
	})
	t.Run("stopped", func(t *testing.T) {
		server.Stop(t)
		o.unavailable(t, unshown[0])
		server.Continue(t)
		o.becomes(t, next(), 200)
		o.gives(t)
	})
	t.Run("out of memory", func(t *testing.T) {
		server.Do(t, "CONFIG", "SET", "maxmemory-policy", "noeviction")
		server.Do(t, "CONFIG", "SET", "maxmemory", "1")
		if half, status := o.asks(t); half != "" || status != 503 {
			t.Errorf("/token: %d", status)
		}
		o.becomes(t, next(), 200) // reading goes on
		server.Do(t, "CONFIG", "SET", "maxmemory", "0")
		o.gives(t)
	})
	for _, half := range o.given { // all that were acknowledged, before the flush
		o.becomes(t, half, 200)
	}
	t.Run("flushed", func(t *testing.T) {
		server.Do(t, "FLUSHALL")
		before := o.given
		o.becomes(t, o.gives(t), 200)
		for _, half := range before { // also those that the gate remembered
			o.becomes(t, half, 401)
		}
	})
	o.saysNothing(t)
}
