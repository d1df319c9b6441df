package policies

import (
	"regexp"
	"slices"
)

// source is what one policy grants on one API.
type source struct {
	policy *policy
	all    bool     // allow: all
	needs  []string // require_scopes of the policy, in order
	tree   *node
	rated  bool // some entry has a rate of its own
	// doors are the sets of scopes of which any opens something here; nil: it
	// grants without scopes. A policy that grants a token nothing on an API does
	// not govern its limits there.
	doors       [][]string
	rate, quota *Limit     // nil: unlimited
	endpoints   []endpoint // of Tyk's files
	versions    []string
	alone       *APIGrant
}

// opens reports whether the policy grants scopes anything on the API.
func (s *source) opens(scopes Scopes) bool {
	return s.doors == nil || slices.ContainsFunc(s.doors, scopes.Cover)
}

// APIGrant is what one combination of policies grants on one API. It is
// immutable and shared.
type APIGrant struct {
	api     string
	sources []*source // by policy id
	byRate  []*source // the most generous first
	byQuota []*source
	rated   bool
}

func newAPIGrant(api string, sources []*source) *APIGrant {
	g := &APIGrant{api: api, sources: sources, byRate: slices.Clone(sources), byQuota: slices.Clone(sources)}
	slices.SortStableFunc(g.byRate, func(a, b *source) int { return compareRates(b.rate, a.rate) })
	slices.SortStableFunc(g.byQuota, func(a, b *source) int { return compareQuotas(b.quota, a.quota) })
	g.rated = slices.ContainsFunc(sources, func(s *source) bool { return s.rated })
	return g
}

// Permission is the result of Permits. The zero value refuses.
type Permission uint8

// The permissions.
const (
	Refused      Permission = iota // access_refused
	Insufficient                   // scope_insufficient: an entry fits but needs more scopes
	Allowed
)

// Verdict is what the access rights say of one request.
type Verdict struct {
	Permission Permission
	// Needed are the scopes that the entry nearest to granting needs, in order
	// (Insufficient). They must not be changed.
	Needed []string
	// Rate and Quota govern the request (Allowed); nil is unlimited. Rate is that
	// of an access entry where one applies (most specific only).
	Rate  *Limit
	Quota *Limit
}

// Permits decides one request. It does not allocate.
//
// Rights are united: one entry of one policy is enough. Of each policy that
// grants the request the most specific entry counts, and its own rate, where it
// has one, stands in for the rate that governs the API; among the policies the
// most generous rate governs. So a further policy never makes a limit smaller.
func (g *APIGrant) Permits(method string, target Target, scopes Scopes) Verdict {
	if g == nil {
		return Verdict{}
	}
	var (
		base    = g.baseRate(scopes)
		granted bool
		rate    *Limit
		lack    need
	)
	for _, s := range g.sources {
		got := s.permits(&search{method: method, path: target.Path, scopes: scopes, base: base, rated: g.rated && s.rated})
		lack.nearer(got.need)
		if !got.found.ok {
			continue
		}
		if !granted || compareRates(got.found.rate, rate) > 0 {
			rate = got.found.rate
		}
		granted = true
		if !g.rated {
			break
		}
	}
	switch {
	case granted:
		return Verdict{Permission: Allowed, Rate: governs(rate), Quota: g.quota(scopes)}
	case lack.missing > 0:
		return Verdict{Permission: Insufficient, Needed: lack.scopes}
	default:
		return Verdict{}
	}
}

// endpoint is a rate of one method and path that stands in for that of the API.
type endpoint struct {
	method string
	expr   *regexp.Regexp
	rate   *Limit // nil: unlimited
}

// permits looks the request up in one policy and gives the search back.
func (s *source) permits(q *search) *search {
	q = s.find(q)
	if !q.found.ok {
		return q
	}
	for i := range s.endpoints {
		if e := &s.endpoints[i]; e.method == q.method && e.expr.MatchString(q.path) {
			q.found.rate = e.rate
			break
		}
	}
	return q
}

func (s *source) find(q *search) *search {
	if !s.all {
		q.from(s.tree, q.path, 0)
		return q
	}
	if missing := q.scopes.missing(s.needs); missing > 0 {
		q.need = need{missing, s.needs}
	} else {
		q.found = found{ok: true, rate: q.base}
	}
	return q
}

// baseRate gives the rate that governs the API: that of the most generous policy
// that grants it.
func (g *APIGrant) baseRate(scopes Scopes) *Limit {
	for _, s := range g.byRate {
		if s.opens(scopes) {
			return s.rate
		}
	}
	return nil
}

// quota gives the quota that governs the API.
func (g *APIGrant) quota(scopes Scopes) *Limit {
	for _, s := range g.byQuota {
		if s.opens(scopes) {
			return s.quota
		}
	}
	return nil
}
