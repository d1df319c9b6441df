package authz

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"github.com/tollgate-authz/tollgate/policies"
	"github.com/tollgate-authz/tollgate/store"
	"github.com/tollgate-authz/tollgate/store/limit"
)

// apiLimits is what holds for all limits of requests to one API.
type apiLimits struct {
	local   bool // mode: local
	onRate  StoreFailure
	onQuota StoreFailure
	headers string // x-ratelimit, ietf or none
	quotas  bool   // as in Tyk, the quota stands in the headers where there is one

	shared *plan  // the limit over all callers, nil for none
	record string // … and the id that it is counted on
}

// The kinds of headers that tell clients of their limits.
const (
	headersLegacy = "x-ratelimit"
	headersIETF   = "ietf"
	headersNone   = "none"
)

// compileLimits works out what holds for the API; what it does not say it
// inherits from the top of the file.
func (a *api) compileLimits(top LimitsSpec, base string, p *problems) {
	own := &a.spec.Limits
	a.limits = apiLimits{
		local:   inherited(own.Mode, top.Mode) == LimitLocal,
		onRate:  inherited(own.OnRate, top.OnRate, FailLocalShare),
		onQuota: inherited(own.OnQuota, top.OnQuota, FailDeny),
		headers: inherited(top.Headers, headersLegacy),
		quotas:  a.spec.Tyk,
	}
	checkLimitWords(LimitsSpec{Mode: own.Mode, OnRate: own.OnRate, OnQuota: own.OnQuota}, at(base, "limits"), p)
	p.take(at(base, "limits", "rate"), policies.CheckRate(own.Rate))
	if own.Rate == nil || own.Rate.Requests < 0 {
		return
	}
	sum := sha256.Sum256([]byte(store.Frame("all callers", a.spec.Org, a.spec.ID)))
	a.limits.record = string(sum[:recordSize])
	a.limits.shared = (&plan{spec: rateSpec(limit.ID(sum[recordSize:recordSize+8]), own.Rate)}).finish(nameShared)
}

// inherited gives the first that says something.
func inherited[T ~string](words ...T) T {
	for _, w := range words {
		if w != "" {
			return w
		}
	}
	return ""
}

// checkLimits checks the limits at the top of the file.
func checkLimits(top LimitsSpec, p *problems) {
	checkLimitWords(top, "/limits", p)
	if !slices.Contains([]string{"", headersLegacy, headersIETF, headersNone}, top.Headers) {
		p.add("/limits/headers", "is none of x-ratelimit, ietf and none", headersLegacy)
	}
}

func checkLimitWords(l LimitsSpec, base string, p *problems) {
	if !slices.Contains([]LimitMode{"", LimitExact, LimitLocal}, l.Mode) {
		p.add(at(base, "mode"), "is neither exact nor local", string(LimitExact))
	}
	for name, how := range map[string]StoreFailure{"rate": l.OnRate, "quota": l.OnQuota} {
		if !slices.Contains([]StoreFailure{"", FailLocalShare, FailAllow, FailDeny}, how) {
			p.add(at(base, "on_store_failure", name), "is none of local_share, allow and deny", string(FailDeny))
		}
	}
}

// recordSize is the length of the id that a session is counted under: 128 bits of
// its id do not collide, and every byte is kept once a session in the store.
const recordSize = 16

// recordOf gives the id under which a session's limits are counted: the first
// half of the session id. "" is no session.
func recordOf(session string) string {
	b, err := hex.DecodeString(session)
	if err != nil || len(b) < recordSize {
		return ""
	}
	return string(b[:recordSize])
}

// Limited says whether anything is counted under a specification: whether it needs
// a store to count in.
func (s *Spec) Limited() bool {
	for i := range s.APIs {
		if r := s.APIs[i].Limits.Rate; r != nil && r.Requests >= 0 {
			return true
		}
	}
	return slices.ContainsFunc(s.Policies, func(p policies.Spec) bool { return policyLimited(&p) })
}

func policyLimited(p *policies.Spec) bool {
	if p.Rate != nil || p.Quota != nil {
		return true
	}
	for i := range p.Access {
		if slices.ContainsFunc(p.Access[i].Allow, func(e policies.AllowSpec) bool { return e.Rate != nil }) {
			return true
		}
	}
	if p.Tyk == nil {
		return false
	}
	counts := func(l policies.TykLimit) bool { return l.Rate > 0 || l.QuotaMax > 0 }
	return counts(p.Tyk.Limit) || slices.ContainsFunc(p.Tyk.Access, func(a policies.TykAccess) bool {
		return counts(a.Limit) || len(a.Endpoints) > 0
	})
}
