package authz

import (
	"context"

	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
)

// share is the part of a limit that is this process's own, among so many.
type share struct {
	among  int
	kernel limit.Limit
	whole  int64       // the requests, where they are fewer than the processes
	one    limit.Limit // … of which so many processes have one each
	none   limit.Limit
}

// share brings the limits of a record down to what is this process's own.
func (l *Limits) share(c *check, s *side) {
	set := l.replicas.now()
	for i := range s.n {
		s.limits[i] = s.plans[i].shareAt(c, set)
	}
}

// shareAt is the share of a limit at the time of a check: its requests divided by
// the processes, or, where they are fewer, one request for each of those that the
// record's lot falls on. Together they are never more than the limit,
// but for a bucket with a smaller burst than there are replicas: each admits one at once.
func (p *plan) shareAt(c *check, set *replicaSet) limit.Limit {
	if set.count() <= 1 {
		return p.at(c.now)
	}
	s := p.share.Load()
	if s == nil || s.among != set.count() {
		s = p.newShare(set.count())
		p.share.Store(s)
	}
	kernel := s.kernel
	if s.whole > 0 {
		kernel = s.none
		if set.rank(c.recordOf(p)) < s.whole {
			kernel = s.one
		}
	}
	if period := p.period(c.now); period != nil {
		kernel = kernel.Ending(period.end, period.next)
	}
	return kernel
}

// recordOf is the record that a limit is counted on.
func (c *check) recordOf(p *plan) string {
	if p == c.of.shared {
		return c.shared.part.ID
	}
	return c.own.part.ID
}

func (p *plan) newShare(among int) *share {
	part := func(requests int64) limit.Limit {
		spec := p.spec
		spec.Requests = requests
		if spec.Burst > 0 {
			spec.Burst = max(spec.Burst/int64(among), 1)
		}
		return limit.New(spec)
	}
	s := &share{among: among}
	if n := p.spec.Requests; n < int64(among) {
		s.whole, s.one, s.none = n, part(1), part(0)
		s.kernel = s.none
	} else {
		s.kernel = part(n / int64(among))
	}
	return s
}

// divided is what one process may spend of n permits.
func (r *replicaSet) divided(n int64, record string) int64 {
	if among := int64(r.count()); n >= among {
		return n / among
	} else if r.rank(record) < n {
		return 1
	}
	return 0
}

// mostSteps bounds the charges of one seeding, each of limit.MaxBurst at most.
const mostSteps = 1000

// seed makes this process begin, where it has to count by itself all at once, with
// its part of what the store said was left: so the change itself admits nothing
// beyond the limit. What the store has said is used once; counting goes on from
// there, also through an outage that comes and goes.
func (l *Limits) seed(ctx context.Context, c *check, s *side) {
	last, ok := l.recent.lastLeft(s)
	if !ok {
		return
	}
	set, record := l.replicas.now(), s.part.ID
	for i := range s.n {
		u := last.usage[i]
		if u.Reset <= s.charge.Now {
			continue // all of it is there again
		}
		one := s.plans[i].shareAt(c, set)
		if s.plans[i].quota { // its period ends when the store's does
			one = one.Ending(microTime(u.Reset), microTime(u.Reset).Add(s.plans[i].spec.Per))
		}
		charge := limit.Charge{Limits: []limit.Limit{one}, Now: s.charge.Now}
		v, err := l.local.Count(ctx, record, store.Take, &charge)
		if err != nil {
			return
		}
		over := v.Usage[0].Remaining - set.divided(u.Remaining, record)
		for range mostSteps {
			if over <= 0 {
				break
			}
			charge.Cost = min(over, limit.MaxBurst)
			over -= charge.Cost
			if _, err := l.local.Count(ctx, record, store.Take, &charge); err != nil {
				return
			}
		}
	}
}
