package policies

import (
	"maps"
	"slices"
	"strings"
	"sync/atomic"
)

// Grant is what one combination of policies grants. It is immutable and shared
// between requests.
type Grant struct {
	policies     []*policy // by id
	ids          []string
	idsText      string
	tags         []string
	tagsText     string
	own          *Inline                              // of a credential; nil for tokens
	tyk          map[string][]*source                 // of policies of Tyk's files, merged
	err          error                                // they cannot be merged
	ready        map[string]*APIGrant                 // of one policy of a Tyk file; nil for others
	recentlyUsed [recentAPIs]atomic.Pointer[APIGrant] // several policies only
}

// recentAPIs bounds the per-API grants that one merged grant keeps.
const recentAPIs = 8

// newGrant unites policies that are sorted and unlike each other.
func newGrant(list []*policy) *Grant {
	g := &Grant{policies: list}
	for _, p := range list {
		if !p.own {
			g.ids = append(g.ids, p.id)
		}
		g.tags = append(g.tags, p.tags...)
	}
	slices.Sort(g.tags)
	g.tags = slices.Compact(g.tags)
	g.idsText = strings.Join(g.ids, ",")
	g.tagsText = strings.Join(g.tags, ",")
	g.uniteTyk()
	return g
}

// uniteTyk merges the policies of Tyk's files among those of the grant.
func (g *Grant) uniteTyk() {
	var list []*policy
	for _, p := range g.policies {
		if p.tyk != nil {
			list = append(list, p)
		}
	}
	if len(list) > 0 {
		g.tyk, g.err = mergeTyk(list)
	}
}

// valid gives the grant, or why there is none.
func (g *Grant) valid() (*Grant, error) {
	if g.err != nil {
		return nil, g.err
	}
	return g, nil
}

// Policies gives the ids in order. They must not be changed.
func (g *Grant) Policies() []string { return g.ids }

// PoliciesText gives the ids joined by ",".
func (g *Grant) PoliciesText() string { return g.idsText }

// Tags gives the united tags in order. They must not be changed.
func (g *Grant) Tags() []string { return g.tags }

// TagsText gives the tags joined by ",".
func (g *Grant) TagsText() string { return g.tagsText }

// Meta gives a metadata value; where several policies have one of that name, that
// of the smaller policy id.
func (g *Grant) Meta(name string) (string, bool) {
	for _, p := range g.policies {
		if value, ok := p.meta[name]; ok {
			return value, true
		}
	}
	return "", false
}

// AllMeta gives all metadata values by name, as Meta does one.
func (g *Grant) AllMeta() map[string]string {
	out := map[string]string{}
	for _, p := range slices.Backward(g.policies) {
		maps.Copy(out, p.meta)
	}
	return out
}

// API gives what is granted on one API, nil when that is nothing. A nil APIGrant
// permits nothing.
func (g *Grant) API(id string) *APIGrant {
	if g.ready != nil {
		return g.ready[id]
	}
	if len(g.policies) == 1 && g.own == nil {
		if s := g.policies[0].apis[id]; s != nil {
			return s.alone
		}
		return nil
	}
	slot := &g.recentlyUsed[hashText(id)%recentAPIs]
	if a := slot.Load(); a != nil && a.api == id {
		return a
	}
	sources := slices.Clone(g.tyk[id])
	for _, p := range g.policies {
		if s := p.apis[id]; s != nil {
			sources = append(sources, s)
		}
	}
	if len(sources) == 0 {
		return nil
	}
	a := newAPIGrant(id, sources).standIn(g.own)
	slot.Store(a)
	return a
}

// hashText is FNV-1a.
func hashText(text string) uint32 {
	h := uint32(2166136261)
	for i := range len(text) {
		h = (h ^ uint32(text[i])) * 16777619
	}
	return h
}
