package store

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/store/limit"
)

// Tally counts in this process. It is what memory and file count with.
type Tally struct {
	limit  int64 // bytes
	hooks  Hooks
	begin  func(id string) []byte // what is known of an id that is not held
	bytes  atomic.Int64
	shards [Partitions]tallies
}

type tallies struct {
	mu   sync.Mutex
	byID map[string]*Tallied
}

// Tallied is the record of one id. It is locked while it is counted on.
type Tallied struct {
	mu     sync.Mutex
	record []byte
	spare  []byte // the other of two buffers, so that counting allocates nothing
	until  int64  // micros from which the record says nothing
	seen   int64  // latest instant that was counted at
	gone   bool   // swept: look it up again

	// Safe is for a driver that reserves ahead: what it has written of the record.
	Safe []byte
}

// Record is what is counted. It must not be kept.
func (e *Tallied) Record() []byte { return e.record }

// TallyBytes is how much a tally holds unless told otherwise.
const TallyBytes = 1 << 30

// mostLate is how late a caller may come, in microseconds: its clock was read
// before others counted, and the time of a record must not run backwards for
// that. What lies further back is a step of the clock.
const mostLate = 10_000_000

// perTallied is what an id costs beside its id and its record: the map entry,
// the struct, both buffers rounded up.
const perTallied = 256

// NewTally makes an empty tally of at most bytes (0: TallyBytes). begin gives
// the record of an id that is not held; nil for none.
func NewTally(bytes int64, hooks Hooks, begin func(id string) []byte) *Tally {
	if bytes <= 0 {
		bytes = TallyBytes
	}
	if begin == nil {
		begin = func(string) []byte { return nil }
	}
	t := &Tally{limit: bytes, hooks: hooks.Filled(), begin: begin}
	for i := range t.shards {
		t.shards[i].byID = map[string]*Tallied{}
	}
	return t
}

// errFull says that there are more ids than fit: a store that cannot count.
var errFull = fmt.Errorf("%w: too many sessions are counted at once", ErrUnavailable)

// Count applies a step. keep, when not nil, is called with the entry locked and
// the next record before it counts: its error leaves everything as it was.
func (t *Tally) Count(ctx context.Context, id string, step Step, c *limit.Charge, keep func(e *Tallied, next []byte) error) (limit.Verdict, error) {
	if err := ctx.Err(); err != nil {
		return limit.Verdict{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	looks := step == Take && c.Cost == 0
	for {
		e := t.entry(id, !looks)
		if e == nil {
			if !looks {
				return limit.Verdict{}, errFull
			}
			v := limit.Peek(t.begin(id), c)
			return v, nil
		}
		e.mu.Lock()
		if e.gone {
			e.mu.Unlock()
			continue
		}
		v, err := t.apply(e, step, c, keep)
		e.mu.Unlock()
		return v, err
	}
}

func (t *Tally) apply(e *Tallied, step Step, c *limit.Charge, keep func(*Tallied, []byte) error) (limit.Verdict, error) {
	at := *c
	if late := e.seen - c.Now; late > 0 && late < mostLate {
		at.Now = e.seen
	}
	e.seen = at.Now
	next, v := Apply(e.spare[:0], e.record, step, &at)
	if v.Foreign {
		t.hooks.Unreadable(KindLimit)
	}
	if !v.Write {
		return v, nil
	}
	if keep != nil {
		if err := keep(e, next); err != nil {
			return limit.Verdict{}, err
		}
	}
	t.bytes.Add(int64(len(next) - len(e.record)))
	e.record, e.spare, e.until = next, e.record, v.Until
	return v, nil
}

// entry gives the entry of an id, made when make and there is room.
func (t *Tally) entry(id string, mayMake bool) *Tallied {
	s := &t.shards[Partition(id)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.byID[id]; e != nil || !mayMake {
		return e
	}
	if t.bytes.Load() >= t.limit {
		return nil
	}
	safe := t.begin(id)
	e := &Tallied{record: slices.Clone(safe), Safe: safe}
	s.byID[id] = e
	t.bytes.Add(int64(perTallied + len(id) + len(e.record)))
	return e
}

// SweepEvery sweeps one partition per tick until ctx ends.
func (t *Tally) SweepEvery(ctx context.Context, tick time.Duration, now func() time.Time) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for i := 0; ; i = (i + 1) % Partitions {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			t.Sweep(i, limit.Micros(now()))
		}
	}
}

// Sweep forgets the ids of one partition whose records say nothing at now.
func (t *Tally) Sweep(partition int, now int64) {
	s := &t.shards[partition]
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, e := range s.byID {
		if !e.mu.TryLock() { // being counted on
			continue
		}
		if e.until <= now {
			e.gone = true
			delete(s.byID, id)
			t.bytes.Add(-int64(perTallied + len(id) + len(e.record)))
		}
		e.mu.Unlock()
	}
}

// All gives every id and its entry, each while it is locked.
func (t *Tally) All(yield func(id string, e *Tallied) bool) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		ids := make(map[string]*Tallied, len(s.byID))
		for id, e := range s.byID {
			ids[id] = e
		}
		s.mu.Unlock()
		for id, e := range ids {
			e.mu.Lock()
			goOn := yield(id, e)
			e.mu.Unlock()
			if !goOn {
				return
			}
		}
	}
}

// Len is the number of ids that are counted.
func (t *Tally) Len() int {
	n := 0
	for i := range t.shards {
		t.shards[i].mu.Lock()
		n += len(t.shards[i].byID)
		t.shards[i].mu.Unlock()
	}
	return n
}
