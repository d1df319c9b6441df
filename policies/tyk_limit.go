package policies

import (
	"cmp"
	"strings"
	"time"
)

// unlimitedRate is a rate that always wins.
const unlimitedRate = -1

// tykRate is the best of several rates in Tyk's numbers. The zero value is none.
type tykRate struct {
	set       bool
	rate, per float64
	policy    string // whose it is
}

// spacing is the time between two requests; 0 is none at all.
func spacing(rate, per float64) float64 {
	if rate <= 0 || per <= 0 {
		return 0
	}
	return per / rate
}

// offer takes a rate where it is better than what there is: the shorter spacing,
// then more requests, then the smaller policy id. So the order of offers makes
// no difference, and unlimited wins.
func (r *tykRate) offer(o tykRate) {
	better := cmp.Or(
		cmp.Compare(spacing(r.rate, r.per), spacing(o.rate, o.per)),
		cmp.Compare(o.rate, r.rate),
		strings.Compare(r.policy, o.policy),
	)
	if !r.set || better > 0 {
		*r = o
		r.set = true
	}
}

// offerPlain offers the rate of a policy that is not per_api: no rate, or one per
// no time, says nothing there, and below 0 is unlimited.
func (r *tykRate) offerPlain(l *TykLimit, policy string) {
	switch {
	case l.Rate < 0:
		r.offer(tykRate{rate: unlimitedRate, policy: policy})
	case l.Rate == 0 || l.Per <= 0:
	default:
		r.offer(tykRate{rate: l.Rate, per: l.Per, policy: policy})
	}
}

// limit is the rate as it is counted: on the counter of scope, or of an endpoint
// within it. nil is unlimited.
func (r *tykRate) limit(scope, endpoint string) *Limit {
	if !r.set || spacing(r.rate, r.per) == 0 {
		return nil
	}
	rate := TykRate(r.rate, r.per)
	return &Limit{
		Policy: r.policy, Entry: endpoint, Rate: &rate,
		Counter: counterID("tyk rate", key{"", scope}, "", endpoint),
	}
}

// tykQuota is the best of several quotas: the highest number and the longest
// time, each by itself.
type tykQuota struct {
	set          bool
	max, renewal int64
	policy       string
}

func (q *tykQuota) offer(maximum, renewal int64, policy string) {
	if !q.set || quotaAbove(maximum, q.max) || maximum == q.max && policy < q.policy {
		q.max, q.policy = maximum, policy
	}
	q.renewal = max(q.renewal, renewal)
	q.set = true
}

// quotaAbove compares quotas; below 0 is unlimited and above all.
func quotaAbove(a, b int64) bool {
	if a < 0 || b < 0 {
		return a < 0 && b >= 0
	}
	return a > b
}

// limit is the quota as it is counted; nil is unlimited, which 0 is too.
func (q *tykQuota) limit(scope string) *Limit {
	if !q.set || q.max <= 0 {
		return nil
	}
	per := time.Duration(maxPer) // a renewal of 0 never comes
	if q.renewal > 0 && q.renewal < int64(maxPer/time.Second) {
		per = time.Duration(q.renewal) * time.Second
	}
	quota := Quota{Requests: q.max, Per: per}
	return &Limit{Policy: q.policy, Quota: &quota, Counter: counterID("tyk quota", key{"", scope}, "", "")}
}

// empty says whether a limit says nothing at all, so that another one counts.
func (l *TykLimit) empty() bool {
	return l.Rate == 0 && l.Per == 0 && l.QuotaMax == 0 && l.QuotaRenewal == 0
}
