package policies

import (
	"cmp"
	"math/bits"
	"strings"
	"time"
)

// pair is a number of requests per time, the unit in which limits are compared.
type pair struct {
	requests int64 // below 0: unlimited
	per      time.Duration
}

// compareGenerous orders limits by requests ÷ per, then by requests (contract
// section 3, policies). It is exact: 128-bit products, no division.
func compareGenerous(a, b pair) int {
	switch {
	case a.requests < 0 || b.requests < 0:
		return cmp.Compare(unlimited(a.requests), unlimited(b.requests))
	case a.requests == 0 || b.requests == 0:
		return cmp.Compare(a.requests, b.requests)
	}
	highA, lowA := bits.Mul64(uint64(a.requests), uint64(max(b.per, 1)))
	highB, lowB := bits.Mul64(uint64(b.requests), uint64(max(a.per, 1)))
	return cmp.Or(cmp.Compare(highA, highB), cmp.Compare(lowA, lowB), cmp.Compare(a.requests, b.requests))
}

func unlimited(requests int64) int {
	if requests < 0 {
		return 1
	}
	return 0
}

// compareRates is positive where a is the more generous rate: by the pair, then
// the smaller policy id. nil is unlimited.
func compareRates(a, b *Limit) int {
	if a == b {
		return 0
	}
	return cmp.Or(compareGenerous(ratePair(a), ratePair(b)), compareOrigin(b, a))
}

// compareQuotas is compareRates for quotas.
func compareQuotas(a, b *Limit) int {
	if a == b {
		return 0
	}
	return cmp.Or(compareGenerous(quotaPair(a), quotaPair(b)), compareOrigin(b, a))
}

func ratePair(l *Limit) pair {
	if l == nil {
		return pair{requests: -1}
	}
	return pair{l.Rate.Requests, l.Rate.Per}
}

func quotaPair(l *Limit) pair {
	if l == nil {
		return pair{requests: -1}
	}
	return pair{l.Quota.Requests, l.Quota.Per}
}

// compareOrigin orders limits by where they come from.
func compareOrigin(a, b *Limit) int {
	switch {
	case a == nil || b == nil:
		return 0 // both unlimited: nothing to tell apart
	default:
		return cmp.Or(strings.Compare(a.Policy, b.Policy), strings.Compare(a.Entry, b.Entry))
	}
}

// governs gives the limit that is charged: nothing where it is unlimited.
func governs(l *Limit) *Limit {
	if l == nil || l.Rate != nil && l.Rate.Requests < 0 || l.Quota != nil && l.Quota.Requests < 0 {
		return nil
	}
	return l
}
