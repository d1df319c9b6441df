package load

import (
	"math/bits"
	"time"
)

// histogram counts latencies in buckets of about three percent: 32 of them for
// every power of two nanoseconds.
type histogram struct {
	counts [64 * fine]uint64
	total  uint64
	max    time.Duration
}

const fine = 32

// slot is the bucket of a latency.
func slot(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < fine {
		return int(n)
	}
	shift := bits.Len64(n) - 6 // n>>shift has 6 bits: its highest and five more
	return (shift+1)*fine + int((n>>shift)&(fine-1))
}

// top is the largest latency of a bucket.
func top(slot int) time.Duration {
	if slot < fine {
		return time.Duration(slot)
	}
	shift := slot/fine - 1
	return time.Duration((uint64(fine+slot%fine)+1)<<shift - 1)
}

func (h *histogram) add(d time.Duration) {
	h.counts[slot(d)]++
	h.total++
	h.max = max(h.max, d)
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.max = max(h.max, other.max)
}

// quantile is the latency that the share q of checks did not exceed.
func (h *histogram) quantile(q float64) time.Duration {
	rank := uint64(q*float64(h.total) + 0.5)
	rank = max(rank, 1)
	seen := uint64(0)
	for i, n := range h.counts {
		if seen += n; seen >= rank && n > 0 {
			return min(top(i), h.max)
		}
	}
	return h.max
}
