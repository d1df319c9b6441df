package policies

import (
	"cmp"
	"slices"
)

// Inline is what a credential has of its own, compiled against one Set: rights
// that are united with those of its policies, and a rate and a quota that stand
// in for theirs.
type Inline struct {
	policy      *policy // nil: no rights of its own
	rate, quota *Limit
}

// CompileInline compiles what a credential has of its own: Access, Rate and
// Quota of spec, or Tyk in the place of Access. Its Org and ID name the counters, so the ID is one that no
// policy can have: that of the credential's session. Pointers of problems are
// relative to the spec.
func (s *Set) CompileInline(spec *Spec) (*Inline, []Problem) {
	c := compiler{apis: s.apis, merge: MergeTyk}
	c.checkRate("/rate", spec.Rate)
	c.checkQuota("/quota", spec.Quota)
	owner := key{spec.Org, spec.ID}
	in := &Inline{rate: countedRate(owner, "", "", spec.Rate), quota: countedQuota(owner, "", spec.Quota)}
	if len(spec.Access) > 0 || spec.Tyk != nil {
		own := *spec
		own.Rate, own.Quota = nil, nil
		in.policy = c.policy("", &own)
		in.policy.order = -1 // before all policies
		in.policy.own = true
	}
	if c.broken {
		return nil, c.sorted()
	}
	return in, c.sorted()
}

// MergeInline is Merge for a credential: the policies that it names and what it
// has of its own. It allocates; its caller keeps the grant with the credential.
func (s *Set) MergeInline(org string, ids []string, in *Inline) (*Grant, error) {
	if s.broken {
		return nil, errBroken
	}
	var list []*policy
	for _, id := range ids {
		p := s.find(org, id)
		if p == nil || p.inactive {
			return nil, s.refuse(org, ids)
		}
		list = append(list, p)
	}
	if in.policy != nil {
		list = append(list, in.policy)
	}
	if len(list) == 0 {
		return nil, &MissingError{}
	}
	slices.SortFunc(list, func(a, b *policy) int { return cmp.Compare(a.order, b.order) })
	g := newGrant(slices.Compact(list))
	g.own = in
	return g.valid()
}

// standIn gives the limits of a credential's own in the place of those of its
// policies; rates of access entries stay, as the most specific.
func (g *APIGrant) standIn(in *Inline) *APIGrant {
	if in == nil || (in.rate == nil && in.quota == nil) {
		return g
	}
	out := *g
	out.sources, out.byRate, out.byQuota = nil, nil, nil
	for _, s := range g.sources {
		own := *s
		if in.rate != nil {
			own.rate = governs(in.rate)
		}
		if in.quota != nil {
			own.quota = governs(in.quota)
		}
		out.sources = append(out.sources, &own)
	}
	out.byRate, out.byQuota = out.sources, out.sources
	return &out
}
