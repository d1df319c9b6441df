package policies

import "slices"

// ConflictError means that policies of Tyk's files cannot be applied, alone or
// together. Its text is Tyk's.
type ConflictError struct{ Text string }

// Error gives the text.
func (e *ConflictError) Error() string { return e.Text }

const (
	errTykMixed   = "cannot apply multiple policies when some have per_api set and some are partitioned"
	errTykNothing = "key has no valid policies to be applied"
)

// tykAPI is what policies of Tyk's files together say about one API.
type tykAPI struct {
	granted   []*policy // those that grant it, by id
	trees     []*source
	rate      tykRate
	quota     tykQuota
	rated     bool // some policy has spoken of its rate, if only to say that there is none
	quotad    bool
	perAPI    bool
	own       bool   // a per_api policy limits it by itself
	scope     string // whose counters it shares; "" those of the session
	versions  []string
	endpoints map[string]*tykShared
	order     []string // of endpoints
}

// tykShared is one endpoint limit of several policies.
type tykShared struct {
	tykEndpoint
	best tykRate
}

// tykMerge unites policies of Tyk's files as Tyk's gateway does where its result
// does not hang on the order of policies; where it does, the result here is that
// of the policies sorted by id, unlimited wins, and rights are united.
//
// all and shared are limits of the session: an API on which nobody speaks of a
// rate or quota has all; one on which somebody did, without saying any number,
// has shared, which plain policies of other APIs do not add to.
type tykMerge struct {
	apis               map[string]*tykAPI
	all, shared        tykRate
	allQuota, sharedQt tykQuota
}

// mergeTyk gives what sorted policies grant together, as sources by API.
func mergeTyk(list []*policy) (map[string][]*source, error) {
	m := &tykMerge{apis: map[string]*tykAPI{}}
	var perAPI, partitioned bool
	for _, p := range list {
		if p.tyk.perAPI && p.tyk.partitioned {
			return nil, &ConflictError{"cannot apply policy " + p.id + " which has per_api and any of partitions set"}
		}
		perAPI, partitioned = perAPI || p.tyk.perAPI, partitioned || p.tyk.partitioned
	}
	if perAPI && partitioned {
		return nil, &ConflictError{errTykMixed}
	}
	for _, p := range list {
		m.add(p)
	}
	m.scopes()
	out := map[string][]*source{}
	for api, a := range m.apis {
		if len(a.granted) > 0 {
			out[api] = m.sources(a)
		}
	}
	if len(out) == 0 {
		return nil, &ConflictError{errTykNothing}
	}
	return out, nil
}

func (m *tykMerge) api(id string) *tykAPI {
	a := m.apis[id]
	if a == nil {
		a = &tykAPI{endpoints: map[string]*tykShared{}}
		m.apis[id] = a
	}
	return a
}

// add takes one policy in.
func (m *tykMerge) add(p *policy) {
	t := p.tyk
	for i := range t.rights {
		r := &t.rights[i]
		a := m.api(r.api)
		if t.acl || t.perAPI {
			a.grant(p, r)
		}
		switch {
		case t.perAPI:
			a.perAPILimits(p, r)
			continue
		case t.rate:
			a.rated = true
			a.rate.offerPlain(&t.limit, p.id)
			a.limitEndpoints(p, r)
		}
		if t.quota {
			a.quotad = true
			a.quota.offer(t.limit.QuotaMax, t.limit.QuotaRenewal, p.id)
		}
	}
	if !t.perAPI {
		m.session(p)
	}
}

// session adds the limits of a policy to those of the session.
func (m *tykMerge) session(p *policy) {
	t := p.tyk
	mixedIn := t.partitioned || len(t.rights) == 0
	if t.rate {
		m.all.offerPlain(&t.limit, p.id)
		if mixedIn {
			m.shared.offerPlain(&t.limit, p.id)
		}
	}
	if t.quota {
		m.allQuota.offer(t.limit.QuotaMax, t.limit.QuotaRenewal, p.id)
		if mixedIn {
			m.sharedQt.offer(t.limit.QuotaMax, t.limit.QuotaRenewal, p.id)
		}
	}
}

// grant adds the rights of one policy. A policy without a list of URLs does not
// lift the lists of others.
func (a *tykAPI) grant(p *policy, r *tykRight) {
	a.granted = append(a.granted, p)
	a.versions = unique(slices.Concat(a.versions, r.versions))
	if r.tree != nil {
		a.trees = append(a.trees, &source{policy: p, tree: r.tree})
	}
}

// perAPILimits adds the limits of a per_api policy: those of the right, or those
// of the policy where the right has none.
func (a *tykAPI) perAPILimits(p *policy, r *tykRight) {
	l, scope := r.limit, r.api
	if l.empty() {
		l, scope = p.tyk.limit, p.id
	}
	switch {
	case !a.perAPI, scope == r.api:
		a.scope = scope
	case a.scope != r.api:
		a.scope = max(a.scope, scope)
	}
	a.perAPI, a.rated, a.quotad = true, true, true
	a.own = a.own || !l.empty()
	if !l.empty() {
		a.rate.offer(tykRate{rate: l.Rate, per: l.Per, policy: p.id})
	}
	a.quota.offer(l.QuotaMax, l.QuotaRenewal, p.id)
	a.limitEndpoints(p, r)
}

// limitEndpoints adds the limits of endpoints: of two for one endpoint the better.
func (a *tykAPI) limitEndpoints(p *policy, r *tykRight) {
	for _, e := range r.endpoints {
		shared := a.endpoints[e.name]
		if shared == nil {
			shared = &tykShared{tykEndpoint: e}
			a.endpoints[e.name] = shared
			a.order = append(a.order, e.name)
		}
		shared.best.offer(tykRate{rate: e.rate, per: e.per, policy: p.id})
	}
}

// scopes says which counters are shared: those of all APIs, unless their rights
// come from several policies. Then each API counts with those whose rights come
// from the same policy, of several the last by id.
func (m *tykMerge) scopes() {
	from := map[string]bool{}
	for _, a := range m.apis {
		if len(a.granted) > 0 {
			from[a.setBy()] = true
		}
	}
	if len(from) < 2 {
		return
	}
	for _, a := range m.apis {
		if len(a.granted) > 0 {
			a.scope = a.setBy()
		}
	}
}

func (a *tykAPI) setBy() string {
	if a.perAPI {
		return a.scope
	}
	return a.granted[len(a.granted)-1].id
}

// limits are those that govern the API.
func (m *tykMerge) limits(a *tykAPI) (tykRate, tykQuota) {
	rate, quota := a.rate, a.quota
	if !a.rated {
		rate = m.all
	}
	if !a.quotad {
		quota = m.allQuota
	}
	if !a.own && a.rated && a.quotad && !rate.set && quota.max == 0 && quota.renewal == 0 {
		rate, quota = m.shared, m.sharedQt
	}
	return rate, quota
}

// sources are the rights and limits on one API in the form that decides.
func (m *tykMerge) sources(a *tykAPI) []*source {
	rate, quota := m.limits(a)
	limits := source{rate: rate.limit(a.scope, ""), quota: quota.limit(a.scope), versions: a.versions}
	for _, name := range a.order {
		e := a.endpoints[name]
		limits.endpoints = append(limits.endpoints, endpoint{method: e.method, expr: e.expr, rate: e.best.limit(a.scope, name)})
	}
	if len(a.trees) == 0 {
		all := limits
		all.policy, all.all = a.granted[0], true
		return []*source{&all}
	}
	out := make([]*source, 0, len(a.trees))
	for _, t := range a.trees {
		s := limits
		s.policy, s.tree = t.policy, t.tree
		out = append(out, &s)
	}
	return out
}

// HasVersion reports whether a version of a versioned API is granted. Only
// policies of Tyk's files grant any. A nil APIGrant grants none.
func (g *APIGrant) HasVersion(version string) bool {
	return g != nil && slices.ContainsFunc(g.sources, func(s *source) bool { return slices.Contains(s.versions, version) })
}
