package authz

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
)

// TestReloadIsAtomic: S-133. Generations that allow alice and deny bob, and the
// reverse, are swapped under load: every answer is that of the generation that
// it names.
func TestReloadIsAtomic(t *testing.T) {
	only := func(subject string) Spec {
		return standard(onAPI(func(a *APISpec) { a.Claims.Subjects = []string{subject} }))
	}
	e := engine(t, only("alice")) // generation 1; odd ones allow alice
	key := keys()["HS256"]
	asked := map[string]*request{
		"alice": get("/orders", bearerOf(key.sign(good()))),
		"bob":   get("/orders", bearerOf(key.sign(good(claims{"sub": "bob"})))),
	}
	var stop atomic.Bool
	var answers atomic.Int64
	var wrong atomic.Pointer[string]
	var clients sync.WaitGroup
	for name, req := range asked {
		for range 2 {
			clients.Go(func() {
				for !stop.Load() {
					got := e.Decide(context.Background(), req)
					answers.Add(1)
					var generation int
					if _, err := fmt.Sscan(got.Metadata.Config, &generation); err != nil {
						text := err.Error()
						wrong.Store(&text)
					}
					allowed := (generation%2 == 1) == (name == "alice")
					if (got.Outcome == Allow) != allowed {
						text := fmt.Sprintf("%s under %d: %s", name, generation, got.Reason)
						wrong.Store(&text)
					}
				}
			})
		}
	}
	for i := range 200 {
		load(t, e, only([]string{"bob", "alice"}[i%2]))
		for seen := answers.Load(); answers.Load() < seen+20; { // answers between swaps
		}
	}
	stop.Store(true)
	clients.Wait()
	if text := wrong.Load(); text != nil {
		t.Error(*text)
	}
	if n := answers.Load(); n < 4000 {
		t.Errorf("only %d answers", n)
	}
}

// TestBrokenReload: the live snapshot stays.
func TestBrokenReload(t *testing.T) {
	e := engine(t, standard())
	spec := standard(onAPI(func(a *APISpec) { a.Keys = nil }))
	if snap, found := e.Compile(context.Background(), spec); snap != nil || len(found) == 0 {
		t.Fatal("compiled")
	}
	if got := e.Decide(context.Background(), get("/orders", bearerOf(keys()["HS256"].sign(good())))); got.Outcome != Allow || got.Metadata.Config != "1" {
		t.Errorf("%+v", got)
	}
	next := load(t, e, standard(func(s *Spec) { s.Hash = "abc" }))
	if next.Generation() != 2 || next.Hash() != "abc" || e.Snapshot() != next {
		t.Errorf("generation %d", next.Generation())
	}
	if apis := next.APIs(); len(apis) != 1 || apis[0].ID != "orders" || len(next.KeySets()) != 0 {
		t.Errorf("%+v", apis)
	}
}
