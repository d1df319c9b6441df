package e2e

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// crowd is many clients that ask all the time on kept connections.
type crowd struct {
	stop    chan struct{}
	group   sync.WaitGroup
	answers atomic.Int64
	wrong   atomic.Int64
	mutex   sync.Mutex
	first   string // the first wrong answer
}

// gather starts n clients that send a request every pause, each with a phase of
// its own.
func gather(n int, pause time.Duration, ask func(client int) error) *crowd {
	c := &crowd{stop: make(chan struct{})}
	for client := range n {
		c.group.Go(func() {
			timer := time.NewTimer(pause * time.Duration(client) / time.Duration(n))
			defer timer.Stop()
			for {
				select {
				case <-c.stop:
					return
				case <-timer.C:
				}
				c.answers.Add(1)
				if err := ask(client); err != nil {
					c.wrong.Add(1)
					c.mutex.Lock()
					if c.first == "" {
						c.first = err.Error()
					}
					c.mutex.Unlock()
				}
				timer.Reset(pause)
			}
		})
	}
	return c
}

// more waits until n further answers have come.
func (c *crowd) more(t *testing.T, n int64) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	for target := c.answers.Load() + n; c.answers.Load() < target; {
		select {
		case <-ticker.C:
		case <-deadline.C:
			t.Fatalf("%d of %d answers came", c.answers.Load()-target+n, n)
		}
	}
}

// leave ends the clients after their last answers.
func (c *crowd) leave() {
	close(c.stop)
	c.group.Wait()
}

// keeper is one client with one connection that it keeps.
type keeper struct {
	address, request string
	conn             net.Conn
	reader           *bufio.Reader
}

func (k *keeper) ask() (*reply, error) {
	if k.conn == nil {
		conn, err := (&net.Dialer{Timeout: patience}).Dial("tcp", k.address)
		if err != nil {
			return nil, err
		}
		k.conn, k.reader = conn, bufio.NewReader(conn)
	}
	if err := k.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := k.conn.Write([]byte(k.request)); err != nil {
		k.close()
		return nil, err
	}
	got, err := readReply(k.reader, "GET")
	if err != nil {
		k.close()
		return nil, err
	}
	if strings.EqualFold(got.header.Get("connection"), "close") {
		k.close()
	}
	return got, nil
}

func (k *keeper) close() {
	if k.conn != nil {
		_ = k.conn.Close()
		k.conn = nil
	}
}

func request(target, bearer string) string {
	return "GET " + target + " HTTP/1.1\r\nhost: api.example.com\r\n" + bearer + "\r\n\r\n"
}

// TestRollingRestartLosesNoRequest: two replicas are replaced one after the other
// under 200 concurrent clients, and every client gets every answer.
func TestRollingRestartLosesNoRequest(t *testing.T) {
	const clients = 200
	for _, shape := range shapes {
		t.Run(string(shape), func(t *testing.T) {
			w := &world{dir: t.TempDir(), upstream: newRecorder(t)}
			w.upstream.quiet = true
			w.key = newKey(t, w.dir)
			var gates [2]*gate
			for i := range gates {
				text := strings.ReplaceAll(configuration, "127.0.0.1:0", fixedAddress(t))
				gates[i] = startGate(t, w.write(t, fmt.Sprintf("tollgate-%d.yaml", i), text))
			}
			w.startFront(t, shape, gates[0].address, gates[1].address)
			bearer := w.bearer(t, "alice")
			until(t, w, 200, bearer)

			keepers := make([]keeper, clients)
			c := gather(clients, 400*time.Millisecond, func(client int) error {
				k := &keepers[client]
				k.address, k.request = w.address, request("/orders/7", bearer)
				got, err := k.ask()
				if err == nil && got.status != 200 {
					err = fmt.Errorf("status %d, reason %q, details %q", got.status, got.reason(), got.body)
				}
				return err
			})
			c.more(t, 2*clients)
			for i, g := range gates {
				g.signal(t, syscall.SIGTERM)
				await(t, g)
				if code := g.Code(); code != 0 {
					t.Errorf("replica %d: exit status %d:\n%s", i, code, g.Output())
				}
				c.more(t, 2*clients)
				startGate(t, g.config)
				// The front must have found the new one before the other goes.
				w.awaitHealthy(t, 2)
				c.more(t, 2*clients)
			}
			c.leave()
			for i := range keepers {
				keepers[i].close()
			}
			if wrong := c.wrong.Load(); wrong > 0 {
				t.Errorf("%d of %d answers were wrong, the first: %s", wrong, c.answers.Load(), c.first)
			}
			t.Logf("evidence: %d clients, %d answers over two restarts, %d wrong", clients, c.answers.Load(), c.wrong.Load())
		})
	}
}

// awaitHealthy waits until Envoy holds n gates for healthy, and has looked at each
// after this call: what it thinks now may be of a process that is gone.
func (w *world) awaitHealthy(t *testing.T, n int) {
	t.Helper()
	target := w.healthStat(t, "health_check.success") + 2*n
	for d := newDeadline(t); ; d.wait("healthy gates") {
		if w.healthStat(t, "health_check.success") >= target && w.healthStat(t, "membership_healthy") == n {
			return
		}
	}
}

// healthStat is a figure of the gate's cluster, in whatever shape.
func (w *world) healthStat(t *testing.T, name string) int {
	t.Helper()
	text, err := w.front.Ask(t.Context(), "/stats?filter=tollgate.*"+name+"$")
	if err != nil {
		t.Fatal(err)
	}
	_, number, _ := strings.Cut(strings.TrimSpace(text), name+": ")
	value, err := strconv.Atoi(number)
	if err != nil {
		t.Fatalf("statistic %s: %q", name, text)
	}
	return value
}
