package authz

import (
	"encoding/binary"
	"hash/fnv"
	"math"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/tollgate-authz/tollgate/policies"
	"github.com/tollgate-authz/tollgate/store/limit"
)

// plan is one limit, compiled: how it is charged and how it is shown. It is made
// at load and shared between requests.
type plan struct {
	source *policies.Limit // nil: the limit of an API over all its callers
	quota  bool
	spec   limit.Spec
	kernel limit.Limit
	print  uint64 // equal for equal limits
	named  string // as a quota policy of the RateLimit-Policy field
	text   string // the requests

	calendar atomic.Pointer[calendar] // nil where the quota has none, and at first
	share    atomic.Pointer[share]    // of this process
}

// calendar is a quota in the period of a calendar that lies around now.
type calendar struct {
	from, until int64 // micros
	end, next   time.Time
	kernel      limit.Limit
}

// The names of limits towards clients, who must not learn how policies are called.
const (
	nameRate   = "rate"
	nameQuota  = "quota"
	nameShared = "api"
)

// newPlan compiles a limit of a policy, an entry or a credential.
func newPlan(l *policies.Limit) *plan {
	if l.Quota != nil {
		p := &plan{source: l, quota: true, spec: limit.Spec{
			ID: limit.ID(l.Counter), Algorithm: limit.Quota, Requests: l.Quota.Requests, Per: l.Quota.Per,
		}}
		return p.finish(nameQuota, string(l.Quota.Anchor), l.Quota.Zone)
	}
	return (&plan{source: l, spec: rateSpec(limit.ID(l.Counter), l.Rate)}).finish(nameRate)
}

// rateSpec is a rate as the kernel counts it.
func rateSpec(id limit.ID, r *policies.Rate) limit.Spec {
	s := limit.Spec{ID: id, Requests: r.Requests, Per: r.Per, Burst: r.Burst}
	switch r.Algorithm {
	case "", policies.SlidingWindow:
		s.Algorithm = limit.SlidingWindow
	case policies.TokenBucket:
		s.Algorithm = limit.TokenBucket
	case policies.SlidingLog:
		s.Algorithm = limit.SlidingLog
	case policies.FixedWindow:
		s.Algorithm = limit.FixedWindow
	default: // refused at load; should it come here it admits nothing
		s.Algorithm = math.MaxUint8
	}
	return s
}

// finish works out what is the same for every request.
func (p *plan) finish(name string, more ...string) *plan {
	p.kernel = limit.New(p.spec)
	h := fnv.New64a()
	h.Write(p.spec.ID[:])
	var b [8]byte
	for _, n := range []int64{int64(p.spec.Algorithm), p.spec.Requests, int64(p.spec.Per), p.spec.Burst} {
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	for _, text := range more {
		h.Write([]byte(text))
		h.Write([]byte{0})
	}
	p.print = h.Sum64()
	p.text = strconv.FormatInt(p.spec.Requests, 10)
	p.named = `"` + name + `";q=` + p.text
	if p.spec.Per > 0 {
		p.named += ";w=" + strconv.FormatInt(int64(math.Ceil(p.spec.Per.Seconds())), 10)
	}
	return p
}

// name is what clients know the limit by.
func (p *plan) name() string {
	switch {
	case p.source == nil:
		return nameShared
	case p.quota:
		return nameQuota
	}
	return nameRate
}

// at is the limit as it is charged at now.
func (p *plan) at(now time.Time) limit.Limit {
	if c := p.period(now); c != nil {
		return c.kernel
	}
	return p.kernel
}

// period is the calendar's period at now, nil for a limit without a calendar. It
// is worked out once a period.
func (p *plan) period(now time.Time) *calendar {
	if !p.quota || p.source.Quota.Anchor != policies.Calendar {
		return nil
	}
	micros := limit.Micros(now)
	if c := p.calendar.Load(); c != nil && c.from <= micros && micros < c.until {
		return c
	}
	end, next, ok := p.source.Ends(now)
	if !ok {
		return nil
	}
	c := &calendar{from: micros, until: limit.Micros(end), end: end, next: next, kernel: p.kernel.Ending(end, next)}
	p.calendar.Store(c)
	return c
}

// onFailure is what the limit does while its store cannot be asked.
func (p *plan) onFailure(of *apiLimits) StoreFailure {
	if p.quota {
		return of.onQuota
	}
	return of.onRate
}

// limitTable holds the plans of one snapshot.
type limitTable struct {
	known map[*policies.Limit]*plan
	byID  map[limit.ID]*plan // to tell what a record is about
	// Limits that no policy names, such as those of credentials, each in the place
	// that its counter gives.
	other [otherPlans]atomic.Pointer[plan]
}

const otherPlans = 1024

func newLimitTable(set *policies.Set) *limitTable {
	t := &limitTable{known: map[*policies.Limit]*plan{}, byID: map[limit.ID]*plan{}}
	alike := map[uint64]*plan{}
	for l := range set.Limits() {
		p := newPlan(l)
		if same := alike[p.print]; same != nil {
			p = same
		}
		alike[p.print], t.known[l] = p, p
		if t.byID[p.spec.ID] == nil { // policies of Tyk's files count on counters that they share
			t.byID[p.spec.ID] = p
		}
	}
	return t
}

// plan gives the plan of a limit.
func (t *limitTable) plan(l *policies.Limit) *plan {
	if p := t.known[l]; p != nil {
		return p
	}
	slot := &t.other[binary.BigEndian.Uint16(l.Counter[:])%otherPlans]
	if p := slot.Load(); p != nil && p.source == l {
		return p
	}
	p := newPlan(l)
	slot.Store(p)
	return p
}
