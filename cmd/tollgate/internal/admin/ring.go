package admin

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/authz"
)

// Bounds of what is remembered of decisions.
const (
	RingSize    = 4096 // latest decisions that GetDecision finds
	watchers    = 16   // streams at once
	watchBuffer = 256  // decisions that a slow stream may lag behind
)

// Seen is one decision and when it was made.
type Seen struct {
	authz.DecisionInfo
	Time time.Time
}

// Decisions is a bounded memory of the latest decisions of this replica and the
// streams that watch them. It is told by the observer of decisions; without a
// watcher and with a full ring that costs one lock and one copy.
type Decisions struct {
	mutex sync.Mutex
	ring  []Seen
	next  int
	index map[string]int // by decision id

	watching map[*watcher]struct{}
}

type watcher struct {
	seen    chan Seen
	dropped atomic.Uint64
}

// NewDecisions makes an empty memory of RingSize decisions.
func NewDecisions() *Decisions {
	return &Decisions{ring: make([]Seen, 0, RingSize), index: make(map[string]int, RingSize), watching: map[*watcher]struct{}{}}
}

// Tell remembers a decision.
func (d *Decisions) Tell(info *authz.DecisionInfo, at time.Time) {
	seen := Seen{DecisionInfo: *info, Time: at}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if len(d.ring) < cap(d.ring) {
		d.ring = append(d.ring, seen)
	} else {
		delete(d.index, d.ring[d.next].ID)
		d.ring[d.next] = seen
	}
	d.index[info.ID] = d.next
	d.next = (d.next + 1) % cap(d.ring)
	for w := range d.watching {
		select {
		case w.seen <- seen:
		default:
			w.dropped.Add(1)
		}
	}
}

// Find gives a remembered decision.
func (d *Decisions) Find(id string) (Seen, bool) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	at, ok := d.index[id]
	if !ok {
		return Seen{}, false
	}
	return d.ring[at], true
}

// watch gives every decision from now on to yield, with how many were dropped
// before it, until ctx ends or yield fails. False: there are too many watchers.
func (d *Decisions) watch(ctx context.Context, yield func(Seen, uint64) error) (bool, error) {
	w := &watcher{seen: make(chan Seen, watchBuffer)}
	d.mutex.Lock()
	if len(d.watching) >= watchers {
		d.mutex.Unlock()
		return false, nil
	}
	d.watching[w] = struct{}{}
	d.mutex.Unlock()
	defer func() {
		d.mutex.Lock()
		delete(d.watching, w)
		d.mutex.Unlock()
	}()
	for {
		select {
		case seen := <-w.seen:
			if err := yield(seen, w.dropped.Swap(0)); err != nil {
				return true, err
			}
		case <-ctx.Done():
			return true, ctx.Err()
		}
	}
}
