package authz

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/authz/internal/keyset"
)

// Engine decides requests on the snapshot that is live. It is safe for
// concurrent use. Before the first Swap every request is refused.
type Engine struct {
	options  Options
	pool     *keyset.Pool
	cache    *tokenCache
	prefix   string // of decision ids
	sessions tykSessions
	none     *Snapshot // grants nothing; answers before the first Swap and after Close

	snap      atomic.Pointer[Snapshot]
	swapping  sync.Mutex
	compiled  atomic.Uint64 // generations given out
	decisions atomic.Uint64 // decision ids given out
}

// errNotReady is the cause of every refusal before the first Swap.
var errNotReady = errors.New("no configuration is loaded yet")

// New makes an engine. It has no configuration until Swap is called.
func New(options Options) *Engine {
	if options.Now == nil {
		options.Now = time.Now
	}
	options.keep()
	e := &Engine{options: options, cache: newTokenCache(options.CacheBytes)}
	e.pool = keyset.NewPool(keyset.PoolConfig{Now: options.Now, Fetched: e.fetched})
	e.prefix = replicaName(options.Replica) + "-" + strconv.FormatInt(options.Now().UnixMilli(), 36) + "-"
	e.none = &Snapshot{answers: newAnswers(AnswersSpec{})}
	e.none.bare.finish(managedNames(nil))
	return e
}

// replicaName keeps of a name what can stand in a header and in a path.
func replicaName(name string) string {
	const most = 64
	clean := strings.Map(func(r rune) rune {
		if isLiteral(string(r)) {
			return r
		}
		return -1
	}, name)
	if clean == "" {
		return "local"
	}
	return clean[:min(len(clean), most)]
}

// fetched tells the observer of a fetch of keys.
func (e *Engine) fetched(f keyset.Fetch) {
	if e.options.Observer == nil {
		return
	}
	result := "ok"
	if f.Err != nil {
		result = "error"
	}
	e.options.Observer.Dependency(f.Source, result, f.Took)
}

// Swap makes s the snapshot of all requests that begin from now on and returns
// its generation. Requests in flight finish on the snapshot they hold; key sets
// that s does not use stop.
func (e *Engine) Swap(s *Snapshot) uint64 {
	e.swapping.Lock()
	defer e.swapping.Unlock()
	old := e.snap.Swap(s)
	if old != nil && old != s {
		e.cache.clear()
		old.lease.Release()
	}
	return s.generation
}

// Snapshot is the live snapshot, nil before the first Swap.
func (e *Engine) Snapshot() *Snapshot { return e.snap.Load() }

// Decide answers one request.
func (e *Engine) Decide(ctx context.Context, req Request) Answer {
	return e.decide(ctx, req, e.options.Now(), nil)
}

// Explain answers as Decide would at the given time (now when it is zero) and
// tells the steps that led there. It charges nothing and tells no Observer.
func (e *Engine) Explain(ctx context.Context, req Request, at time.Time) (Answer, *Trace) {
	if at.IsZero() {
		at = e.options.Now()
	}
	trace := &Trace{}
	return e.decide(ctx, req, at, trace), trace
}

// Close stops what the engine runs. Decide refuses everything afterwards.
func (e *Engine) Close() {
	e.swapping.Lock()
	defer e.swapping.Unlock()
	e.snap.Store(nil)
	e.pool.Close()
	e.cache.close()
}

// live is the snapshot for one request, one that grants nothing where none is.
func (e *Engine) live() *Snapshot {
	if s := e.snap.Load(); s != nil {
		return s
	}
	return e.none
}

// decide is the one way to an answer: with a trace it explains.
func (e *Engine) decide(ctx context.Context, req Request, now time.Time, trace *Trace) Answer {
	d := &decision{e: e, snap: e.live(), req: req, now: now, trace: trace, id: e.nextID()}
	answer, why := d.answer(ctx)
	if trace == nil && e.options.Observer != nil {
		e.options.Observer.Decision(ctx, d.info(&answer, why))
	}
	return answer
}

// nextID names a decision: the replica, its start and a number.
func (e *Engine) nextID() string {
	var room [96]byte
	return string(strconv.AppendUint(append(room[:0], e.prefix...), e.decisions.Add(1), 36))
}

// info is what the observer learns of a decision.
func (d *decision) info(out *Answer, why *denial) *DecisionInfo {
	i := &DecisionInfo{
		ID: d.id, Outcome: out.Outcome, Reason: out.Reason, API: out.Metadata.API, Subject: out.Metadata.Subject,
		Session: out.Metadata.Session, Policies: out.Metadata.Policies, Method: d.line.Method, Path: d.target.Path,
		Degraded: out.Metadata.Degraded, Generation: d.snap.generation, Cached: d.cached,
		Took: d.e.options.Now().Sub(d.now),
	}
	if why != nil {
		i.Err = why.err
	}
	if d.session != nil {
		i.Warned = d.session.warned
	}
	return i
}
