package store

import (
	"context"
	"fmt"
	"maps"
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
	keep   Keep                   // nil: nothing has to be kept
	bytes  atomic.Int64
	shards [Partitions]tallies
}

type tallies struct {
	mu   sync.Mutex
	byID map[string]*Tallied
}

// Tallied is the record of one id. It is locked while it is counted on.
type Tallied struct {
	ID     string
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
// the record of an id that is not held; nil for none. keep may be nil.
func NewTally(bytes int64, hooks Hooks, begin func(id string) []byte, keep Keep) *Tally {
	if bytes <= 0 {
		bytes = TallyBytes
	}
	if begin == nil {
		begin = func(string) []byte { return nil }
	}
	t := &Tally{limit: bytes, hooks: hooks.Filled(), begin: begin, keep: keep}
	for i := range t.shards {
		t.shards[i].byID = map[string]*Tallied{}
	}
	return t
}

// errFull says that there are more ids than fit: a store that cannot count.
var errFull = fmt.Errorf("%w: too many sessions are counted at once", ErrUnavailable)

// Keep is told of the record that a step would leave, with its entry locked,
// before it counts. Its error leaves everything as it was.
type Keep func(ctx context.Context, e *Tallied, next []byte, step Step, c *limit.Charge) error

// Count applies a step.
func (t *Tally) Count(ctx context.Context, id string, step Step, c *limit.Charge) (limit.Verdict, error) {
	if err := ctx.Err(); err != nil {
		return limit.Verdict{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	e, err := t.lock(id, step != Take || c.Cost > 0)
	if err != nil {
		return limit.Verdict{}, err
	}
	if e == nil { // only looked at
		return limit.Peek(t.begin(id), c), nil
	}
	defer e.mu.Unlock()
	n := t.next(e, step, c)
	if err := t.makeSure(ctx, &n, step, c); err != nil {
		return limit.Verdict{}, err
	}
	t.commit(&n)
	return n.verdict, nil
}

// CountBoth takes from both records or from none, the own one first. The shared
// one is locked for as long as counting takes, never while keep runs: all callers
// wait for it.
func (t *Tally) CountBoth(ctx context.Context, own, shared *Part) {
	if own.ID == shared.ID {
		own.Err = fmt.Errorf("%w: one record twice", ErrInvalid)
		shared.Err = own.Err
		return
	}
	if err := ctx.Err(); err != nil {
		own.Err = fmt.Errorf("%w: %w", ErrUnavailable, err)
		shared.Err = own.Err
		return
	}
	mayMake := own.Charge.Cost > 0
	e, err := t.lock(own.ID, mayMake)
	if own.Err = err; err != nil {
		t.look(shared)
		return
	}
	if e == nil { // only looked at
		own.Verdict = limit.Peek(t.begin(own.ID), own.Charge)
		t.look(shared)
		return
	}
	defer e.mu.Unlock()
	mine := t.next(e, Take, own.Charge)
	own.Verdict = mine.verdict
	if own.Err = t.makeSure(ctx, &mine, Take, own.Charge); own.Err != nil {
		t.look(shared)
		return
	}
	if !own.Verdict.Admitted {
		t.commit(&mine)
		t.look(shared)
		return
	}
	shared.Verdict, shared.Err = t.Count(ctx, shared.ID, Take, shared.Charge)
	if shared.Err == nil && shared.Verdict.Admitted {
		t.commit(&mine)
		return
	}
	// Nothing is charged here either; what was made sure of is charged later.
	own.Verdict = t.uncharged(e, own.Charge)
}

// look fills in what a part says while nothing is charged on it.
func (t *Tally) look(p *Part) {
	e, err := t.lock(p.ID, false)
	switch {
	case err != nil:
		p.Err = err
	case e == nil:
		unknown := &Tallied{ID: p.ID, record: t.begin(p.ID)}
		p.Verdict = t.uncharged(unknown, p.Charge)
	default:
		p.Verdict = t.uncharged(e, p.Charge)
		e.mu.Unlock()
	}
}

// uncharged is the verdict on a charge that is not made.
func (t *Tally) uncharged(e *Tallied, c *limit.Charge) limit.Verdict {
	v := t.next(e, Take, c).verdict
	v.Write = false
	if v.Admitted && c.Cost > 0 {
		look := *c
		look.Cost = 0
		v.Usage = t.next(e, Take, &look).verdict.Usage
	}
	return v
}

// Counted gives a copy of the record of an id.
func (t *Tally) Counted(id string) []byte {
	e, err := t.lock(id, false)
	if e == nil || err != nil {
		return slices.Clone(t.begin(id))
	}
	defer e.mu.Unlock()
	return slices.Clone(e.record)
}

// lock gives the locked entry of an id, made when mayMake; nil where there is none.
func (t *Tally) lock(id string, mayMake bool) (*Tallied, error) {
	for {
		e := t.entry(id, mayMake)
		if e == nil {
			if mayMake {
				return nil, errFull
			}
			return nil, nil //nolint:nilnil // nothing is counted: no entry, and no error
		}
		e.mu.Lock()
		if !e.gone {
			return e, nil
		}
		e.mu.Unlock()
	}
}

// next is what a step would make of a locked entry.
type next struct {
	of      *Tallied
	record  []byte
	verdict limit.Verdict
}

func (t *Tally) next(e *Tallied, step Step, c *limit.Charge) next {
	at := *c
	if late := e.seen - c.Now; late > 0 && late < mostLate {
		at.Now = e.seen
	}
	e.seen = at.Now
	n := next{of: e}
	n.record, n.verdict = Apply(e.spare[:0], e.record, step, &at)
	if n.verdict.Foreign {
		t.hooks.Unreadable(KindLimit)
	}
	return n
}

// makeSure asks keep, where something would change.
func (t *Tally) makeSure(ctx context.Context, n *next, step Step, c *limit.Charge) error {
	if t.keep == nil || !n.verdict.Write {
		return nil
	}
	return t.keep(ctx, n.of, n.record, step, c)
}

// commit makes it so.
func (t *Tally) commit(n *next) {
	if !n.verdict.Write {
		return
	}
	e := n.of
	t.bytes.Add(int64(len(n.record) - len(e.record)))
	e.record, e.spare, e.until = n.record, e.record, n.verdict.Until
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
	e := &Tallied{ID: id, record: slices.Clone(safe), Safe: safe}
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

// Forget drops what is counted of an id.
func (t *Tally) Forget(id string) {
	e, _ := t.lock(id, false) // no error without making one
	if e == nil {
		return
	}
	defer e.mu.Unlock()
	e.gone = true
	s := &t.shards[Partition(id)]
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byID, id)
	t.bytes.Add(-int64(perTallied + len(id) + len(e.record)))
}

// All gives every id and its entry, each while it is locked.
func (t *Tally) All(yield func(id string, e *Tallied) bool) {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		ids := maps.Clone(s.byID)
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
