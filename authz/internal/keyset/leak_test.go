package keyset

import (
	"net/http"
	"os"
	"runtime"
	"testing"
	"testing/synctest"
	"time"
)

// long says whether the full counts are wanted (make test-long).
func long() bool { return os.Getenv("TOLLGATE_LONG") == "1" }

// Refreshes, half of them failing, and reloads leave goroutines and heap where
// they were within a tenth (S-076): 10,000 and 1,000 of them when TOLLGATE_LONG
// is 1, a tenth of that otherwise.
func TestRefreshesAndReloadsLeakNothing(t *testing.T) {
	refreshes, reloads := 1000, 100
	if long() {
		refreshes, reloads = 10000, 1000
	}
	synctest.Test(t, func(t *testing.T) {
		documents := []string{set(newSigner("a").jwk()), set(newSigner("b").jwk())}
		n := 0
		p := newProvider(t, func(w http.ResponseWriter, r *http.Request) {
			if n++; n%2 == 0 {
				status(http.StatusBadGateway)(w, r)
				return
			}
			serve(documents[n/2%2])(w, r)
		})
		pool := NewPool(PoolConfig{Dial: p.dial})
		lease := pool.Lease()
		r := must(lease.Remote(atKeys))
		refresh := func(times uint64) {
			for end := r.State().Fetches + times; r.State().Fetches < end; {
				until(t, time.Until(r.State().NextRefresh))
			}
		}
		reload := func(times int) {
			for range times {
				next := pool.Lease()
				must(next.Remote(atKeys))
				must(next.Remote(Options{URL: "http://localhost/other"}))
				next.Wait(t.Context())
				lease.Release()
				lease = next
			}
		}
		<-r.Tried()
		refresh(uint64(refreshes) / 20) // pools of the standard library fill up
		reload(reloads / 20)
		heap, goroutines := settled(t)
		refresh(uint64(refreshes))
		reload(reloads)
		heapAfter, goroutinesAfter := settled(t)
		if goroutinesAfter > goroutines+goroutines/10 {
			t.Errorf("%d goroutines, %d before", goroutinesAfter, goroutines)
		}
		if heapAfter > heap+heap/10 {
			t.Errorf("heap of %d bytes, %d before", heapAfter, heap)
		}
		t.Logf("evidence: %d fetches, %d reloads: goroutines %d -> %d, heap %d -> %d", p.fetches.Load(), reloads, goroutines, goroutinesAfter, heap, heapAfter)
		pool.Close()
	})
}

// settled gives heap and goroutines once nothing is under way.
func settled(t *testing.T) (heap uint64, goroutines int) {
	t.Helper()
	synctest.Wait()
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc, runtime.NumGoroutine()
}
