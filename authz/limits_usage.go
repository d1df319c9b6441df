package authz

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
)

// Usage is the state of one limit of a session.
type Usage struct {
	Kind      string // rate or quota
	Policy    string
	API       string // "" counts over all APIs that the limit governs
	Entry     string // "GET /orders" for a limit of an access entry
	Limit     int64
	Remaining int64
	Reset     time.Time
}

// errNoSession means that a session id is none.
var errNoSession = errors.New("a session id is 64 hexadecimal digits")

// Usage tells what is counted for a session under the policies that are live;
// store.ErrNotFound where nothing is.
func (e *Engine) Usage(ctx context.Context, session string) ([]Usage, error) {
	l, record, err := e.counters(session)
	if err != nil {
		return nil, err
	}
	return l.usage(ctx, e.live().limits, record)
}

// ResetUsage begins the counters of a session anew.
func (e *Engine) ResetUsage(ctx context.Context, session string) error {
	l, record, err := e.counters(session)
	if err != nil {
		return err
	}
	return l.change(ctx, e.live().limits, record, store.Reset, 0)
}

// TopUpUsage grants requests on top of the running quota periods of a session;
// store.ErrNotFound where none is running.
func (e *Engine) TopUpUsage(ctx context.Context, session string, requests int64) error {
	l, record, err := e.counters(session)
	if err != nil {
		return err
	}
	return l.change(ctx, e.live().limits, record, store.TopUp, requests)
}

// counters gives what counts, and the record of a session.
func (e *Engine) counters(session string) (*Limits, string, error) {
	l, ok := e.options.Limiter.(*Limits)
	if !ok || l.at.Load() == nil { // there was nothing to count yet
		return nil, "", store.ErrNotFound
	}
	record := recordOf(session)
	if record == "" {
		return nil, "", errNoSession
	}
	return l, record, nil
}

// found gives the plans of the limits that a record says something about. Limits
// that no live policy has are nobody's any more.
func (l *Limits) found(ctx context.Context, table *limitTable, record string) ([]byte, []*plan, error) {
	bytes, err := l.at.Load().Counted(ctx, record)
	if err != nil {
		return nil, nil, err
	}
	var plans []*plan
	for _, id := range limit.IDs(bytes, limit.Micros(l.options.Now())) {
		if p := table.planOf(id); p != nil {
			plans = append(plans, p)
		}
	}
	if len(plans) == 0 {
		return nil, nil, store.ErrNotFound
	}
	return bytes, plans, nil
}

// planOf finds the plan of a counter.
func (t *limitTable) planOf(id limit.ID) *plan {
	if p := t.byID[id]; p != nil {
		return p
	}
	for i := range t.other {
		if p := t.other[i].Load(); p != nil && p.spec.ID == id {
			return p
		}
	}
	return nil
}

func (l *Limits) usage(ctx context.Context, table *limitTable, record string) ([]Usage, error) {
	bytes, plans, err := l.found(ctx, table, record)
	if err != nil {
		return nil, err
	}
	now := l.options.Now()
	out := make([]Usage, 0, len(plans))
	for _, p := range plans {
		v := limit.Peek(bytes, &limit.Charge{Limits: []limit.Limit{p.at(now)}, Now: limit.Micros(now)})
		out = append(out, Usage{
			Kind: p.name(), Policy: p.source.Policy, API: p.source.API, Entry: p.source.Entry,
			Limit: v.Usage[0].Limit, Remaining: v.Usage[0].Remaining, Reset: microTime(v.Usage[0].Reset),
		})
	}
	slices.SortFunc(out, func(a, b Usage) int {
		return strings.Compare(a.Kind+"\x00"+a.Policy+"\x00"+a.API+"\x00"+a.Entry, b.Kind+"\x00"+b.Policy+"\x00"+b.API+"\x00"+b.Entry)
	})
	return out, nil
}

// change applies a step to what a record counts and tells every replica, which may
// still repeat a refusal, or count by itself.
func (l *Limits) change(ctx context.Context, table *limitTable, record string, step store.Step, cost int64) error {
	limits, err := l.changed(ctx, table, record, step)
	if err != nil {
		return err
	}
	now := limit.Micros(l.options.Now())
	for some := range slices.Chunk(limits, limit.MaxLimits) {
		c := limit.Charge{Cost: cost, Now: now, Limits: some}
		if _, err := l.at.Load().Count(ctx, record, step, &c); err != nil {
			return err
		}
	}
	l.forget(record)
	if at := l.at.Load(); at.shared {
		_, err = at.Publish(ctx, usageTopic, []byte(record))
	}
	return err
}

// changed gives the limits that a step changes: the quotas that live policies have,
// or, to begin anew, all that is counted. A limit of a credential's own may be one
// that this process has not met.
func (l *Limits) changed(ctx context.Context, table *limitTable, record string, step store.Step) ([]limit.Limit, error) {
	var limits []limit.Limit
	now := l.options.Now()
	if step == store.Reset {
		bytes, err := l.at.Load().Counted(ctx, record)
		for _, id := range limit.IDs(bytes, limit.Micros(now)) {
			limits = append(limits, limit.New(limit.Spec{ID: id})) // whatever it admits
		}
		return limits, err
	}
	_, plans, err := l.found(ctx, table, record)
	for _, p := range plans {
		if p.quota {
			limits = append(limits, p.at(now))
		}
	}
	if err == nil && len(limits) == 0 {
		err = store.ErrNotFound
	}
	return limits, err
}

// forget drops what this process remembers of a record.
func (l *Limits) forget(record string) {
	l.recent.forget(record)
	l.local.Forget(record)
}

// usageTopic is the topic of events about counters that somebody has changed.
const usageTopic = "usage"

// follow hears of counters that were changed on other replicas, until ctx ends.
func (l *Limits) follow(ctx context.Context, at *countedAt) {
	for ctx.Err() == nil {
		head, err := at.Head(ctx)
		if err == nil {
			l.recent.clear() // nobody was listening
			err = at.Subscribe(ctx, head, changed{l})
		}
		if ctx.Err() != nil {
			return
		}
		l.options.Failed(err)
		wait := time.NewTimer(retryAfter)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
		}
	}
}

// changed is told of events.
type changed struct{ l *Limits }

// Event implements store.Follower.
func (c changed) Event(e store.Event) {
	if e.Topic == usageTopic {
		c.l.forget(string(e.Payload))
	}
}

// Contact implements store.Follower. An old contact does no harm: refusals are
// repeated for a short time only.
func (changed) Contact(time.Time) {}
