package limit

import "math"

// A token bucket is the generic cell rate algorithm (ITU-T I.371): one instant at
// which the bucket will be full again, which every permit moves on by per/requests.
// That instant is dead - a/den with 0 <= a < den, exact whatever the ratio.

func (l *Limit) loadBucket(s *cell, stored numbers, now int64) {
	if s.a = stored.at(1); s.a >= l.den { // of another number of requests
		s.a = 0
	}
	if s.dead-now > l.tau+l.per {
		s.dead, s.a, s.repaired = now+l.tau, l.tauFrac, true
	}
}

// after gives the state with k permits more.
func (l *Limit) after(s *cell, now, k int64) (dead, frac int64) {
	micros, frac := l.permits(k, s.a)
	return max(s.dead, now) + micros, frac
}

func (l *Limit) waitBucket(s *cell, now, cost int64) int64 {
	if cost > l.n {
		return Never
	}
	dead, frac := l.after(s, now, cost)
	wait := dead - now - l.tau
	if frac < l.tauFrac {
		wait++
	}
	return max(wait, 0)
}

func (l *Limit) chargeBucket(s *cell, now, cost int64) {
	s.dead, s.a = l.after(s, now, cost)
}

// usageBucket counts the permits that fit into what is left of tau. The guess in
// doubles is (room + fraction/den) / (step + frac/den); whole permits correct it.
func (l *Limit) usageBucket(s *cell, now int64) Usage {
	room, fraction := l.tau-(s.dead-now), s.a-l.tauFrac
	have := float64(room) + float64(fraction)/float64(l.den)
	one := float64(l.step) + float64(l.frac)/float64(l.den)
	k := min(max(int64(math.Floor(have/one)), 0), l.n)
	for i := 0; i < 4 && k > 0 && !l.fits(k, room, fraction); i++ {
		k--
	}
	for i := 0; i < 4 && k < l.n && l.fits(k+1, room, fraction); i++ {
		k++
	}
	return Usage{Limit: l.n, Remaining: k, Reset: s.dead}
}

// fits reports whether k permits take no more than room + fraction/den.
func (l *Limit) fits(k, room, fraction int64) bool {
	micros, rest := l.permits(k, 0)
	return micros < room || micros == room && rest >= -fraction || micros == room+1 && rest >= l.den-fraction
}
