package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// until asks again until a request gets the wanted status.
func until(t *testing.T, w *world, status int, headers ...string) *reply {
	t.Helper()
	for d := newDeadline(t); ; {
		got := send(t, w.address, "GET /orders/7", headers...)
		if got.status == status {
			return got
		}
		d.wait(fmt.Sprintf("%d (still %d %s)", status, got.status, got.reason()))
	}
}

// TestGateAway: while the gate is dead or does not answer, nobody passes, with or
// without a token, and when it is back it decides again.
func TestGateAway(t *testing.T) {
	for _, shape := range shapes {
		t.Run(string(shape), func(t *testing.T) {
			w := &world{dir: t.TempDir(), upstream: newRecorder(t)}
			w.key = newKey(t, w.dir)
			file := w.write(t, "tollgate.yaml", strings.ReplaceAll(configuration, "127.0.0.1:0", fixedAddress(t)))
			w.gate = startGate(t, file)
			w.startFrontAs(t, bootstrap(t, shape, w.log(), w.upstream.address, w.gate.address))
			bearer := w.bearer(t, "alice")
			until(t, w, 200, bearer)

			t.Run("stopped", func(t *testing.T) {
				w.gate.signal(t, syscall.SIGSTOP)
				awaitStopped(t, w.gate.PID())
				w.upstream.take()
				w.refusesAll(t, bearer)
				w.gate.signal(t, syscall.SIGCONT)
				until(t, w, 200, bearer)
			})
			t.Run("killed", func(t *testing.T) {
				end(w.gate.Process)
				w.upstream.take()
				w.refusesAll(t, bearer)
			})
			t.Run("restarted", func(t *testing.T) {
				w.gate = startGate(t, file)
				until(t, w, 200, bearer)
				until(t, w, 401)
			})
		})
	}
}

// awaitStopped waits until every thread of a process has stopped.
func awaitStopped(t *testing.T, pid int) {
	t.Helper()
	for d := newDeadline(t); ; d.wait("the stop of every thread") {
		tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
		if err != nil || len(tasks) == 0 {
			t.Fatalf("process %d has no threads: %v", pid, err)
		}
		running := slices.ContainsFunc(tasks, func(task string) bool {
			text, err := os.ReadFile(task)
			return err == nil && !strings.Contains(string(text), ") T ")
		})
		if !running {
			return
		}
	}
}

// refusesAll: 503 for everything that needs an answer of the gate.
func (w *world) refusesAll(t *testing.T, bearer string) {
	t.Helper()
	for _, headers := range [][]string{{bearer}, {}, {"x-envoy-auth-failure-mode-allowed: true"}} {
		for range 3 {
			if got := send(t, w.address, "GET /orders/7", headers...); got.status != 503 {
				t.Errorf("status %d while the gate is away, expected 503", got.status)
			}
		}
	}
	w.upstream.none(t)
}

// TestSignalsEndTheGate: the first signal drains and exits 0, a second one does
// not wait.
func TestSignalsEndTheGate(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run("drain after "+signal.String(), func(t *testing.T) {
			w := &world{dir: t.TempDir()}
			newKey(t, w.dir)
			g := startGate(t, w.write(t, "tollgate.yaml", strings.ReplaceAll(configuration, "delay: 2s", "delay: 10ms")))
			g.signal(t, signal)
			await(t, g)
			if code := g.Code(); code != 0 {
				t.Errorf("exit status %d, expected 0:\n%s", code, g.Output())
			}
		})
	}
	t.Run("at once after the second", func(t *testing.T) {
		w := &world{dir: t.TempDir()}
		newKey(t, w.dir)
		g := startGate(t, w.write(t, "tollgate.yaml", strings.ReplaceAll(configuration, "delay: 2s", "delay: 1h")))
		g.signal(t, syscall.SIGTERM)
		g.await(t, "draining")
		g.signal(t, syscall.SIGTERM)
		await(t, g)
		if g.Code() == 0 {
			t.Error("exit status 0: nothing says that the drain was cut short")
		}
	})
}

// await waits for the end of a gate.
func await(t *testing.T, g *gate) {
	t.Helper()
	timer := time.NewTimer(startup)
	defer timer.Stop()
	select {
	case <-g.Ended():
	case <-timer.C:
		t.Fatalf("it still runs:\n%s", g.Output())
	}
}
