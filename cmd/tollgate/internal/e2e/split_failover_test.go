package e2e

import (
	"sync/atomic"
	"testing"
	"time"

	envoyconfig "github.com/tollgate-authz/tollgate/envoy/config"
	"github.com/tollgate-authz/tollgate/store/storetest"
)

// TestSplitThroughFailover: what the new primary has got opens; what the failover
// itself lost is 401, and with replicas=1 it loses nothing that was acknowledged.
// Nothing but a half or 503 ever comes of /token.
func TestSplitThroughFailover(t *testing.T) {
	both := []bool{true}
	if long() {
		both = []bool{true, false}
	}
	for _, confirmed := range both {
		name, query := "as it comes", ""
		if confirmed {
			name, query = "with replicas=1", "?replicas=1"
		}
		t.Run(name, func(t *testing.T) {
			c := storetest.StartSentinels(t, storetest.RedisBinary(t))
			o := newOffice(t, `store: {url: "`+c.URL()+query+`", timeout: `+storeTimeout.String()+`}`+"\n"+`seal: {keys: [{id: k1, key: "`+sealKey(t)+`"}]}`)
			o.startFront(t, envoyconfig.Edge, o.gate.address)
			for range 30 {
				o.gives(t)
			}
			old := c.Master(t)
			for d := newDeadline(t); c.Nodes[1].Number(t, "slave_repl_offset") < old.Number(t, "master_repl_offset"); {
				d.wait("the replica")
			}
			replicated := len(o.given)
			odd, stop := o.keepsIssuing(t)
			o.awaits(t, "halves", func() bool { return len(o.given) > replicated+20 })
			old.Kill()
			atKill := o.issued()
			c.AwaitFailover(t, old)
			if confirmed { // the new primary has no replica yet
				refused := o.refused()
				o.awaits(t, "refusals", func() bool { return len(o.said) > refused+20 })
			} else {
				o.awaits(t, "halves after the failover", func() bool { return len(o.given) > atKill+20 })
			}
			stop()

			lost := 0
			for i, half := range o.given {
				status, reason := o.shown(t, half)
				for d := newDeadline(t); status == 503; d.wait("the store") {
					status, reason = o.shown(t, half)
				}
				switch {
				case status == 200:
				case status == 401 && !confirmed && i >= replicated && i <= atKill:
					lost++
				default:
					t.Errorf("half %d of %d (%d replicated, %d when the primary was killed): %d %s", i, len(o.given), replicated, atKill, status, reason)
				}
			}
			if odd.Load() > 0 || len(o.said) == 0 {
				t.Errorf("%d odd answers, %d times 503", odd.Load(), len(o.said))
			}
			t.Logf("evidence: %d acknowledged, %d of them before the primary was killed, %d lost with it, %d times 503", len(o.given), atKill, lost, len(o.said))
			o.saysNothing(t)
		})
	}
}

// keepsIssuing asks for tokens until it is stopped, and counts what is neither a
// half nor 503.
func (o *office) keepsIssuing(t *testing.T) (odd *atomic.Int64, stop func()) {
	t.Helper()
	odd = new(atomic.Int64)
	ended, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
			}
			half, status, body, err := issue(t.Context(), o.public)
			o.mutex.Lock()
			switch {
			case half != "":
				o.given = append(o.given, half)
			case err == nil && status == 503:
				o.said = append(o.said, body)
			default:
				odd.Add(1)
			}
			o.mutex.Unlock()
		}
	}()
	return odd, func() { close(ended); <-over }
}

// awaits waits for something about what was given or said.
func (o *office) awaits(t *testing.T, what string, done func() bool) {
	t.Helper()
	for d := newDeadline(t); ; d.wait(what) {
		o.mutex.Lock()
		is := done()
		o.mutex.Unlock()
		if is {
			return
		}
	}
}

func (o *office) issued() int {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return len(o.given)
}

func (o *office) refused() int {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return len(o.said)
}
