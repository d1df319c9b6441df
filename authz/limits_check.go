package authz

import (
	"time"

	"github.com/tollgate-authz/tollgate/policies"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
)

// check is one request on its way through the limits. Checks are used again.
type check struct {
	ask      *Ask
	of       *apiLimits
	now      time.Time
	own      side // what the session has
	shared   side // what all callers of the API have together
	degraded string
}

// mostOwn is how many limits of its own a session has at once: a rate and a quota.
const mostOwn = 2

// side is one of the two records of a check, and the limits that are charged on it.
type side struct {
	plans  [mostOwn]*plan
	limits [mostOwn]limit.Limit
	n      int
	print  uint64 // of the limits together
	charge limit.Charge
	part   store.Part
	known  bool // part has a verdict
}

// fill begins a check.
func (c *check) fill(ask *Ask) {
	c.ask, c.of, c.now, c.degraded = ask, ask.of, ask.Now, ""
	table := ask.table
	if c.of == nil { // asked by somebody else than an engine
		c.of, table = &apiLimits{onRate: FailLocalShare, onQuota: FailDeny, headers: headersLegacy}, &limitTable{}
	}
	record := ask.record
	if record == "" {
		record = recordOf(ask.Session)
	}
	c.own.begin(record, c)
	c.shared.begin(c.of.record, c)
	for _, l := range [mostOwn]*policies.Limit{ask.Rate, ask.Quota} {
		if l != nil {
			c.own.add(table.plan(l), c.now)
		}
	}
	if c.of.shared != nil {
		c.shared.add(c.of.shared, c.now)
	}
}

func (s *side) begin(record string, c *check) {
	cost := int64(1)
	if c.ask.Peek {
		cost = 0
	}
	s.n, s.print, s.known = 0, 0, false
	s.charge = limit.Charge{Cost: cost, Now: limit.Micros(c.now)}
	s.part = store.Part{ID: record, Charge: &s.charge}
}

// add charges a limit, too.
func (s *side) add(p *plan, now time.Time) {
	s.plans[s.n], s.limits[s.n] = p, p.at(now)
	s.n++
	s.print = s.print*31 + p.print
	s.charge.Limits = s.limits[:s.n]
}

// refused says whether a limit of this record refuses.
func (s *side) refused() bool { return s.known && s.n > 0 && !s.part.Verdict.Admitted }

// refusing is the limit that refuses.
func (s *side) refusing() int {
	return min(max(s.part.Verdict.Denied, 0), s.n-1)
}

// wait is how long until the record would admit the request again.
func (s *side) wait() time.Duration {
	if wait := s.part.Verdict.Wait; wait != limit.Never {
		return time.Duration(wait) * time.Microsecond
	}
	if p := s.plans[s.refusing()]; p.spec.Requests > 0 && p.spec.Per > 0 {
		return p.spec.Per // the share of this process is none; another one's may not be
	}
	return neverAgain
}

// neverAgain is what a client is told to wait where waiting does not help.
const neverAgain = 24 * time.Hour

// taken is the outcome.
func (c *check) taken() Taken {
	t := Taken{Degraded: c.degraded}
	by, refusing := &c.own, -1
	switch {
	case c.own.refused():
		refusing = c.own.refusing()
		t.RetryAfter = c.own.wait()
		if c.shared.refused() {
			t.RetryAfter = max(t.RetryAfter, c.shared.wait())
		}
	case c.shared.refused():
		by, refusing = &c.shared, c.shared.refusing()
		t.AllCallers, t.RetryAfter = true, c.shared.wait()
	}
	if refusing >= 0 {
		t.Reason = RateLimited
		if by.plans[refusing].quota {
			t.Reason = QuotaExceeded
		}
	}
	c.show(&t, by, refusing)
	return t
}
