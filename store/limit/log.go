package limit

import "sort"

// A sliding log holds the instant of every permit of the last period, in order.
// dead is the last one + per. Of the cell, times are the instants that count,
// as the record has them; a is the instant of those charged now.

func (l *Limit) loadLog(s *cell, stored numbers, now int64) {
	s.times, s.late = stored.from(1), MaxNumber
	if last := s.dead - l.per; last-now > l.per {
		s.dead, s.late, s.repaired = now+l.per, now, true
	}
	// In a record of ours they are sorted; one that is not gives some number here,
	// and dead ends it.
	expired := sort.Search(s.times.count(), func(i int) bool { return s.time(i)+l.per > now })
	s.times = s.times.from(expired)
	if s.times.count() == 0 {
		s.dead = 0
	}
}

// time gives an instant of the log.
func (s *cell) time(i int) int64 { return min(s.times.at(i), s.late) }

func (l *Limit) waitLog(s *cell, now, cost int64) int64 {
	if cost > l.n {
		return Never
	}
	live := int64(s.times.count())
	over := live + cost - l.n // so many must expire
	if over <= 0 {
		return 0
	}
	// A record that is not sorted ends with dead at the latest.
	return max(min(s.time(int(over-1))+l.per, s.dead)-now, 1)
}

func (l *Limit) chargeLog(s *cell, now, cost int64) {
	s.a, s.added = now, cost
	if s.dead > 0 {
		s.a = max(now, s.dead-l.per)
	}
	s.dead = s.a + l.per
}

func (l *Limit) appendLog(dst []byte, s *cell) []byte {
	for i := range s.times.count() {
		dst = appendNumber(dst, s.time(i))
	}
	for range s.added {
		dst = appendNumber(dst, s.a)
	}
	return dst
}

func (l *Limit) usageLog(s *cell) Usage {
	used := int64(s.times.count()) + s.added
	return Usage{Limit: l.n, Remaining: max(l.n-used, 0), Reset: s.dead}
}
