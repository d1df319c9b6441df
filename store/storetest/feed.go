package storetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// follower keeps what it is told.
type follower struct {
	events   chan store.Event
	contacts chan time.Time // the newest only
}

func newFollower() *follower {
	return &follower{events: make(chan store.Event, 1<<16), contacts: make(chan time.Time, 1)}
}

// Event implements store.Follower.
func (f *follower) Event(e store.Event) { f.events <- e }

// Contact implements store.Follower.
func (f *follower) Contact(at time.Time) {
	select {
	case <-f.contacts:
	default:
	}
	f.contacts <- at
}

func (f *follower) next(t *testing.T) store.Event { return receive(t, f.events) }

func (f *follower) contact(t *testing.T) time.Time { return receive(t, f.contacts) }

func receive[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-within(t).Done():
		t.Fatal("waited in vain")
	}
	var none T
	return none
}

// follow subscribes until the test ends or stop is called.
func follow(t *testing.T, b store.Backend, from store.Position) (f *follower, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	f = newFollower()
	go func() { done <- b.Subscribe(ctx, from, f) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := receive(t, done); !errors.Is(err, context.Canceled) {
			t.Errorf("subscription ended with %v", err)
		}
	})
	return f, stop
}

func publish(t *testing.T, b store.Backend, topic, payload string) store.Position {
	t.Helper()
	at, err := b.Publish(within(t), topic, []byte(payload))
	if err != nil {
		t.Fatalf("publish: %v", err)
	}
	return at
}

func head(t *testing.T, b store.Backend) store.Position {
	t.Helper()
	at, err := b.Head(within(t))
	if err != nil {
		t.Fatalf("head: %v", err)
	}
	return at
}

func tellsInOrder(t *testing.T, _ Subject, b store.Backend) {
	before := publish(t, b, "early", "not told")
	if at := head(t, b); at != before {
		t.Errorf("head is %s after publishing %s", at, before)
	}
	f, stop := follow(t, b, before)
	defer stop()
	f.contact(t)
	for i := range 100 {
		at := publish(t, b, "topic", fmt.Sprintf("%d\x00\r\n", i))
		e := f.next(t)
		if e.Topic != "topic" || string(e.Payload) != fmt.Sprintf("%d\x00\r\n", i) || e.At != at {
			t.Fatalf("event %d: %+v at %s", i, e, at)
		}
	}
}

func replaysFromPosition(t *testing.T, _ Subject, b store.Backend) {
	from := head(t, b)
	if again := head(t, b); again != from {
		t.Errorf("head moved from %s to %s without an event", from, again)
	}
	const n = 2000
	at := make([]store.Position, n)
	for i := range n {
		at[i] = publish(t, b, "t", fmt.Sprint(i))
	}
	for _, start := range []int{-1, 0, n / 2, n - 2, n - 1} {
		position := from
		if start >= 0 {
			position = at[start]
		}
		f, stop := follow(t, b, position)
		for i := start + 1; i < n; i++ {
			if e := f.next(t); string(e.Payload) != fmt.Sprint(i) {
				t.Fatalf("from %d: event %s, want %d", start, e.Payload, i)
			}
		}
		publish(t, b, "t", "live")
		for {
			e := f.next(t)
			if string(e.Payload) == "live" {
				break
			}
		}
		stop()
	}
}

func trimsAndSaysSo(t *testing.T, s Subject, b store.Backend) {
	first := head(t, b)
	n := 2*store.FeedLength + 1000
	each := n/s.Workers + 1
	var all sync.WaitGroup
	for range s.Workers {
		all.Go(func() {
			for range each {
				if _, err := b.Publish(within(t), "t", []byte("x")); err != nil {
					t.Errorf("publish: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	err := b.Subscribe(within(t), first, newFollower())
	wantErr(t, "subscribe from before what is kept", err, store.ErrGap)
	f, stop := follow(t, b, head(t, b))
	defer stop()
	publish(t, b, "t", "after")
	if e := f.next(t); string(e.Payload) != "after" {
		t.Errorf("event %+v", e)
	}
}

func keepsInContact(t *testing.T, _ Subject, b store.Backend) {
	f, stop := follow(t, b, head(t, b))
	defer stop()
	first := f.contact(t)
	for {
		at := f.contact(t)
		if at.Before(first) {
			t.Fatalf("contact went back from %v to %v", first, at)
		}
		if at.After(first) {
			return
		}
	}
}

func spreadsToAll(t *testing.T, s Subject, b store.Backend) {
	from := head(t, b)
	followers := make([]*follower, 4)
	for i := range followers {
		f, stop := follow(t, b, from)
		defer stop()
		followers[i] = f
	}
	var all sync.WaitGroup
	for w := range s.Workers {
		all.Go(func() {
			for i := range s.Rounds {
				if _, err := b.Publish(within(t), "t", fmt.Appendf(nil, "%d %d", w, i)); err != nil {
					t.Errorf("publish: %v", err)
					return
				}
			}
		})
	}
	all.Wait()
	if t.Failed() {
		return
	}
	var order []string
	for n, f := range followers {
		last := make(map[int]int)
		for i := range s.Workers * s.Rounds {
			e := f.next(t)
			var w, seq int
			if _, err := fmt.Sscanf(string(e.Payload), "%d %d", &w, &seq); err != nil {
				t.Fatal(err)
			}
			if seq != last[w] {
				t.Fatalf("event %d of worker %d came when %d was due", seq, w, last[w])
			}
			last[w]++
			if n == 0 {
				order = append(order, string(e.Payload))
			} else if order[i] != string(e.Payload) {
				t.Fatalf("two followers saw two orders at %d", i)
			}
		}
	}
}
