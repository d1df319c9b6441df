package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

func TestTableSweeps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		table := store.NewTable(0, time.Now, store.Hooks{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go table.SweepEvery(ctx, time.Second)
		for i := range 1000 {
			key := store.Key{Kind: store.KindSplit, ID: fmt.Sprint(i)}
			r := store.Record{Value: make([]byte, 100), Version: 1}
			if i%2 == 0 {
				r.Expires = time.Now().Add(time.Minute)
			}
			if err := table.Set(key, r, store.Any); err != nil {
				t.Fatal(err)
			}
		}
		before := table.Bytes()
		<-time.After(3 * time.Minute)
		synctest.Wait()
		if got := table.Bytes(); got != before/2 && got > before/2+before/50 {
			t.Errorf("%d bytes of %d are left when half has expired", got, before)
		}
		cancel()
		synctest.Wait()
	})
}

func TestTableBound(t *testing.T) {
	table := store.NewTable(10<<10, time.Now, store.Hooks{})
	set := func(i, size int) error {
		key := store.Key{Kind: store.KindSplit, ID: fmt.Sprintf("%03d", i)}
		return table.Set(key, store.Record{Value: make([]byte, size), Version: 1}, store.Any)
	}
	n := 0
	for ; set(n, 100) == nil; n++ {
		if n > 1000 {
			t.Fatal("never full")
		}
	}
	if n < 40 || n > 50 {
		t.Errorf("%d records of 231 bytes in 10 KiB", n)
	}
	if err := set(0, 101+10<<10); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a record that grows beyond the bound: %v", err)
	}
	if err := set(0, 10); err != nil {
		t.Errorf("a record that shrinks: %v", err)
	}
	if table.Bytes() > table.Limit() {
		t.Errorf("%d bytes of %d", table.Bytes(), table.Limit())
	}
	for i := range n {
		if err := table.Unset(store.Key{Kind: store.KindSplit, ID: fmt.Sprintf("%03d", i)}, store.Any); err != nil {
			t.Fatal(err)
		}
	}
	if got := table.Bytes(); got != 0 {
		t.Errorf("an empty table holds %d bytes", got)
	}
}

// slow is a follower that lets time pass with each event.
type slow struct{ contacts []time.Time }

func (s *slow) Event(store.Event)    { <-time.After(time.Millisecond) }
func (s *slow) Contact(at time.Time) { s.contacts = append(s.contacts, at) }

// TestRingContact: a contact is of the time before the events were looked for,
// never of the time after.
func TestRingContact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ring := store.NewRing(time.Now)
		head := ring.Head()
		for range 500 {
			if _, err := ring.Publish("t", nil); err != nil {
				t.Fatal(err)
			}
		}
		start := time.Now()
		f := &slow{}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- ring.Subscribe(ctx, head, f) }()
		<-time.After(3500 * time.Millisecond)
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if len(f.contacts) != 4 || !f.contacts[0].Equal(start) {
			t.Errorf("contacts %v after %v", f.contacts, start)
		}
	})
}

func TestRingRefusesPositions(t *testing.T) {
	ring := store.NewRing(time.Now)
	other := store.NewRing(time.Now)
	for at, want := range map[store.Position]error{
		"": store.ErrInvalid, "x": store.ErrInvalid, other.Head(): store.ErrGap,
		ring.Head()[:len(ring.Head())-1] + "x": store.ErrInvalid, ring.Head()[:len(ring.Head())-1] + "9": store.ErrGap,
	} {
		if err := ring.Subscribe(t.Context(), at, &slow{}); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", at, err, want)
		}
	}
}
