package limit

import (
	"encoding/binary"
	"math/bits"
	"time"
)

// Bounds of the arithmetic. See the package comment.
const (
	MaxNumber = 1<<53 - 1 // largest count and largest instant in a record
	MaxNow    = 1<<52 - 1 // latest now, in the year 2112
	MaxPer    = 1 << 51   // longest period in microseconds, 71 years
	MaxBurst  = 1 << 26   // largest burst of a token bucket, largest cost
	MaxLogged = 1000      // most requests of a sliding log
	MaxLimits = 8         // limits of one request
	MaxRecord = 32 << 10  // bytes of a record beyond which entries of other limits go
)

// Never is a wait without end.
const Never = -1

// ID names a limit within a record.
type ID [8]byte

// Algorithm says how a limit counts. The values are those of the record.
type Algorithm byte

// The algorithms. What each admits at most in any window of length per:
// SlidingWindow and FixedWindow 2·requests, TokenBucket requests + burst,
// SlidingLog requests. A Quota is exact within its period.
const (
	SlidingWindow Algorithm = 1
	TokenBucket   Algorithm = 2
	SlidingLog    Algorithm = 3
	FixedWindow   Algorithm = 4
	Quota         Algorithm = 5
)

// Spec is a limit as the configuration says it.
type Spec struct {
	ID        ID
	Algorithm Algorithm     // 0 is SlidingWindow
	Requests  int64         // below 0: unlimited; 0: none
	Per       time.Duration // at least 1 µs; 0 of a Quota: it never renews
	Burst     int64         // TokenBucket; below 1: Requests
}

// Limit is a compiled limit. The zero value admits nothing.
type Limit struct {
	id        ID
	algorithm Algorithm
	unlimited bool
	n         int64 // requests in per; burst of a TokenBucket
	per       int64

	// TokenBucket: one permit takes step + frac/den microseconds to come back, a
	// full bucket tau - tauFrac/den.
	den, step, frac, tau, tauFrac int64

	// Quota of a calendar: ends of the running period and of the next one.
	end, next int64
}

// New compiles a limit. Numbers beyond the bounds are brought to them so that
// the limit gets tighter, never wider, except that more than 2^53-1 requests are
// read as that many.
func New(spec Spec) Limit {
	l := Limit{
		id: spec.ID, algorithm: spec.Algorithm, unlimited: spec.Requests < 0,
		n: min(max(spec.Requests, 0), MaxNumber), per: periodMicros(spec.Per),
	}
	switch l.algorithm {
	case 0:
		l.algorithm = SlidingWindow
	case SlidingLog:
		l.n = min(l.n, MaxLogged)
	case TokenBucket:
		l.bucket(spec.Burst)
	case Quota:
		if spec.Per <= 0 {
			l.per = 0
		}
	case SlidingWindow, FixedWindow:
	default: // a program's mistake must not open anything
		l.unlimited, l.n = false, 0
	}
	return l
}

// bucket works out what the arithmetic of a token bucket needs, rounded so that
// permits never come back early.
func (l *Limit) bucket(burst int64) {
	requests := l.n
	if burst < 1 {
		burst = requests
	}
	l.den, l.n = 1, 0
	if requests == 0 {
		return
	}
	l.step, l.frac, l.den = l.per/requests, l.per%requests, requests
	if l.den > MaxBurst {
		high, low := bits.Mul64(uint64(l.frac), MaxBurst)
		quotient, rest := bits.Div64(high, low, uint64(requests))
		if rest > 0 {
			quotient++
		}
		l.frac, l.den = int64(quotient), MaxBurst
		if l.frac == l.den {
			l.step, l.frac = l.step+1, 0
		}
	}
	l.n = max(min(burst, MaxBurst, MaxPer/(l.step+1)), 1)
	l.tau, l.tauFrac = l.permits(l.n, 0)
}

// permits gives the time that k permits take, less frac/den, as whole
// microseconds minus a fraction of den.
func (l *Limit) permits(k, frac int64) (micros, fraction int64) {
	x := k*l.frac - frac
	carry := ceilDiv(x, l.den)
	return k*l.step + carry, carry*l.den - x
}

// ceilDiv rounds x/y up, for x above -y.
func ceilDiv(x, y int64) int64 {
	if x <= 0 {
		return 0
	}
	return (x + y - 1) / y
}

// periodMicros rounds a period up to microseconds within the bounds.
func periodMicros(per time.Duration) int64 {
	micros := per.Microseconds()
	if per > time.Duration(micros)*time.Microsecond {
		micros++
	}
	return min(max(micros, 1), MaxPer)
}

// Micros gives an instant as the arithmetic sees it.
func Micros(t time.Time) int64 { return min(max(t.UnixMicro(), 0), MaxNow) }

// Ending gives the limit with the ends of the calendar period that now lies in
// and of the one after it. Two, because a store has a clock of its own.
func (l Limit) Ending(end, next time.Time) Limit {
	l.end, l.next = Micros(end), Micros(next)
	return l
}

// ID gives the name of the limit within its record.
func (l *Limit) ID() ID { return l.id }

// Unlimited reports whether the limit admits everything and records nothing.
func (l *Limit) Unlimited() bool { return l.unlimited }

// Capacity is how much the limit admits at once when nothing was charged.
func (l *Limit) Capacity() int64 { return l.n }

// AppendArgument appends the limit as a script reads it: id[8] kind[1] and seven
// numbers of 7 bytes each. They are n and per, then for a token bucket den, step,
// frac, tau and tauFrac, for the others end, next (0 without a calendar) and
// zeros. An unlimited limit has no such form: leave it out.
func (l *Limit) AppendArgument(dst []byte) []byte {
	dst = append(dst, l.id[:]...)
	dst = append(dst, byte(l.algorithm))
	numbers := [...]int64{l.n, l.per, l.end, l.next, 0, 0, 0}
	if l.algorithm == TokenBucket {
		numbers = [...]int64{l.n, l.per, l.den, l.step, l.frac, l.tau, l.tauFrac}
	}
	for _, n := range numbers {
		dst = appendNumber(dst, n)
	}
	return dst
}

// ArgumentSize is the length of one argument of AppendArgument.
const ArgumentSize = 8 + 1 + 7*numberSize

const numberSize = 7

// appendNumber appends a number of 7 bytes, big endian.
func appendNumber(dst []byte, n int64) []byte {
	var buf [8]byte
	binary.BigEndian.PutUint64(buf[:], uint64(n))
	return append(dst, buf[1:]...)
}

// numbers are the numbers of a payload, with the one byte before them: so each is
// the low end of 8 bytes.
type numbers []byte

// at gives the ith number.
func (n numbers) at(i int) int64 {
	return int64(binary.BigEndian.Uint64(n[i*numberSize:]) & (1<<(8*numberSize) - 1))
}

// extra is what was added to a count by hand; it is left out where that is nothing.
func (n numbers) extra() int64 {
	if n.count() < 3 {
		return 0
	}
	return n.at(2)
}

// count is how many there are.
func (n numbers) count() int { return len(n) / numberSize }

// from leaves out the first i numbers.
func (n numbers) from(i int) numbers { return n[i*numberSize:] }
