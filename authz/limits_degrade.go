package authz

import (
	"context"
	"strings"
	"time"

	"github.com/tollgate-authz/tollgate/store"
)

// degrade decides about the records that could not be asked, each limit as the
// configuration says: deny is an error, allow charges nothing, local_share counts
// in this process. A record that was asked keeps its verdict.
func (l *Limits) degrade(ctx context.Context, c *check) error {
	for _, s := range [...]*side{&c.own, &c.shared} {
		if s.part.Err == nil {
			continue
		}
		for i := range s.n {
			if how := s.plans[i].onFailure(c.of); how != FailAllow && how != FailLocalShare {
				return c.unavailable()
			}
		}
	}
	var asks check
	asks.ask, asks.of, asks.now = c.ask, c.of, c.now
	for _, s := range [...][2]*side{{&asks.own, &c.own}, {&asks.shared, &c.shared}} {
		to, from := s[0], s[1]
		to.begin(from.part.ID, c)
		if from.part.Err == nil {
			continue
		}
		l.seed(ctx, c, from)
		for i := range from.n {
			how := from.plans[i].onFailure(c.of)
			asks.note(how)
			if how == FailLocalShare {
				to.add(from.plans[i], c.now)
			}
		}
		l.share(&asks, to)
	}
	asks.count(ctx, l.local)
	if asks.failed() {
		return asks.unavailable()
	}
	c.degraded = asks.degraded
	if c.own.part.Err != nil {
		c.own.take(&asks.own)
	}
	if c.shared.part.Err != nil {
		c.shared.take(&asks.shared)
	}
	return nil
}

// note adds a failure mode to what has been used, once.
func (c *check) note(how StoreFailure) {
	switch {
	case c.degraded == "":
		c.degraded = string(how)
	case !strings.Contains(c.degraded, string(how)):
		c.degraded += "," + string(how)
	}
}

// take gives a side the outcome that another one has.
func (s *side) take(from *side) {
	s.plans, s.n, s.known = from.plans, from.n, from.known
	s.part.Verdict, s.part.Err = from.part.Verdict, nil
}

// microTime is an instant of the arithmetic as a time.
func microTime(micros int64) time.Time { return time.UnixMicro(micros) }

var _ counts = store.Counter(nil)
