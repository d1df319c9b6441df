package policies

import (
	"math"
	"math/big"
	"strconv"
	"time"
)

// TykRate gives a rate in Tyk's numbers (requests per seconds, both may have
// fractions) as whole requests per time: 0.5 per 1 is 1 per 2s. Rates at or
// below 0, and those per 0, are unlimited in Tyk. A rate that has no exact form
// is brought to a stricter one. It counts as Tyk does unless it is told otherwise:
// in windows that begin with their first request.
func TykRate(rate, per float64) Rate {
	if rate <= 0 || per <= 0 || math.IsNaN(rate) || math.IsNaN(per) {
		return Rate{Requests: -1}
	}
	const (
		most     = 1 << 53
		finest   = 1_000_000 // parts of a request
		longest  = float64(maxPer)
		shortest = time.Microsecond
	)
	requests, parts := wholeRequests(min(rate, most), finest)
	nanos := per * float64(parts) * float64(time.Second)
	switch {
	case requests == 0:
		requests, nanos = 1, longest
	case nanos > longest:
		requests, nanos = max(int64(rate*longest/float64(time.Second)/per), 1), longest
	}
	return Rate{Requests: requests, Per: max(time.Duration(math.Ceil(nanos)), shortest), Algorithm: FixedWindow}
}

// wholeRequests gives a rate as requests ÷ parts, exactly where its shortest
// decimal form allows that, else below it.
func wholeRequests(rate float64, finest int64) (requests, parts int64) {
	exact, ok := new(big.Rat).SetString(strconv.FormatFloat(rate, 'g', -1, 64))
	if ok && exact.Num().IsInt64() && exact.Denom().IsInt64() && exact.Denom().Int64() <= finest {
		return exact.Num().Int64(), exact.Denom().Int64()
	}
	if rate >= 1 {
		return int64(rate), 1
	}
	return int64(rate * float64(finest)), finest
}

// Limited reports whether a policy of a Tyk file limits anything; nil does not.
func (t *TykSpec) Limited() bool {
	if t == nil {
		return false
	}
	limited := t.Limit.limits()
	for i := range t.Access {
		limited = limited || t.Access[i].Limit.limits()
		for _, e := range t.Access[i].Endpoints {
			limited = limited || e.Rate > 0 && e.Per > 0
		}
	}
	return limited
}

func (l *TykLimit) limits() bool { return l.Rate > 0 && l.Per > 0 || l.QuotaMax > 0 }
