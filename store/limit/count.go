package limit

// A fixed window and a quota count the requests of a period that begins with the
// first one, or of the calendar's. dead is its end, a the count, b what was added
// to the quota of this period by hand.

func (l *Limit) loadCount(s *cell, stored numbers, now int64) {
	s.a, s.b = stored.at(1), stored.extra()
	if s.dead > l.latest(now) {
		s.dead, s.repaired = l.periodEnd(now), true
	}
}

// latest is the latest end that a period which runs at now can have, a step of
// the clock by one period included.
func (l *Limit) latest(now int64) int64 {
	switch {
	case l.per == 0:
		return MaxNumber
	case l.next > now:
		return l.next
	default:
		return now + 2*l.per
	}
}

// periodEnd is the end of a period that begins now. The ends of a calendar come
// from another clock than now may: where both have passed already, the length of
// the period has to do.
func (l *Limit) periodEnd(now int64) int64 {
	switch {
	case l.per == 0:
		return MaxNumber
	case l.end > now:
		return l.end
	case l.next > now:
		return l.next
	default:
		return now + l.per
	}
}

func (l *Limit) waitCount(s *cell, now, cost int64) int64 {
	switch {
	case s.a <= l.total(s)-cost:
		return 0
	case cost > l.n || s.dead == MaxNumber: // the next period does not help, or never comes
		return Never
	default:
		return s.dead - now
	}
}

// total is what the period admits in all.
func (l *Limit) total(s *cell) int64 { return min(l.n+s.b, MaxNumber) }

func (l *Limit) chargeCount(s *cell, now, cost int64) {
	if s.dead == 0 {
		s.dead = l.periodEnd(now)
	}
	s.a += cost
}

func (l *Limit) usageCount(s *cell) Usage {
	return Usage{Limit: l.total(s), Remaining: max(l.total(s)-s.a, 0), Reset: s.dead}
}
