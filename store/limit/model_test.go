package limit

import (
	"math/big"
	"slices"
)

// The models say what each algorithm means with lists, big numbers and no states.

// admission is what was admitted once.
type admission struct{ at, cost int64 }

// mostIn gives the most that was admitted in any window of length per.
func mostIn(list []admission, per int64) int64 {
	most, sum, from := int64(0), int64(0), 0
	for _, a := range list {
		sum += a.cost
		for list[from].at+per <= a.at {
			sum -= list[from].cost
			from++
		}
		most = max(most, sum)
	}
	return most
}

// model judges one decision after the other and takes what was admitted.
type model interface {
	agrees(now, cost int64, admitted bool) bool
}

// modelLog admits when no window of length per gets more than n.
type modelLog struct {
	n, per int64
	times  []int64
}

func (m *modelLog) agrees(now, cost int64, admitted bool) bool {
	return m.take(now, cost) == admitted
}

func (m *modelLog) take(now, cost int64) bool {
	live := int64(0)
	for _, t := range m.times {
		if t > now-m.per {
			live++
		}
	}
	if live+cost > m.n {
		return false
	}
	for range cost {
		m.times = append(m.times, now)
	}
	return true
}

// modelCount admits n in each period; a period begins with its first request, or
// is the one that ends gives.
type modelCount struct {
	n, per     int64
	end, count int64
	ends       func(now int64) int64
}

func (m *modelCount) agrees(now, cost int64, admitted bool) bool {
	return m.take(now, cost) == admitted
}

func (m *modelCount) take(now, cost int64) bool {
	count := m.count
	if now >= m.end {
		count = 0
	}
	if count+cost > m.n {
		return false
	}
	if now >= m.end {
		m.end = now + m.per
		if m.ends != nil {
			m.end = m.ends(now)
		}
	}
	m.count = count + cost
	return true
}

// modelBucket holds burst permits and gets n back in each per.
type modelBucket struct {
	n, per, burst int64
	level         *big.Rat // permits that are out
	at            int64
}

func (m *modelBucket) agrees(now, cost int64, admitted bool) bool {
	return m.take(now, cost) == admitted
}

func (m *modelBucket) take(now, cost int64) bool {
	level := new(big.Rat).Sub(m.level, new(big.Rat).Mul(big.NewRat(now-m.at, 1), big.NewRat(m.n, m.per)))
	if level.Sign() < 0 {
		level.SetInt64(0)
	}
	level.Add(level, new(big.Rat).SetInt64(cost))
	if level.Cmp(new(big.Rat).SetInt64(m.burst)) > 0 {
		return false
	}
	m.level, m.at = level, now
	return true
}

// modelWindow keeps all windows there ever were and carries over the exact share
// of the previous one.
type modelWindow struct {
	n, per int64
	starts []int64
	counts []int64
}

func (m *modelWindow) agrees(now, cost int64, admitted bool) bool {
	last := len(m.starts) - 1
	if last < 0 || now >= m.starts[last]+2*m.per {
		if admitted {
			m.starts, m.counts = append(m.starts, now), append(m.counts, cost)
		}
		return admitted == (cost <= m.n)
	}
	begin, current, previous := m.starts[last], m.counts[last], int64(0)
	if now >= begin+m.per {
		begin, current, previous = begin+m.per, 0, current
	} else if last > 0 && m.starts[last-1] == begin-m.per {
		previous = m.counts[last-1]
	}
	sum := new(big.Rat).Mul(big.NewRat(begin+m.per-now, m.per), big.NewRat(previous, 1))
	sum.Add(sum, big.NewRat(current+cost, 1))
	if admitted {
		if begin != m.starts[last] {
			m.starts, m.counts = append(m.starts, begin), append(m.counts, 0)
		}
		m.counts[len(m.counts)-1] += cost
	}
	// Where it fits exactly, a share in doubles may be a hair too large: one
	// request less is fine, one more never.
	exactly := sum.Cmp(big.NewRat(m.n, 1))
	return admitted == (exactly <= 0) || !admitted && exactly == 0 && previous > 0
}

// newModel makes the model of a specification with small numbers.
func newModel(spec Spec) model {
	n, per := spec.Requests, spec.Per.Microseconds()
	switch spec.Algorithm {
	case SlidingLog:
		return &modelLog{n: n, per: per}
	case TokenBucket:
		burst := spec.Burst
		if burst < 1 {
			burst = n
		}
		return &modelBucket{n: n, per: per, burst: burst, level: new(big.Rat)}
	case FixedWindow, Quota:
		return &modelCount{n: n, per: per}
	default:
		return &modelWindow{n: n, per: per}
	}
}

// bound is the most that an algorithm admits in any window of length per.
func bound(spec Spec) int64 {
	switch spec.Algorithm {
	case SlidingLog:
		return spec.Requests
	case TokenBucket:
		if spec.Burst >= 1 {
			return spec.Requests + spec.Burst
		}
	default:
	}
	return 2 * spec.Requests
}

var algorithms = []Algorithm{SlidingWindow, TokenBucket, SlidingLog, FixedWindow, Quota}

// twin gives a copy that nobody else writes to.
func twin(record []byte) []byte { return slices.Clone(record) }
