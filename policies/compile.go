package policies

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Compile compiles policies. apis are the ids of all APIs, for references.
// Pointers of problems are relative to the list ("/3/access/orders/allow/0/path").
// The Set is never nil, so that selectors can be checked against it; where a
// problem is not a warning its Merge refuses everything.
func Compile(specs []Spec, apis []string, merge Merge) (*Set, []Problem) {
	c := compiler{apis: slices.Compact(slices.Sorted(slices.Values(apis)))}
	if merge != "" && merge != MergeNative && merge != MergeTyk {
		c.fault("", fault{fmt.Sprintf("there is no merging of policies by %q", string(merge)), "write merge: tyk or merge: native"})
	}
	c.merge = merge
	set := &Set{byID: make(map[key]*policy, len(specs)), apis: c.apis}
	list := make([]*policy, 0, len(specs))
	for i := range specs {
		at := "/" + strconv.Itoa(i)
		p := c.policy(at, &specs[i])
		if set.byID[p.key] != nil {
			c.fault(at+"/id", fault{"policy " + shown(p.id) + " is there twice", "give each policy an id of its own"})
			continue
		}
		set.byID[p.key] = p
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *policy) int {
		return cmp.Or(strings.Compare(a.id, b.id), strings.Compare(a.org, b.org))
	})
	for order, p := range list {
		p.order = order
		set.ids = append(set.ids, p.id)
	}
	set.ids = slices.Compact(set.ids)
	set.broken = c.broken
	return set, c.sorted()
}

// compiler turns specifications into policies and collects what is wrong.
type compiler struct {
	report
	apis  []string // sorted
	merge Merge
	// patterns are those of Tyk's files that were read.
	patterns map[string]parsed
}

func (c *compiler) policy(at string, spec *Spec) *policy {
	p := &policy{key: key{spec.Org, spec.ID}, inactive: spec.Inactive, tags: spec.Tags, meta: spec.Meta}
	c.checkIdentity(at, spec)
	c.checkScopes(at+"/require_scopes", spec.RequireScopes)
	c.checkRate(at+"/rate", spec.Rate)
	c.checkQuota(at+"/quota", spec.Quota)
	if spec.Tyk != nil {
		return c.foreign(at, p, spec)
	}
	p.apis = make(map[string]*source, len(spec.Access))
	for i := range spec.Access {
		access := &spec.Access[i]
		place := at + "/access/" + pointerToken(access.API)
		if _, known := slices.BinarySearch(c.apis, access.API); !known {
			c.fault(place, fault{"API " + shown(access.API) + " does not exist", suggest(access.API, c.apis)})
		}
		if p.apis[access.API] != nil {
			c.fault(place, fault{"API " + shown(access.API) + " is there twice", "unite the two"})
			continue
		}
		if s := c.source(place, spec, access); s != nil {
			s.policy = p
			s.alone = newAPIGrant(access.API, []*source{s})
			p.apis[access.API] = s
		}
	}
	if len(spec.Access) == 0 {
		c.warn(at, fault{"policy " + shown(spec.ID) + " has no access and grants nothing", "add access: {API: {allow: …}}"})
	}
	p.alone = newGrant([]*policy{p})
	return p
}

// foreign compiles a policy of a Tyk file: for merging as Tyk does, or as the
// native policy that comes next to it.
func (c *compiler) foreign(at string, p *policy, spec *Spec) *policy {
	if c.merge != MergeTyk {
		native, _ := spec.Native()
		return c.policy(at, &native)
	}
	p.tyk = c.tyk(at, spec)
	p.alone = newGrant([]*policy{p})
	p.alone.ready = make(map[string]*APIGrant, len(p.alone.tyk))
	for api, sources := range p.alone.tyk {
		p.alone.ready[api] = newAPIGrant(api, sources)
	}
	return p
}

// source compiles what one policy grants on one API, nil when that is nothing.
func (c *compiler) source(at string, spec *Spec, access *AccessSpec) *source {
	owner, counted := key{spec.Org, spec.ID}, ""
	if spec.PerAPI {
		counted = access.API
	}
	s := &source{
		all:   access.All,
		needs: unique(spec.RequireScopes),
		rate:  governs(countedRate(owner, counted, "", spec.Rate)),
		quota: governs(countedQuota(owner, counted, spec.Quota)),
	}
	switch {
	case access.All && len(access.Allow) > 0:
		c.fault(at+"/allow", fault{"allow: all and entries contradict each other", "write one of them"})
		return nil
	case access.All:
		s.doors = doors([][]string{s.needs})
		return s
	case len(access.Allow) == 0:
		c.warn(at, fault{"nothing is allowed here, so the policy does not grant this API", "write allow: all or entries"})
		return nil
	}
	s.tree = &node{}
	var opened [][]string
	slow := 0
	said := make(map[string]bool, len(access.Allow))
	for i := range access.Allow {
		entry := &access.Allow[i]
		place := at + "/allow/" + strconv.Itoa(i)
		path, text, ok := c.entry(place, entry)
		if said[text] {
			c.fault(place, fault{"an entry with these methods and this path is there already", "unite the two"})
			ok = false
		}
		if said[text] = true; !ok {
			continue
		}
		r := rule{
			methods: slices.Compact(slices.Sorted(slices.Values(entry.Methods))),
			needs:   unique(slices.Concat(s.needs, entry.RequireScopes)),
			rate:    countedRate(owner, access.API, text, entry.Rate),
		}
		s.rated = s.rated || r.rate != nil
		opened = append(opened, r.needs)
		s.tree.insert(path, r)
		if path.shape == expr && len(path.holds) < 2 {
			slow++
		}
	}
	if slow > maxSlow {
		c.warn(at+"/allow", fault{strconv.Itoa(slow) + " regular expressions hold no text to find them by: every request tries them all", "write paths with {id} and /**"})
	}
	if len(opened) == 0 {
		return nil
	}
	s.doors = doors(opened)
	c.warnShadows(at, s, access)
	return s
}

// maxSlow is how many regular expressions that no index helps are fine.
const maxSlow = 100

// doors drops the sets that a smaller one opens too; nil when none is needed.
func doors(sets [][]string) [][]string {
	slices.SortFunc(sets, func(a, b []string) int {
		return cmp.Or(cmp.Compare(len(a), len(b)), slices.Compare(a, b))
	})
	var least [][]string
	for _, set := range sets {
		if len(set) == 0 {
			return nil
		}
		if !slices.ContainsFunc(least, ScopesOf(set...).Cover) {
			least = append(least, set)
		}
	}
	return least
}
