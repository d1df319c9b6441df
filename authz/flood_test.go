package authz

import (
	"crypto/rand"
	"os"
	"runtime"
	"testing"
)

// A flood of halves that nobody was given: each is looked up once while it is
// remembered, and remembering has an end.
func TestFloodOfHalves(t *testing.T) {
	count := 20_000
	if os.Getenv("TOLLGATE_LONG") == "1" {
		count = 100_000
	}
	k, s := newKeeper(t), keys()["HS256"]
	e := k.replica(t, splitting(s))
	flood := func(n int) {
		for range n {
			var half [32]byte
			must(rand.Read(half[:]))
			text := b64(half[:])
			if a, b := told(e, text), told(e, text); a != TokenUnknown || b != TokenUnknown {
				t.Fatalf("%q %q", a, b)
			}
		}
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	flood(count / 2)
	before, asked := heap(), k.gets.Load()
	flood(count)
	if n := k.gets.Load() - asked; n != int64(count) {
		t.Errorf("the store was asked %d times for %d halves that were shown twice", n, count)
	}
	if after := heap(); after > before+4<<20 {
		t.Errorf("the heap grew from %d to %d bytes", before, after)
	}
}
