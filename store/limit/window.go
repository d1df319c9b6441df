package limit

import "math"

// A sliding window counts the requests of the running window and of the one
// before it; of the latter the share counts that a window ending now would still
// see. dead is the end of the next window: the window began at dead - 2·per. a is
// the count of the previous window, b that of the running one.

func (l *Limit) loadWindow(s *cell, stored numbers, now int64) {
	s.a, s.b = stored.at(1), stored.at(2)
	start := s.dead - 2*l.per
	switch {
	case start-now > l.per:
		s.dead, s.a, s.b, s.repaired = now+2*l.per, min(s.a+s.b, MaxNumber), 0, true
	case now-start >= l.per:
		s.dead, s.a, s.b = s.dead+l.per, s.b, 0
	}
	if s.a == 0 && s.b == 0 {
		s.dead = 0
	}
}

// rest gives how much of the running window is still to come.
func (l *Limit) rest(s *cell, now int64) int64 {
	return min(s.dead-l.per-now, l.per)
}

// carried is the share of the previous window's count that still counts, rounded
// up. In doubles: first rest/per, then times the count, then up.
func (l *Limit) carried(count, rest int64) int64 {
	share := float64(rest) / float64(l.per)
	return int64(math.Ceil(float64(count) * share))
}

func (l *Limit) waitWindow(s *cell, now, cost int64) int64 {
	switch free := l.n - cost; {
	case free < 0:
		return Never
	case s.dead == 0:
		return 0
	case s.b <= free:
		rest := l.rest(s, now)
		if l.carried(s.a, rest) <= free-s.b {
			return 0
		}
		return max(rest-l.restAllowing(s.a, free-s.b)+max(s.dead-2*l.per-now, 0), 1)
	default: // not in this window any more: in the next one its count is the previous one
		return s.dead - l.per - now + l.per - l.restAllowing(s.b, free)
	}
}

// restAllowing gives the largest rest of a window with which no more than free of
// the previous window's count is carried. The guess is off by one at most; the
// bounded steps correct it.
func (l *Limit) restAllowing(count, free int64) int64 {
	if count <= free {
		return l.per
	}
	ratio := float64(free) / float64(count)
	rest := int64(math.Floor(float64(l.per) * ratio))
	for i := 0; i < 4 && rest > 0 && l.carried(count, rest) > free; i++ {
		rest--
	}
	for i := 0; i < 4 && rest < l.per && l.carried(count, rest+1) <= free; i++ {
		rest++
	}
	return rest
}

func (l *Limit) chargeWindow(s *cell, now, cost int64) {
	if s.dead == 0 {
		s.dead = now + 2*l.per
	}
	s.b += cost
}

func (l *Limit) usageWindow(s *cell, now int64) Usage {
	u := Usage{Limit: l.n, Remaining: max(l.n-s.b-l.carried(s.a, l.rest(s, now)), 0), Reset: s.dead}
	if s.b == 0 {
		u.Reset = s.dead - l.per
	}
	return u
}
